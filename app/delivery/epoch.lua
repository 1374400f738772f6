-- Lets a partition's view go on in a later epoch, which begins right behind it or further on.
-- KEYS: position, epoch, epoch of the read marks.  ARGV: epoch, its start.
-- Returns 1 where the view is of that epoch now or of a later one; 0: it has events that are no part
-- of the log any more.
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[1]) then return 1 end
if tonumber(redis.call('GET', KEYS[1]) or '-1') >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[3], ARGV[1])
redis.call('SET', KEYS[2], ARGV[1])
return 1
