-- A try went well: closes the circuit and forgets its failures, unless it is open for another recipient alone.
-- KEYS[1]  a key of the slot
-- ARGV     circuit, digest of the recipient
-- returns  {circuit, failures, ms at which it half-opens (0: closed), recipient ('': all), others' failures}
local name, recipient = ARGV[1], ARGV[2]
local key, now = circuit_key(name), now_ms()
local state = sturdy('circuit', 'HMGET', key, 'failures', 'open_until', 'only')
local open_until, only = number(state[2], 0), state[3] or ''
if open_until > now and only ~= '' and only ~= recipient then
  redis.call('HSET', key, 'others', 0)
  return {name, number(state[1], 0), open_until, only, 0}
end
redis.call('DEL', key)
sturdy('circuit', 'ZREM', circuit_hosts_key, name)
return {name, 0, 0, '', 0}
