-- Writes a membership of a user; an older event never replaces a newer one.
-- KEYS: rooms of the user   ARGV: room, n of joining, or minus n of being removed
local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
if math.abs(tonumber(ARGV[2])) > math.abs(known) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 0
