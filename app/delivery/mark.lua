-- Publishes a marker to an edge: messages published before it arrive before it.
-- KEYS: position, whole, room…   ARGV: channel, token
-- The message is "token position n n … offset offset …": the position of the partition's view, -2
-- while it is being refilled, and the newest event of each room.
local stands = redis.call('EXISTS', KEYS[2]) == 1 and (redis.call('GET', KEYS[1]) or '-1')
local parts, rooms = { ARGV[2], stands or '-2' }, #KEYS - 2
for i = 1, rooms do
  local head = redis.call('HMGET', KEYS[i + 2], 'n', 'offset')
  parts[i + 2] = head[1] or '0'
  parts[i + 2 + rooms] = head[2] or '-1'
end
redis.call('PUBLISH', ARGV[1], table.concat(parts, ' '))
return 1
