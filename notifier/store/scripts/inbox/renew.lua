-- Keeps the pod on the routes of its users and its locks alive; takes a lock that nobody holds.
-- KEYS[1]  a key of the slot
-- ARGV     pod, fence, lock life ms, user key, ...
-- returns  the lock holder of each user
local owners = {}

local function keep(u)
  if lock_of(u) == ARGV[1] and not inherits(u, ARGV[2]) then
    return ''  -- a later incarnation of this pod has it
  end
  local owner = claim(u, ARGV[1], ARGV[2], ARGV[3], '')
  if owner == ARGV[1] then
    -- A pod of an older version, which knows no such note, may have come to the user.
    if redis.call('HLEN', route_key(u)) > 2 then
      redis.call('DEL', sole_key(u))
    else
      redis.call('PEXPIRE', sole_key(u), ARGV[3])
    end
  end
  return owner
end

for i = 4, #ARGV do owners[#owners + 1] = mending(ARGV[i], keep, ARGV[i]) end
return owners
