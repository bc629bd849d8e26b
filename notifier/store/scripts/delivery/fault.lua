-- A try failed: counts it, and opens the circuit after so many in a row. While all of them were about one recipient,
-- it is open for that one alone; the others' failures are counted apart, and as many of them open it for all.
-- KEYS[1]  a key of the slot
-- ARGV     circuit, failures that open it, ms until it half-opens, digest of the recipient, ms that it is kept,
--          circuits of hosts that are kept at most (0: it is a provider's)
-- returns  {circuit, failures, ms at which it half-opens (0: closed), recipient ('': all), others' failures}
local name, most, reset, recipient = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local life, hosts = tonumber(ARGV[5]), tonumber(ARGV[6])
local key, now = circuit_key(name), now_ms()
local state = sturdy('circuit', 'HMGET', key, 'failures', 'open_until', 'only', 'others')
local failures, open_until = number(state[1], 0) + 1, number(state[2], 0)
local only, others = state[3] or '', number(state[4], 0)

local function open()
  open_until = now + reset
  redis.call('HDEL', key, 'probe')
end

if open_until > 0 and only ~= '' and only ~= recipient then
  others = others + 1
  if others >= most then
    only = ''
    open()
  end
else
  if failures == 1 then only = recipient elseif only ~= recipient then only = '' end
  if failures >= most or open_until > 0 then open() end
end
redis.call('HSET', key, 'failures', failures, 'open_until', open_until, 'only', only, 'others', others)
redis.call('PEXPIRE', key, life)
if hosts > 0 then
  sturdy('circuit', 'ZADD', circuit_hosts_key, now + life, name)
  redis.call('PEXPIRE', circuit_hosts_key, life)
  local surplus = redis.call('ZCARD', circuit_hosts_key) - hosts
  if surplus > 0 then
    local oldest = redis.call('ZPOPMIN', circuit_hosts_key, surplus)
    for i = 1, #oldest, 2 do redis.call('DEL', circuit_key(oldest[i])) end
  end
end
return {name, failures, open_until, only, others}
