-- Looks where a partition stands.
-- KEYS: sign, filling, position   ARGV: low, high
-- Returns whether nothing is lost, and the position.
local _, stands = in_place(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
return { redis.call('EXISTS', KEYS[1]), stands }
