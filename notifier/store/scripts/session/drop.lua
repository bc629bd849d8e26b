-- Forgets addresses of a user: those whose registration is still the one named, or all.
-- KEYS[1]  a key of the slot
-- ARGV     user, then per address: field, µs of its registration; none: all
-- returns  how many went
local user, gone = ARGV[1], {}
if #ARGV == 1 then gone = redis.call('HKEYS', sessions_key(user)) end
for i = 2, #ARGV, 2 do
  local since = redis.call('ZSCORE', session_since_key(user), ARGV[i])
  if since and tonumber(since) == tonumber(ARGV[i + 1]) then gone[#gone + 1] = ARGV[i] end
end
forget(user, gone)
return #gone
