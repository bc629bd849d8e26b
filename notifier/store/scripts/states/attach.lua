-- A connection begins: the pod is put on the user's route, takes the lock if it can, and gets the inbox as it stands.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, fence, lock life ms, entries wanted, 1 where plain commands may follow, 1 where counts and states
--          are wanted
-- returns  {lock holder, {id, nid, payload, ...} new to the group, other pods or false,
--           {id, nid, ...} cleared while away, rows newest first, unread, total, last id,
--           entries where plain commands may follow, or false,
--           {unread, unseen, in all, revision} or false, {id, nid, state or false, marks, ...} of those with marks}
local u, pod = ARGV[1], ARGV[2]

local function with_marks(entries)
  local found = {}
  for _, entry in ipairs(entries) do
    local nid = nid_of(entry)
    local marks = redis.call('HGET', marks_key(u), nid)
    if marks then
      for _, value in ipairs({entry[1], nid, redis.call('HGET', state_key(u), nid), marks}) do found[#found + 1] = value end
    end
  end
  return found
end

return mending(u, function()
  local owner = claim(u, pod, ARGV[3], ARGV[4], '')
  know(u)
  local cleared = redis.call('LRANGE', cleared_key(u), 0, -1)
  local entries = named(u, redis.call('XREVRANGE', stream_key(u), '+', '-', 'COUNT', ARGV[5]))
  local last = entries[1] and entries[1][1] or '0-0'
  local inbox, hidden = rows(u, entries)
  local left, total = unread(u), redis.call('XLEN', stream_key(u)) - snoozed_in(u, entries, hidden)
  local fresh = owner == pod and take(u) or {}  -- last, for what it hands out must not be lost by a failure
  local alone = owner == pod and ARGV[6] == '1' and serve_alone(u, pod, ARGV[3])
  local numbers, states = ARGV[7] == '1' and counts(u), ARGV[7] == '1' and with_marks(entries) or {}
  return {owner, fresh, other_pods(u, pod), cleared, inbox, left, total, last, alone, numbers, states}
end)
