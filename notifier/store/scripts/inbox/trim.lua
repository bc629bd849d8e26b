-- Cuts one user's inbox to its newest entries, a part at a time. What is snoozed is to come back and does not count: as many
-- as are kept stay beside them.
-- KEYS[1]  a key of the slot
-- ARGV     user key, entries to keep, where the part begins
-- returns  {how many of those removed were unread, where the next part begins or false, pods with connections or false}
local u, keep = ARGV[1], tonumber(ARGV[2])

local function snoozed()
  local count = 0
  for _, state in ipairs(redis.call('HVALS', state_key(u))) do
    if state == 'snoozed' then count = count + 1 end
  end
  return math.min(count, keep)
end

return mending(u, function()
  local excess = redis.call('XLEN', stream_key(u)) - keep
  if excess > 0 then excess = excess - snoozed() end
  local going, part, following = {}, {}, false
  if excess > 0 then part, following = part_of(u, ARGV[3], '+') end
  for _, entry in ipairs(named(u, part)) do
    if #going == excess then break end
    if redis.call('HGET', state_key(u), nid_of(entry)) ~= 'snoozed' then going[#going + 1] = entry end
  end
  local lost = #remove(u, going) / 2
  settle(u)
  if #going < excess and following then return {lost, following, false} end
  redis.call('SREM', index('overfull'), u)
  return {lost, false, other_pods(u, '')}
end)
