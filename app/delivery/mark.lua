-- A mark in an edge's subscription: what was published before it has arrived before it.
-- KEYS: position, room…   ARGV: channel, token
-- Publishes "token position n n …": where the partition's view stands, and each room's head.
local parts = { ARGV[2], redis.call('GET', KEYS[1]) or '-1' }
for i = 2, #KEYS do
  parts[i + 1] = redis.call('HGET', KEYS[i], 'n') or '0'
end
redis.call('PUBLISH', ARGV[1], table.concat(parts, ' '))
return 1
