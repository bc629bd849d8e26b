-- Looks after one user's consumer group and read state: what a crash, another writer or a hand on the keys left behind. It
-- goes through the stream in parts; where it has met as many states as there are, none of them dangles.
-- KEYS[1]  a key of the slot
-- ARGV     user key, where the part begins ('-' = at the beginning), states met in the parts before
-- returns  {references and states removed, 1 when the group was missing, where the next part begins or false, states met}
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
  local known = {}
  for _, entry in ipairs(redis.call('XRANGE', stream_key(u), '-', '+')) do known[nid_of(entry)] = true end
  for _, nid in ipairs(redis.call('HKEYS', state_key(u))) do
    if not known[nid] then removed = removed + redis.call('HDEL', state_key(u), nid) end
  end
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

local function conclude(met)
  local before = unread(u)
  if before > 0 then know(u) end
  if redis.call('HLEN', state_key(u)) ~= met then drop_states() end
  count_pending(unread(u) - before)
  if settle(u) > 0 then redis.call('ZADD', index('pending'), 0, u) end
end

return mending(u, function()
  local part, following = part_of(u, ARGV[2], '+')
  local met, nids = tonumber(ARGV[3]), {}
  for i, entry in ipairs(named(u, part)) do nids[i] = nid_of(entry) end
  if #nids > 0 then
    for _, state in ipairs(redis.call('HMGET', state_key(u), unpack(nids))) do met = met + (state and 1 or 0) end
  end
  if ARGV[2] == '-' and redis.call('EXISTS', stream_key(u)) == 1 then look_after_group() end
  if not following then conclude(met) end
  return {removed, created, following, met}
end)
