-- Cuts one user's inbox to its newest entries, a part at a time.
-- KEYS[1]  a key of the slot
-- ARGV     user key, entries to keep
-- returns  {how many of those removed were unread, 1 where there are more to remove, pods with connections or false}
local u = ARGV[1]
return mending(u, function()
  local lost, more = trim(u, tonumber(ARGV[2]))
  settle(u)
  if more then return {lost, 1, false} end
  redis.call('SREM', index('overfull'), u)
  return {lost, 0, other_pods(u, '')}
end)
