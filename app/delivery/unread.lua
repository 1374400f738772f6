-- The unread counts of a user in a room.
-- KEYS: room, read, gone, everyone, mentioned   ARGV: user
-- Returns the last seq, the mark, and how many messages and mentions are beyond it.
local mark = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
local seq, count, mentions = unread(KEYS[1], KEYS[3], KEYS[4], KEYS[5], mark)
return { seq, mark, count, mentions }
