-- Note that nothing of a partition's view is missing, if it stands at the end of the log.
-- KEYS: position, whole   ARGV: the offset that the log's next record will get
-- Returns whether it is noted.
if tonumber(redis.call('GET', KEYS[1]) or '-1') + 1 < tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], '1')
return 1
