-- Moves the position of a partition: the records up to it are applied.
-- KEYS: sign, filling, position   ARGV: low, high, the new position
in_place(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
redis.call('SET', KEYS[3], ARGV[3])
return 1
