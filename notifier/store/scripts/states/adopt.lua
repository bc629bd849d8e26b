-- Puts a notification that was stored without a key under one.
-- KEYS[1]  a key of the slot
-- ARGV     user key, caller and key, notification id
-- returns  1, or 0 where there is no such notification
local u, name, nid = ARGV[1], ARGV[2], ARGV[3]
local left = redis.call('PTTL', payload_key(u, nid))
if left < 0 then return 0 end
-- As long as it can be there: snoozed a month at the most.
local life = math.max(left + 31 * 86400000, redis.call('PTTL', named_key(u)))
redis.call('HSET', named_key(u), name, nid)
redis.call('PEXPIRE', named_key(u), string.format('%.0f', life))
return 1
