-- Keeps the pod on the routes of its users and its locks alive; takes a lock that nobody holds.
-- KEYS[1]  a key of the slot
-- ARGV     pod, fence, lock life ms, user key, ...
-- returns  the lock holder of each user
local owners = {}
for i = 4, #ARGV do
  local u = ARGV[i]
  local owner = redis.call('GET', lock_key(u))
  if owner == ARGV[1] and redis.call('HGET', route_key(u), '#fence') ~= ARGV[2] then
    owners[#owners + 1] = ''  -- another incarnation of this pod has it
  else
    owner = claim(u, ARGV[1], ARGV[2], ARGV[3], '')
    owners[#owners + 1] = owner
  end
end
return owners
