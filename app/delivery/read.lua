-- Advances read marks of users in rooms of a partition; no mark goes back. Then moves the position
-- of `chat.receipts`, in the same step: a position here is never ahead of its marks. Does neither
-- where the view is of a later epoch than the caller.
-- KEYS: sign, filling, position, whole, epoch, then of each room: room, read, gone, everyone,
--       mentioned of each user
-- ARGV: low, high, the new position or '', epoch, then of each room: name, number of users, and of
--       each user: user, seq, personal channel
-- Publishes the counts to each user's devices, unless the view is being refilled and incomplete;
-- returns for each room whether receipts are shown there; nothing where it did nothing.
if tonumber(redis.call('GET', KEYS[5]) or '0') > tonumber(ARGV[4]) then return false end
local whole = redis.call('EXISTS', KEYS[4]) == 1

local function advance(k, room, user, mark, mentioned, channel)
  if mark <= tonumber(redis.call('HGET', KEYS[k + 1], user) or '-1') then return end
  redis.call('HSET', KEYS[k + 1], user, mark)
  if whole then
    local _, count, mentions = unread(KEYS[k], KEYS[k + 2], KEYS[k + 3], KEYS[mentioned], mark)
    redis.call('PUBLISH', channel, cjson.encode({
      kind = 'unread', room = room, read = mark, unread = count, mentions = mentions,
    }))
  end
end

local shown, k, a = {}, 6, 5
while a <= #ARGV do
  local room, users = ARGV[a], tonumber(ARGV[a + 1])
  for i = 0, users - 1 do
    local at = a + 2 + 3 * i
    advance(k, room, ARGV[at], tonumber(ARGV[at + 1]), k + 4 + i, ARGV[at + 2])
  end
  local settings = redis.call('HGET', KEYS[k], 'settings') or ''
  shown[#shown + 1] = string.find(settings, '"receipts":false', 1, true) and 0 or 1
  k, a = k + 4 + users, a + 2 + 3 * users
end
if ARGV[3] ~= '' then
  in_place(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
  redis.call('SET', KEYS[3], ARGV[3])
end
return shown
