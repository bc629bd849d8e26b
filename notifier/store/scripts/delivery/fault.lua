-- A provider failed: counts it, and opens its circuit after so many in a row.
-- KEYS[1]  a key of the slot
-- ARGV     provider, failures that open it, ms until it half-opens
-- returns  {state, failures, ms at which it half-opens (0: closed)}
local key, most, reset = circuit_key(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
local failures = redis.call('HINCRBY', key, 'failures', 1)
local open_until = tonumber(redis.call('HGET', key, 'open_until') or 0)
if failures >= most or open_until > 0 then
  open_until = now + reset
  redis.call('HSET', key, 'open_until', open_until)
  redis.call('HDEL', key, 'probe')
end
redis.call('PEXPIRE', key, math.max(86400000, 2 * reset))
return {open_until > 0 and 'open' or 'closed', failures, open_until}
