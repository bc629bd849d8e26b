-- Looks after one user's consumer group and read state: what a crash, another writer or a hand on the keys left behind. It
-- goes through the stream in parts; where it has met as many states as there are, none of them dangles.
-- KEYS[1]  a key of the slot
-- ARGV     user key, where the part begins ('-' = at the beginning), states and marks met in the parts before
-- returns  {references and states removed, 1 when the group was missing, where the next part begins or false, states met,
--          marks met}
local u, removed, created = ARGV[1], 0, 0

-- Gives what foreign consumers hold to the user's own, and removes them.
local function take_over_consumers()
  for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', stream_key(u), GROUP)) do
    local name = row[2]  -- {'name', name, 'pending', ...}
    if name ~= consumer(u) then
      local held, ids = redis.call('XPENDING', stream_key(u), GROUP, '-', '+', 2000, name), {}
      for i, item in ipairs(held) do ids[i] = item[1] end
      if #ids > 0 then redis.call('XCLAIM', stream_key(u), GROUP, consumer(u), 0, unpack(ids)) end
      redis.call('XGROUP', 'DELCONSUMER', stream_key(u), GROUP, name)
      note('group', stream_key(u))
      removed = removed + 1
    end
  end
end

-- References to entries that are gone, as far as one script goes: the rest is left to the next round.
local function drop_dangling()
  for _, item in ipairs(redis.call('XPENDING', stream_key(u), GROUP, '-', '+', 2000)) do
    if #redis.call('XRANGE', stream_key(u), item[1], item[1]) == 0 then
      removed = removed + redis.call('XACK', stream_key(u), GROUP, item[1])
    end
  end
end

-- Looks through the whole, as something is wrong.
local function drop_states()
  local known, before = {}, removed
  for _, entry in ipairs(redis.call('XRANGE', stream_key(u), '-', '+')) do known[nid_of(entry)] = true end
  for _, key in ipairs({state_key(u), marks_key(u)}) do
    for _, nid in ipairs(redis.call('HKEYS', key)) do
      if not known[nid] then removed = removed + redis.call('HDEL', key, nid) end
    end
  end
  if removed > before then count_change(u, removed - before + 1) end
end

-- Callers' keys of notifications that are no more.
local function drop_names()
  local named = redis.call('HGETALL', named_key(u))
  for i = 1, #named, 2 do
    if redis.call('EXISTS', payload_key(u, named[i + 1])) == 0 then
      removed = removed + redis.call('HDEL', named_key(u), named[i])
    end
  end
end

-- What is snoozed comes back: the index that tells when may have been lost.
local function keep_waking(nid, packed)
  local due = packed and string.match(packed, 'z(%d+)') or string.format('%.0f', now_ms())
  if not packed then redis.call('HSET', marks_key(u), nid, 'z' .. due) end
  redis.call('ZADD', index('snoozed'), 'NX', due, snooze_member(u, nid))
end

local function look_after_group()
  if redis.pcall('XGROUP', 'CREATE', stream_key(u), GROUP, '0').ok then
    created = 1
    note('group', stream_key(u))
  end
  take_over_consumers()
  drop_dangling()
  redis.call('ZADD', index('expiry'), 'NX', now_ms(), u)  -- a stream that another program began is looked at too
end

local function conclude(states_met, marks_met)
  local before = unread(u)
  if before > 0 then know(u) end
  if redis.call('HLEN', state_key(u)) ~= states_met or redis.call('HLEN', marks_key(u)) ~= marks_met then drop_states() end
  drop_names()
  count_pending(unread(u) - before)
  if settle(u) > 0 then redis.call('ZADD', index('pending'), 0, u) end
end

local function met_in(nids)
  if #nids == 0 then return 0, 0 end
  local states, marks = redis.call('HMGET', state_key(u), unpack(nids)), redis.call('HMGET', marks_key(u), unpack(nids))
  local with_state, with_marks = 0, 0
  for i, nid in ipairs(nids) do
    if states[i] == 'snoozed' then keep_waking(nid, marks[i]) end
    with_state = with_state + (states[i] and 1 or 0)
    with_marks = with_marks + ((marks[i] or states[i] == 'snoozed') and 1 or 0)
  end
  return with_state, with_marks
end

return mending(u, function()
  local part, following = part_of(u, ARGV[2], '+')
  local nids = {}
  for i, entry in ipairs(named(u, part)) do nids[i] = nid_of(entry) end
  local states, marks = met_in(nids)
  states, marks = states + ARGV[3], marks + ARGV[4]
  if ARGV[2] == '-' and redis.call('EXISTS', stream_key(u)) == 1 then look_after_group() end
  if not following then conclude(states, marks) end
  return {removed, created, following, states, marks}
end)
