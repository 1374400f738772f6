-- Writes the presence of users of a partition; an older version never replaces a newer one, unless
-- it has to. Then moves the position of `chat.connections`, in the same step: between two steps this
-- server may be exchanged for an older one, which has the position and lacks the states.
-- KEYS: sign, filling, position, presence of each user
-- ARGV: low, high, the new position or '', '1' to replace any, then of each user: version, JSON
for i = 4, #KEYS do
  local version, state = ARGV[2 * i - 3], ARGV[2 * i - 2]
  local known = ARGV[4] ~= '1' and redis.call('GET', KEYS[i])
  if not known or (cjson.decode(known).version or 0) <= tonumber(version) then
    redis.call('SET', KEYS[i], state)
  end
end
if ARGV[3] ~= '' then
  in_place(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
  redis.call('SET', KEYS[3], ARGV[3])
end
return 1
