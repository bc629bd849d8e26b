-- Cuts one user's inbox to its newest entries.
-- KEYS[1]  a key of the slot
-- ARGV     user key, entries to keep
-- returns  how many of those removed were unread
local u = ARGV[1]
return mending(u, function()
  local lost = trim(u, tonumber(ARGV[2]))
  settle(u)
  redis.call('SREM', index('overfull'), u)
  return lost
end)
