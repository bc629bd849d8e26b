-- Puts another payload in the place of one, if it is still the one that was read; may forget its key.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, notification id, SHA-1 of the payload that was read, the new one, caller and key by which it is no
--          longer found ('' = none)
-- returns  {1 = done, 0 = it is another one by now, -1 = it has gone; stream id ('' = not in the inbox), state or false,
--          other pods or false}
local u, pod, nid = ARGV[1], ARGV[2], ARGV[3]
return mending(u, function()
  local known = redis.call('MGET', payload_key(u, nid))[1]
  if not known then return {-1, '', false, false} end
  if redis.sha1hex(known) ~= ARGV[4] then return {0, '', false, false} end
  redis.call('SET', payload_key(u, nid), ARGV[5], 'KEEPTTL')
  if ARGV[6] ~= '' and redis.call('HGET', named_key(u), ARGV[6]) == nid then redis.call('HDEL', named_key(u), ARGV[6]) end
  count_change(u, 1)
  return {1, find(u, {nid})[nid] or '', redis.call('HGET', state_key(u), nid), other_pods(u, pod)}
end)
