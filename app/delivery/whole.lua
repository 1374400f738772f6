-- Marks a partition's view complete, if it has reached the end of the log and has lost nothing since
-- that end was looked up.
-- KEYS: position, whole, filling   ARGV: the pos of the log's next record, and the token of the
-- view from before that was looked up
-- Returns whether the view is marked.
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return 0 end
if tonumber(redis.call('GET', KEYS[1]) or '-1') + 1 < tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], '1')
return 1
