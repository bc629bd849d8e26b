-- Asks for the one try that an open circuit grants once its time is over.
-- KEYS[1]  a key of the slot
-- ARGV     circuit, ms after which a probe that says nothing is given up
-- returns  1 when this caller may try (or the circuit is closed), else 0
local key = circuit_key(ARGV[1])
local state = sturdy('circuit', 'HMGET', key, 'open_until', 'probe')
local now = now_ms()
if not state[1] or state[1] == '0' then return 1 end
if number(state[1], 0) > now or number(state[2], 0) > now then return 0 end
redis.call('HSET', key, 'probe', now + tonumber(ARGV[2]))
return 1
