-- The pod has no connection of the user any more: leaves the route and lets the lock go.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, fence
-- returns  the pods that still have connections of the user, or false
local u, pod = ARGV[1], ARGV[2]
return mending(u, function()
  if holds(u, pod, ARGV[3]) then
    redis.call('DEL', lock_key(u))
    redis.call('HDEL', route_key(u), '#fence')
  end
  redis.call('HDEL', route_key(u), pod)
  redis.call('DEL', sole_key(u))
  local others = other_pods(u, pod)
  if not others then
    redis.call('DEL', route_key(u))
    settle(u)
  end
  return others
end)
