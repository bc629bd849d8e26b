-- Reads circuits: those named, and those of all hosts that have failed lately.
-- KEYS[1]  a key of the slot
-- ARGV     circuit, ...
-- returns  per circuit with a failure: name, failures, ms at which it half-opens (0: closed), recipient ('': all),
--          others' failures
local now = now_ms()
local found = {}

local function add(name)
  local state = sturdy('circuit', 'HMGET', circuit_key(name), 'failures', 'open_until', 'only', 'others')
  if not state[1] then return end
  found[#found + 1] = name
  found[#found + 1] = number(state[1], 0)
  found[#found + 1] = number(state[2], 0)
  found[#found + 1] = state[3] or ''
  found[#found + 1] = number(state[4], 0)
end

for _, name in ipairs(ARGV) do add(name) end
sturdy('circuit', 'ZREMRANGEBYSCORE', circuit_hosts_key, '-inf', now)
for _, name in ipairs(redis.call('ZRANGE', circuit_hosts_key, 0, -1)) do add(name) end
return found
