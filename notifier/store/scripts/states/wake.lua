-- Brings back a notification whose time has come, unread and unseen, at the end of its inbox; or delivers one for the first
-- time.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, fence, notification id, STREAM_MAXLEN
-- returns  {stream id, lock holder ('' = none), {id, nid, payload, ...}, other pods or false} | false where its time has
--          not come, or it is no more
local u, pod, fence, nid = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
return mending(u, function()
  local due = redis.call('ZSCORE', index('snoozed'), snooze_member(u, nid))
  if not due or tonumber(due) > now_ms() then return false end
  redis.call('ZREM', index('snoozed'), snooze_member(u, nid))
  if redis.call('EXISTS', payload_key(u, nid)) == 0 then return false end
  take_out(u, nid, find(u, {nid})[nid])
  return {append(u, nid, tonumber(ARGV[5])), arrivals(u, pod, fence)}
end)
