-- Takes the lock of a user whose holder is gone, and hands over what is new.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, fence, lock life ms, pod known to be dead ('' = none)
-- returns  {lock holder, {id, nid, payload, ...}, other pods or false}
local u, pod = ARGV[1], ARGV[2]
return mending(u, function()
  local owner, others = claim(u, pod, ARGV[3], ARGV[4], ARGV[5]), other_pods(u, pod)
  return {owner, owner == pod and take(u) or {}, others}
end)
