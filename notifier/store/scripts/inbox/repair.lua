-- Looks after one user's consumer group and read state: what a crash, another writer or a hand on the keys left behind.
-- KEYS[1]  a key of the slot
-- ARGV     user key
-- returns  {references and states removed, 1 when the group was missing}
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

local function drop_dangling(ids)
  for _, item in ipairs(redis.call('XPENDING', stream_key(u), GROUP, '-', '+', 2000)) do
    if not ids[item[1]] then removed = removed + redis.call('XACK', stream_key(u), GROUP, item[1]) end
  end
end

return mending(u, function()
  local known, ids = {}, {}
  for _, entry in ipairs(named(u, redis.call('XRANGE', stream_key(u), '-', '+'))) do
    known[nid_of(entry)] = true
    ids[entry[1]] = true
  end
  local there = redis.call('EXISTS', stream_key(u)) == 1
  if there and redis.pcall('XGROUP', 'CREATE', stream_key(u), GROUP, '0').ok then
    created = 1
    note('group', stream_key(u))
  end
  local before = unread(u)
  if before > 0 then know(u) end
  for _, nid in ipairs(redis.call('HKEYS', state_key(u))) do
    if not known[nid] then removed = removed + redis.call('HDEL', state_key(u), nid) end
  end
  if there then
    take_over_consumers()
    drop_dangling(ids)
    redis.call('ZADD', index('expiry'), 'NX', now_ms(), u)  -- a stream that another program began is looked at too
  end
  count_pending(unread(u) - before)
  if settle(u) > 0 then redis.call('ZADD', index('pending'), 0, u) end
  return {removed, created}
end)
