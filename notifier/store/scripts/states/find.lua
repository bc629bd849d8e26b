-- One notification of an inbox with all its states.
-- KEYS[1]  a key of the slot
-- ARGV     user key, notification id
-- returns  {{unread, unseen, in all, revision}, false, then what there is: stream id, notification id, state or false,
--          marks or false, payload or false}
local u, nid = ARGV[1], ARGV[2]
return mending(u, function()
  local id = find(u, {nid})[nid]
  if not id then return {counts(u), false} end
  local payload = redis.call('MGET', payload_key(u, nid))[1]
  return {counts(u), false, id, nid, redis.call('HGET', state_key(u), nid), redis.call('HGET', marks_key(u), nid), payload}
end)
