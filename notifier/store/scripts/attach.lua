-- A connection begins: the pod is put on the user's route, takes the lock if it can, and gets the inbox as it stands.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, fence, lock life ms, pod known to be dead ('' = none), entries wanted
-- returns  {lock holder, {id, nid, payload, ...} new to the group, other pods or false,
--           {id, nid, ...} cleared while away, rows newest first, unread, total, last id}
local u, pod = ARGV[1], ARGV[2]
local owner = claim(u, pod, ARGV[3], ARGV[4], ARGV[5])
know(u)
local fresh = owner == pod and take(u) or {}
local entries = redis.call('XREVRANGE', stream_key(u), '+', '-', 'COUNT', ARGV[6])
return {
  owner, fresh, other_pods(u, pod),
  redis.call('LRANGE', cleared_key(u), 0, -1),
  rows(u, entries),
  unread(u), redis.call('XLEN', stream_key(u)),
  entries[1] and entries[1][1] or '0-0',
}
