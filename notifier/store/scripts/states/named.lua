-- The notification of a caller's key.
-- KEYS[1]  a key of the slot
-- ARGV     user key, caller and key
-- returns  {notification id, payload} | false where there is none, or it is no more
local u = ARGV[1]
return mending(u, function()
  local nid = redis.call('HGET', named_key(u), ARGV[2])
  local payload = nid and redis.call('MGET', payload_key(u, nid))[1]
  return payload and {nid, payload}
end)
