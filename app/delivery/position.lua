-- Compares the position up to which records of a topic are applied here with what the caller knows.
-- Where it is not between `low` and `high`, this server has another past than the caller: it was
-- rolled back, or exchanged. Then the sign that nothing is lost goes, and so does that of a refill.
-- Prepended to the scripts that apply records.
local function in_place(sign, filling, position, low, high)
  local stands = tonumber(redis.call('GET', position) or '-1')
  if stands >= tonumber(low) and stands <= tonumber(high) then return true, stands end
  redis.call('DEL', sign, filling)
  return false, stands
end
