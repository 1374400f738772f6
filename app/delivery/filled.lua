-- Notes that a partition is refilled, if nothing was lost since that began.
-- KEYS: sign, filling, position   ARGV: low, high, the token of the refill
-- The token begins with the run id of the server: one that was started anew, or a replica that took
-- over, may lack a part of the refill and have the token. Returns whether it is noted.
if not in_place(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]) then return 0 end
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if string.match(ARGV[3], '^%x+') ~= run then return 0 end
redis.call('RENAME', KEYS[2], KEYS[1])
return 1
