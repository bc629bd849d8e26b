-- Reads the new entries of the streams of users whose lock the pod holds.
-- KEYS[1]  a key of the slot
-- ARGV     pod, fence, 1 where plain commands may follow, user key, ...
-- returns  a row per user: {lock holder ('' = none), {id, nid, payload, ...}, other pods or false}; without a holder all
--          pods on the user's route
local answer = {}

local function hand_over(u)
  if not holds(u, ARGV[1], ARGV[2]) then
    local owner = lock_of(u) or ''
    return {owner, {}, owner == '' and other_pods(u, ''), false}
  end
  local others = other_pods(u, ARGV[1])
  local fresh = take(u)
  return {ARGV[1], fresh, others, ARGV[3] == '1' and serve_alone(u, ARGV[1], ARGV[2])}
end

for i = 4, #ARGV do answer[#answer + 1] = mending(ARGV[i], hand_over, ARGV[i]) end
return answer
