-- Settles what an edge has allowed with what all other edges have: GCRA on Valkey's own clock.
-- KEYS: the edges, then one bucket after the other.
-- ARGV: this edge, the seconds for which it then counts as alive, then of each bucket the
--       microseconds by which the edge has moved its TAT since the last call.
-- Returns the number of edges, then of each bucket by how many microseconds its TAT is ahead.
-- Not idempotent: a call that is repeated counts twice, which errs on the side of the limit.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]) * 1000000, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('EXPIRE', KEYS[1], ARGV[2])

local found = {redis.call('ZCARD', KEYS[1])}
for i = 2, #KEYS do
  local tat = tonumber(redis.call('GET', KEYS[i]) or '0')
  if tat < now then tat = now end
  local debit = tonumber(ARGV[i + 1])
  if debit > 0 then
    tat = tat + debit
    -- Gone when the bucket is whole again: a bucket that does not exist is whole.
    redis.call('SET', KEYS[i], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000))
  end
  found[#found + 1] = tat - now
end
return found
