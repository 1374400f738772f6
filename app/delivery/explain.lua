-- Why the unread counts of a user in a room are what they are, all of one moment.
-- KEYS: room, read, gone, everyone, mentioned
-- ARGV: user, the message behind which the list begins ('': the mark), the most messages of it
-- Returns the last seq, the mark, the counts, n and pos of the room's last event, the message behind
-- which the list begins, the deleted messages of the list, and those that mention the user.
local mark = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
local seq, count, mentions = unread(KEYS[1], KEYS[3], KEYS[4], KEYS[5], mark)
local place = redis.call('HMGET', KEYS[1], 'n', 'offset')
local after = math.max(mark, tonumber(ARGV[2]) or 0)
local first, last = '(' .. after, after + tonumber(ARGV[3])
local gone = redis.call('ZRANGEBYSCORE', KEYS[3], first, last)
local named = redis.call('ZRANGEBYSCORE', KEYS[4], first, last)
for _, one in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], first, last)) do
  named[#named + 1] = one
end
return {
  seq, mark, count, mentions, tonumber(place[1] or '0'), tonumber(place[2] or '-1'), after, gone, named
}
