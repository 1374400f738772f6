-- Publishes events of one partition of chat.log into the view, in order and atomically.
-- KEYS: position, epoch, then of each event: room, log, members, read, gone, everyone, sanctions,
--       mentioned…
-- ARGV: the window's events and its bytes, then of each event three: the event, the answer, and as
--       JSON
--   keys     how many keys are its own; 0: it is not an event, and is skipped
--   pos      as a string; below 0: a record that has no place among the events
--   after    the pos of the event before it in the log
--   epoch    the epoch of its pos
--   n, channel, edge (channel for the answer, or '') as strings
--   trace    '', or the traceparent that readers get with the event; the window has the event alone
--   and its changes:
--   room     {field, value, …}    fields of the room to set
--   members  {user, "role n", …}  new members
--   roles    {user, role, …}      members with another role
--   leaves   {user, …}            former members
--   read     {user, …}            users who count as having read everything up to here
--   gone     seq or 0             a message that is deleted
--   everyone seq or 0             a message that mentions everyone
--   mentions seq or 0             a message that mentions the users of the mentioned keys
--   last     {seq, text} or {}    the text of message seq in the list of rooms, if it is the last
--   rewrite  {n, event, …}        events whose text has changed or is gone
--   tell     {channel, …}         users whom it concerns
--   sanction {user, event} or {}  the sanction of a user; an empty event: none
-- Returns for each event 1: published; 0: was there already; -1: the view is behind `after`;
--         -2: the room is behind n - 1, though the view is not; -3: the view is of an epoch before.
local MENTIONS = 200
-- So often the weights of a window with large events are counted anew: erasures change them, too.
local RECOUNT = 100
local window, unit = tonumber(ARGV[1]), tonumber(ARGV[2]) / tonumber(ARGV[1])
local position = tonumber(redis.call('GET', KEYS[1]) or '-1')
local epoch = tonumber(redis.call('GET', KEYS[2]) or '0')

local function remember(key, seq)
  redis.call('ZADD', key, seq, seq)
  redis.call('ZREMRANGEBYRANK', key, 0, -MENTIONS - 1)
end

-- A large event takes the place of several in the window: of how many more than one.
local function extra_of(size)
  return size > unit and math.ceil(size / unit) - 1 or 0
end

-- The lowest n of a window, and the extra places of all its events.
local function counted(log)
  local there, low, extra = redis.call('HGETALL', log), math.huge, 0
  for i = 1, #there, 2 do
    low = math.min(low, tonumber(there[i]))
    extra = extra + extra_of(#there[i + 1])
  end
  return low, extra
end

-- Adds an event to a window and drops the oldest ones, whose places it needs.
-- low, extra: of the window, if it has large events; nil: an ordinary one, as most are.
local function keep(log, n, entry, low, extra)
  local own = extra_of(#entry)
  redis.call('HSET', log, n, entry)
  if not extra and own == 0 then
    redis.call('HDEL', log, n - window)
    return nil, nil
  end
  if not extra or n % RECOUNT == 0 then
    low, extra = counted(log)
  else
    extra = extra + own
  end
  while low < n and (n - low + 1 + extra > window) do
    extra = extra - extra_of(redis.call('HSTRLEN', log, low))
    redis.call('HDEL', log, low)
    low = low + 1
  end
  return low, extra
end

-- k: index of the event's first key; it: the decoded JSON; known: n, low and extra of the room.
local function apply(k, it, event, known)
  local room, log, members, read = KEYS[k], KEYS[k + 1], KEYS[k + 2], KEYS[k + 3]
  local large = known[3] and tonumber(known[3])
  local low, extra = keep(
    log, tonumber(it.n), it.pos .. ' ' .. event, large and tonumber(known[2]), large)
  local changed = false
  for i = 1, #it.rewrite, 2 do
    local place = it.rewrite[i]
    local there = redis.call('HGET', log, place)
    if there then
      local now = string.match(there, '^%d+ ') .. it.rewrite[i + 1]
      redis.call('HSET', log, place, now)
      changed = changed or extra_of(#now) ~= extra_of(#there)
    end
  end
  if changed then low, extra = counted(log) end
  if extra and extra > 0 then
    redis.call('HSET', room, 'low', low, 'extra', extra)
  elseif large then
    redis.call('HDEL', room, 'low', 'extra')
  end
  redis.call('HSET', room, 'n', it.n, 'offset', it.pos, unpack(it.room))
  if #it.members > 0 then redis.call('HSET', members, unpack(it.members)) end
  for i = 1, #it.roles, 2 do
    local entry = redis.call('HGET', members, it.roles[i])
    local role = it.roles[i + 1] .. string.match(entry or ' 1', ' %d+$')
    redis.call('HSET', members, it.roles[i], role)
  end
  if #it.leaves > 0 then redis.call('HDEL', members, unpack(it.leaves)) end
  local seq = redis.call('HGET', room, 'seq')
  for _, user in ipairs(it.read) do
    -- During a refill a receipt may have been there first.
    local known = tonumber(redis.call('HGET', read, user) or '-1')
    if tonumber(seq) > known then redis.call('HSET', read, user, seq) end
  end
  if it.last[1] == seq then redis.call('HSET', room, 'last_text', it.last[2]) end
  if it.gone > 0 then redis.call('ZADD', KEYS[k + 4], it.gone, it.gone) end
  if it.everyone > 0 then remember(KEYS[k + 5], it.everyone) end
  if #it.sanction > 0 and it.sanction[2] == '' then
    redis.call('HDEL', KEYS[k + 6], it.sanction[1])
  elseif #it.sanction > 0 then
    redis.call('HSET', KEYS[k + 6], unpack(it.sanction))
  end
  for i = k + 7, k + it.keys - 1 do remember(KEYS[i], it.mentions) end
  local told = event
  if it.trace ~= '' and string.sub(event, -1) == '}' then
    told = string.sub(event, 1, -2) .. ',"trace":"' .. it.trace .. '"}'
  end
  redis.call('PUBLISH', it.channel, it.pos .. ' ' .. it.n .. ' ' .. told)
  for _, channel in ipairs(it.tell) do redis.call('PUBLISH', channel, event) end
end

local function publish(k, it, event, answer)
  local pos, outcome = tonumber(it.pos), 0
  if pos < 0 then return 0 end
  if epoch < it.epoch then return -3 end
  if position < it.after then return -1 end
  if it.keys > 0 then
    local known = redis.call('HMGET', KEYS[k], 'n', 'low', 'extra')
    local n, head = tonumber(it.n), tonumber(known[1] or '0')
    if n > head + 1 then return -2 end
    if n == head + 1 then
      apply(k, it, event, known)
      outcome = 1
    end
  end
  if position < pos then
    position = pos
    redis.call('SET', KEYS[1], it.pos)
  end
  -- The worker that sent the answer first may have crashed: it is sent each time.
  if it.edge ~= '' then redis.call('PUBLISH', it.edge, answer) end
  return outcome
end

local outcomes, k = {}, 3
for a = 3, #ARGV, 3 do
  local it = cjson.decode(ARGV[a + 2])
  outcomes[#outcomes + 1] = publish(k, it, ARGV[a], ARGV[a + 1])
  k = k + it.keys
end
return outcomes
