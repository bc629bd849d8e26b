-- Hands over what is new in the streams of users whose lock the pod holds.
-- KEYS[1]  a key of the slot
-- ARGV     pod, fence, user key, ...
-- returns  a row per user: {lock holder ('' = none), {id, nid, payload, ...}, other pods or false}
local answer = {}
for i = 3, #ARGV do
  local u = ARGV[i]
  if holds(u, ARGV[1], ARGV[2]) then
    answer[#answer + 1] = {ARGV[1], take(u), other_pods(u, ARGV[1])}
  else
    answer[#answer + 1] = {redis.call('GET', lock_key(u)) or '', {}, false}
  end
end
return answer
