-- Counts of inboxes, and the states of some of their notifications.
-- KEYS[1]  a key of the slot
-- ARGV     per user: user key, number of notifications, then for each: stream id, notification id
-- returns  per user {{unread, unseen, in all, revision}, then per notification in the inbox: stream id, notification id,
--          state or false, marks or false} | an error of the user's keys
local function look(u, first, last)
  local answer = {counts(u)}
  for i = first, last, 2 do
    local entry = redis.call('XRANGE', stream_key(u), ARGV[i], ARGV[i])[1]
    if entry and nid_of(entry) == ARGV[i + 1] then
      answer[#answer + 1] = ARGV[i]
      answer[#answer + 1] = ARGV[i + 1]
      answer[#answer + 1] = redis.call('HGET', state_key(u), ARGV[i + 1])
      answer[#answer + 1] = redis.call('HGET', marks_key(u), ARGV[i + 1])
    end
  end
  return answer
end

local answers, at = {}, 1
while at <= #ARGV do
  local following = at + 2 + 2 * ARGV[at + 1]
  answers[#answers + 1] = apart(mending, ARGV[at], look, ARGV[at], at + 2, following - 1)
  at = following
end
return answers
