-- Advances read marks of users in a room; no mark goes back.
-- KEYS: room, read, gone, everyone, mentioned of each user, whole
-- ARGV: name of the room, then of each user: user, seq, personal channel
-- Publishes the counts to each user's devices, unless the view is being refilled and incomplete;
-- returns whether receipts are shown in this room.
local whole = redis.call('EXISTS', KEYS[#KEYS]) == 1
for i = 2, #ARGV, 3 do
  local user, mark = ARGV[i], tonumber(ARGV[i + 1])
  if mark > tonumber(redis.call('HGET', KEYS[2], user) or '-1') then
    redis.call('HSET', KEYS[2], user, mark)
    if whole then
      local _, count, mentions = unread(KEYS[1], KEYS[3], KEYS[4], KEYS[5 + (i - 2) / 3], mark)
      redis.call('PUBLISH', ARGV[i + 2], cjson.encode({
        kind = 'unread', room = ARGV[1], read = mark, unread = count, mentions = mentions,
      }))
    end
  end
end
local settings = redis.call('HGET', KEYS[1], 'settings') or ''
return string.find(settings, '"receipts":false', 1, true) and 0 or 1
