-- A mark in an edge's subscription: what was published before it has arrived before it.
-- KEYS: position, room…   ARGV: channel, token
-- Publishes "token position n n … offset offset …": where the partition's view stands, and of each
-- room the newest event.
local parts = { ARGV[2], redis.call('GET', KEYS[1]) or '-1' }
for i = 2, #KEYS do
  local head = redis.call('HMGET', KEYS[i], 'n', 'offset')
  parts[i + 1] = head[1] or '0'
  parts[i + #KEYS] = head[2] or '-1'
end
redis.call('PUBLISH', ARGV[1], table.concat(parts, ' '))
return 1
