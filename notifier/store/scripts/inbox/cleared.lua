-- Takes the list of what was cleared while nobody could be told.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, fence
-- returns  {{id, nid, ...}, other pods or false}; nothing unless the pod holds the lock
local u = ARGV[1]
return mending(u, function()
  if not holds(u, ARGV[2], ARGV[3]) then return {{}, false} end
  local cleared, others = redis.call('LRANGE', cleared_key(u), 0, -1), other_pods(u, ARGV[2])
  redis.call('DEL', cleared_key(u))
  return {cleared, others}
end)
