-- A mark in an edge's subscription: what was published before it has arrived before it.
-- KEYS: position, whole, room…   ARGV: channel, token
-- Publishes "token position n n … offset offset …": where the partition's view stands, -2 where it is
-- being filled again, and of each room the newest event.
local stands = redis.call('EXISTS', KEYS[2]) == 1 and (redis.call('GET', KEYS[1]) or '-1')
local parts, rooms = { ARGV[2], stands or '-2' }, #KEYS - 2
for i = 1, rooms do
  local head = redis.call('HMGET', KEYS[i + 2], 'n', 'offset')
  parts[i + 2] = head[1] or '0'
  parts[i + 2 + rooms] = head[2] or '-1'
end
redis.call('PUBLISH', ARGV[1], table.concat(parts, ' '))
return 1
