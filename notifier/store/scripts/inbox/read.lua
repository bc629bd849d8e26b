-- Marks notifications read, of one user after the other.
-- KEYS[1]  a key of the slot
-- ARGV     pod, then per user: user key, number of notifications, then for each: stream id, notification id
-- returns  per user {other pods or false, then per notification: 1 = marked now, 0 = was read before, -1 = not in this
--          inbox} | an error of the user's keys
local read = 0

local function mark(u, first, last)
  local answer, marked = {redis.call('HLEN', route_key(u)) > 2 and other_pods(u, ARGV[1])}, {}
  for i = first, last, 2 do
    local id, nid = ARGV[i], ARGV[i + 1]
    local entry = redis.call('XRANGE', stream_key(u), id, id)[1]
    if not entry or not (is_of(entry, nid) or nid_of(entry) == nid) then
      answer[#answer + 1] = -1
    else
      local now = redis.call('HSETNX', state_key(u), nid, 'read')
      if now == 1 then
        marked[#marked + 1] = id
        note_read(u, nid)
      end
      answer[#answer + 1] = now
    end
  end
  if #marked > 0 then
    read = read + #marked
    redis.pcall('XACK', stream_key(u), GROUP, unpack(marked))
    if unread(u) <= 0 then redis.call('ZREM', index('pending'), u) end
  end
  return answer
end

local answers, at = {}, 2
while at <= #ARGV do
  local following = at + 2 + 2 * ARGV[at + 1]
  answers[#answers + 1] = apart(mending, ARGV[at], mark, ARGV[at], at + 2, following - 1)
  at = following
end
count_pending(-read)
return answers
