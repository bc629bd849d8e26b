-- Puts another payload in the place of one, if it is still the one that was read; may renew its life and forget its key.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, notification id, SHA-1 of the payload that was read, the new one, caller and key by which it is no
--          longer found ('' = none), life ms ('' = the user's own), default life ms ('' = what is left of its life stays)
-- returns  {1 = done, 0 = it is another one by now, -1 = it has gone; stream id ('' = not in the inbox), state or false,
--          other pods or false}
local u, pod, nid, closes = ARGV[1], ARGV[2], ARGV[3], ARGV[6]

-- A renewed life is never less than what was left: a snoozed notification lives beyond its return.
local function write()
  if ARGV[8] == '' then return redis.call('SET', payload_key(u, nid), ARGV[5], 'KEEPTTL') end
  local life = math.max(redis.call('PTTL', payload_key(u, nid)), life_of(u, ARGV[7], ARGV[8]))
  redis.call('SET', payload_key(u, nid), ARGV[5], 'PX', string.format('%.0f', life))
  keep_names(u, life)
end

return mending(u, function()
  local known = redis.call('MGET', payload_key(u, nid))[1]
  if not known then return {-1, '', false, false} end
  if redis.sha1hex(known) ~= ARGV[4] then return {0, '', false, false} end
  write()
  if closes ~= '' and redis.call('HGET', named_key(u), closes) == nid then redis.call('HDEL', named_key(u), closes) end
  count_change(u, 1)
  return {1, find(u, {nid})[nid] or '', redis.call('HGET', state_key(u), nid), other_pods(u, pod)}
end)
