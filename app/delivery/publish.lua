-- One event of chat.log into the view: all of it or nothing.
-- KEYS: position, room, log, members
-- ARGV: offset, n, window, event, channel, edge channel, answer, user channel, room fields, member fields
--       (the last two as JSON arrays of alternating field and value)
-- Returns 1: published; 0: was there already; -1: the view stands before offset - 1;
--         -2: the room stands before n - 1, though the view does not.
local offset, n = tonumber(ARGV[1]), tonumber(ARGV[2])
local position = tonumber(redis.call('GET', KEYS[1]) or '-1')
if position < offset - 1 then return -1 end

local outcome = 0
local head = tonumber(redis.call('HGET', KEYS[2], 'n') or '0')
if n > head + 1 then return -2 end
if n == head + 1 then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], n .. '-0', 'o', ARGV[1], 'e', ARGV[4])
  redis.call('HSET', KEYS[2], 'n', ARGV[2], 'offset', ARGV[1], unpack(cjson.decode(ARGV[9])))
  local changed = cjson.decode(ARGV[10])
  if #changed > 0 then redis.call('HSET', KEYS[4], unpack(changed)) end
  outcome = 1
end
if position < offset then redis.call('SET', KEYS[1], ARGV[1]) end
if outcome == 1 then
  redis.call('PUBLISH', ARGV[5], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[4])
  if ARGV[8] ~= '' then redis.call('PUBLISH', ARGV[8], ARGV[4]) end
end
-- An answer may have been lost with the worker that gave it first: it is given each time.
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[7]) end
return outcome
