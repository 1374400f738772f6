-- Marks the memberships of a partition complete, if its view has lost nothing since the refill began.
-- KEYS: memberships, filling   ARGV: the token of the refill
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], '1')
return 1
