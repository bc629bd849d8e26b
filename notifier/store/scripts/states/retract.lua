-- Takes a notification back: its entry, what it says and all that belongs to it.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, notification id ('' = that of the key), caller and key
-- returns  {unread | read | gone, notification id, stream id ('' = it was in no inbox), other pods or false}
local u, pod, nid = ARGV[1], ARGV[2], ARGV[3]
return mending(u, function()
  if nid == '' then nid = redis.call('HGET', named_key(u), ARGV[4]) or '' end
  if nid == '' or redis.call('EXISTS', payload_key(u, nid)) == 0 then return {'gone', nid, '', false} end
  local id = find(u, {nid})[nid]
  redis.call('DEL', sole_key(u))
  redis.call('ZREM', index('snoozed'), snooze_member(u, nid))
  if not id then
    redis.call('UNLINK', payload_key(u, nid))
    forget_marks(u, {nid})
    return {'unread', nid, '', false}
  end
  local marks = unpack_marks(redis.call('HGET', marks_key(u), nid))
  local state, others = redis.call('HGET', state_key(u), nid), other_pods(u, pod)
  remove(u, redis.call('XRANGE', stream_key(u), id, id))
  settle(u)
  return {(state == 'read' or marks.r) and 'read' or 'unread', nid, id, others}
end)
