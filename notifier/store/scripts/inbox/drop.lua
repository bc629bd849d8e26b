-- Removes payloads that cannot be read. The janitor, which is to come at once, then treats them as expired.
-- KEYS[1]  a key of the slot
-- ARGV     user key, notification id, ...
local u = ARGV[1]
for i = 2, #ARGV do redis.call('UNLINK', payload_key(u, ARGV[i])) end
return mending(u, function() return redis.call('ZADD', index('expiry'), string.format('%.0f', now_ms()), u) end)
