-- Looks again at read marks that plain commands have set, where the holder may have changed or an entry may be gone.
-- KEYS[1]  a key of the slot
-- ARGV     pod, then per notification: user key, stream id, notification id, 1 = it was marked just now, 0 = before
-- returns  per notification {1 = marked, 0 = was read before, -1 = not in this inbox, other pods or false} | an error of
--          the user's keys
local function look(u, id, nid, now)
  local entry = redis.call('XRANGE', stream_key(u), id, id)[1]
  if entry and nid_of(entry) == nid then
    redis.pcall('XACK', stream_key(u), GROUP, id)
    return {tonumber(now), other_pods(u, ARGV[1])}
  end
  if now == '1' then
    redis.call('HDEL', state_key(u), nid)
    redis.call('HDEL', marks_key(u), nid)
    count_change(u, 2)
    count_pending(1)
  end
  return {-1, false}
end

local answers = {}
for i = 2, #ARGV, 4 do
  answers[#answers + 1] = apart(mending, ARGV[i], look, ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return answers
