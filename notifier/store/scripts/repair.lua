-- Looks after one user's consumer group and read state: what a crash, another writer or a hand on the keys left behind.
-- KEYS[1]  a key of the slot
-- ARGV     user key
-- returns  {references and states removed, 1 when the group was missing}
local u, removed, created = ARGV[1], 0, 0
if redis.call('EXISTS', stream_key(u)) == 1 and redis.pcall('XGROUP', 'CREATE', stream_key(u), GROUP, '0').ok then
  created = 1
end
local known, ids = {}, {}
for _, entry in ipairs(redis.call('XRANGE', stream_key(u), '-', '+')) do
  known[nid_of(entry)] = true
  ids[entry[1]] = true
end
local before = unread(u)
if before > 0 then know(u) end
for _, nid in ipairs(redis.call('HKEYS', state_key(u))) do
  if not known[nid] then removed = removed + redis.call('HDEL', state_key(u), nid) end
end
if redis.call('EXISTS', stream_key(u)) == 1 then
  for _, item in ipairs(redis.call('XPENDING', stream_key(u), GROUP, '-', '+', 2000)) do
    if not ids[item[1]] then removed = removed + redis.call('XACK', stream_key(u), GROUP, item[1]) end
  end
end
count_pending(unread(u) - before)
if settle(u) > 0 then redis.call('ZADD', index('pending'), 0, u) end
return {removed, created}
