-- Shares partitions between the readers of a pulled subscription.
-- KEYS: readers (sorted set: reader by the time it was last heard of), owners (hash by partition).
-- ARGV: the reader, milliseconds for which a reader is believed to live, the number of partitions,
-- 1 where the reader goes, then the partitions that it is not done with.
-- Returns the partitions that are the reader's.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, life, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if ARGV[4] == '1' then
  redis.call('ZREM', KEYS[1], me)
else
  redis.call('ZADD', KEYS[1], now, me)
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - life)
redis.call('PEXPIRE', KEYS[1], life)
local readers = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(readers)
local alive, mine = {}, -1
for index, name in ipairs(readers) do
  alive[name] = true
  if name == me then mine = index - 1 end
end
local busy = {}
for index = 5, #ARGV do busy[ARGV[index]] = true end
local found = {}
for partition = 0, count - 1 do
  local name = tostring(partition)
  local owner = redis.call('HGET', KEYS[2], name)
  local wanted = mine >= 0 and partition % #readers == mine
  if owner == me and not wanted and (mine < 0 or not busy[name]) then
    redis.call('HDEL', KEYS[2], name)
    owner = false
  end
  if wanted and (not owner or not alive[owner]) then
    redis.call('HSET', KEYS[2], name, me)
    owner = me
  end
  if owner == me then found[#found + 1] = partition end
end
redis.call('PEXPIRE', KEYS[2], life)
return found
