-- Counts beyond a read mark in a room: the last seq, messages, messages that mention the user.
-- Prepended to read.lua and unread.lua.
local function unread(room, gone, everyone, mentioned, mark)
  local seq = tonumber(redis.call('HGET', room, 'seq') or '0')
  local beyond = '(' .. mark
  local count = seq - mark - redis.call('ZCOUNT', gone, beyond, '+inf')
  local seen, mentions = {}, 0
  for _, key in ipairs({ everyone, mentioned }) do
    for _, named in ipairs(redis.call('ZRANGEBYSCORE', key, beyond, '+inf')) do
      if not seen[named] and not redis.call('ZSCORE', gone, named) then
        seen[named] = true
        mentions = mentions + 1
      end
    end
  end
  return seq, math.max(count, 0), mentions
end
