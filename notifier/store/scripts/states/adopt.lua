-- Puts a notification that was stored without a key under one.
-- KEYS[1]  a key of the slot
-- ARGV     user key, caller and key, notification id
-- returns  1, or 0 where there is no such notification
local u, name, nid = ARGV[1], ARGV[2], ARGV[3]
local left = redis.call('PTTL', payload_key(u, nid))
if left < 0 then return 0 end
redis.call('HSET', named_key(u), name, nid)
keep_names(u, left)
return 1
