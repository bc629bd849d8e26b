-- Marks notifications of one user read.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, then per notification: stream id, notification id
-- returns  {other pods or false, then per notification: 1 = marked now, 0 = was read before, -1 = not in this inbox}
local u = ARGV[1]
local answer, marked = {redis.call('HLEN', route_key(u)) > 2 and other_pods(u, ARGV[2])}, {}
for i = 3, #ARGV, 2 do
  local id, nid = ARGV[i], ARGV[i + 1]
  local entry = redis.call('XRANGE', stream_key(u), id, id)[1]
  if not entry or nid_of(entry) ~= nid then
    answer[#answer + 1] = -1
  else
    local now = redis.call('HSET', state_key(u), nid, 'read')
    if now == 1 then marked[#marked + 1] = id end
    answer[#answer + 1] = now
  end
end
if #marked > 0 then
  redis.pcall('XACK', stream_key(u), GROUP, unpack(marked))
  count_pending(-#marked)
  if unread(u) <= 0 then redis.call('ZREM', index('pending'), u) end
end
return answer
