-- Removes words from a room's window and from its entry in the list of rooms, atomically.
-- KEYS: room, log
-- ARGV: the seq of the last message, if its words are to be removed from the list of rooms, or '';
--       then {n, event}…: an empty event drops that of the window, any other takes its place
-- An event that the window has lost meanwhile is not put back, and the words of a newer last message
-- stay. Returns how many events were there.
local count = 0
for i = 2, #ARGV, 2 do
  local there = redis.call('HGET', KEYS[2], ARGV[i])
  if there then
    count = count + 1
    if ARGV[i + 1] == '' then
      redis.call('HDEL', KEYS[2], ARGV[i])
    else
      redis.call('HSET', KEYS[2], ARGV[i], string.match(there, '^%d+ ') .. ARGV[i + 1])
    end
  end
end
if ARGV[1] ~= '' and redis.call('HGET', KEYS[1], 'seq') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'last_by', '', 'last_text', '')
end
return count
