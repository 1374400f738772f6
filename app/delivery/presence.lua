-- Writes the presence of a user; an older version never replaces a newer one, unless it has to.
-- KEYS: presence   ARGV: version, presence as JSON, '1' to replace any
local known = ARGV[3] ~= '1' and redis.call('GET', KEYS[1])
if known and (cjson.decode(known).version or 0) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
