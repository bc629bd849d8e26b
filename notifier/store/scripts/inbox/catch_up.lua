-- Reads on in the streams of users with connections on a pod, after a gap; keeps their locks, or takes free ones.
-- Entries that are new to the group count as handed out where the pod holds the lock: it is among the rows, or comes with the
-- next page.
-- KEYS[1]  a key of the slot
-- ARGV     pod, fence, lock life ms, most rows per user, 1 where plain commands may follow, then per user: user key, id after which to read,
--          pod known to be dead ('' = none)
-- returns  per user {lock holder, other pods or false, last id that the stream gave ('' = no stream), rows, how many
--          entries were read, entries where plain commands may follow or false} | an error of the user's keys
local pod, fence, life, most, plain = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1'

local function last_id(u)
  local info = redis.pcall('XINFO', 'STREAM', stream_key(u))
  if info.err then return '' end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

local function read_on(u, after, dead)
  local owner = claim(u, pod, fence, life, dead)
  if owner == pod then take(u) end
  local entries = redis.call('XRANGE', stream_key(u), '(' .. after, '+', 'COUNT', most)
  local last, found, others = last_id(u), rows(u, entries), other_pods(u, pod)
  local alone = owner == pod and plain and serve_alone(u, pod, fence)
  return {owner, others, last, found, #entries, alone}
end

local answers = {}
for i = 6, #ARGV, 3 do
  local u = ARGV[i]
  answers[#answers + 1] = apart(mending, u, read_on, u, ARGV[i + 1], ARGV[i + 2])
end
return answers
