-- Note that nothing of a partition's view is missing, if it stands at the end of the log and has lost
-- nothing since that end was looked up.
-- KEYS: position, whole, filling   ARGV: the offset that the log's next record will get, the sign
-- that was there before that was looked up
-- Returns whether it is noted.
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return 0 end
if tonumber(redis.call('GET', KEYS[1]) or '-1') + 1 < tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], '1')
return 1
