-- One event of chat.log into the view: all of it or nothing.
-- KEYS: position, room, log, members, read, gone, everyone, sanctions, mentioned…
-- ARGV: offset, n, window, channel, event, edge channel, answer, changes as JSON:
--   room     {field, value, …}    fields of the room to set
--   members  {user, "role n", …}  people who are members
--   roles    {user, role, …}      members with another role
--   leaves   {user, …}            people who are members no longer
--   read     {user, …}            people who count as having read everything up to here
--   gone     seq or 0             a message that is deleted
--   everyone seq or 0             a message that names everyone
--   mentions seq or 0             a message that names the people of the mentioned keys
--   last     {seq, text} or {}    what the list of rooms shows of message seq, if it is the last
--   rewrite  {n, event, …}        events whose text has changed or is gone
--   tell     {channel, …}         people whom it concerns
--   sanction {user, event} or {}  what somebody is under; an empty event: nothing
-- Returns 1: published; 0: was there already; -1: the view stands before offset - 1;
--         -2: the room stands before n - 1, though the view does not.
local MENTIONS = 200
local offset, n = tonumber(ARGV[1]), tonumber(ARGV[2])
local position = tonumber(redis.call('GET', KEYS[1]) or '-1')
if position < offset - 1 then return -1 end

local function remember(key, seq)
  redis.call('ZADD', key, seq, seq)
  redis.call('ZREMRANGEBYRANK', key, 0, -MENTIONS - 1)
end

local outcome = 0
local head = tonumber(redis.call('HGET', KEYS[2], 'n') or '0')
if n > head + 1 then return -2 end
if n == head + 1 then
  local changes = cjson.decode(ARGV[8])
  redis.call('HSET', KEYS[3], ARGV[2], ARGV[1] .. ' ' .. ARGV[5])
  redis.call('HDEL', KEYS[3], n - tonumber(ARGV[3]))
  redis.call('HSET', KEYS[2], 'n', ARGV[2], 'offset', ARGV[1], unpack(changes.room))
  if #changes.members > 0 then redis.call('HSET', KEYS[4], unpack(changes.members)) end
  for i = 1, #changes.roles, 2 do
    local entry = redis.call('HGET', KEYS[4], changes.roles[i])
    local role = changes.roles[i + 1] .. string.match(entry or ' 1', ' %d+$')
    redis.call('HSET', KEYS[4], changes.roles[i], role)
  end
  if #changes.leaves > 0 then redis.call('HDEL', KEYS[4], unpack(changes.leaves)) end
  local seq = redis.call('HGET', KEYS[2], 'seq')
  for _, user in ipairs(changes.read) do
    -- A receipt may have been there first, when the view is filled again.
    local known = tonumber(redis.call('HGET', KEYS[5], user) or '-1')
    if tonumber(seq) > known then redis.call('HSET', KEYS[5], user, seq) end
  end
  if changes.last[1] == seq then redis.call('HSET', KEYS[2], 'last_text', changes.last[2]) end
  if changes.gone > 0 then redis.call('ZADD', KEYS[6], changes.gone, changes.gone) end
  if changes.everyone > 0 then remember(KEYS[7], changes.everyone) end
  if #changes.sanction > 0 and changes.sanction[2] == '' then
    redis.call('HDEL', KEYS[8], changes.sanction[1])
  elseif #changes.sanction > 0 then
    redis.call('HSET', KEYS[8], unpack(changes.sanction))
  end
  for i = 9, #KEYS do remember(KEYS[i], changes.mentions) end
  for i = 1, #changes.rewrite, 2 do
    local place = changes.rewrite[i]
    local there = redis.call('HGET', KEYS[3], place)
    if there then
      redis.call('HSET', KEYS[3], place, string.match(there, '^%d+ ') .. changes.rewrite[i + 1])
    end
  end
  redis.call('PUBLISH', ARGV[4], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[5])
  for _, channel in ipairs(changes.tell) do redis.call('PUBLISH', channel, ARGV[5]) end
  outcome = 1
end
if position < offset then redis.call('SET', KEYS[1], ARGV[1]) end
-- An answer may have been lost with the worker that gave it first: it is given each time.
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[7]) end
return outcome
