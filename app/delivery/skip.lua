-- The view steps over a record of chat.log that is no event.
-- KEYS: position   ARGV: offset
-- Returns 0, or -1 where the view stands before offset - 1.
local offset = tonumber(ARGV[1])
local position = tonumber(redis.call('GET', KEYS[1]) or '-1')
if position < offset - 1 then return -1 end
if position < offset then redis.call('SET', KEYS[1], ARGV[1]) end
return 0
