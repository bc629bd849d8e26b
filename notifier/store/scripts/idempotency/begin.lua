-- Begins a request under an idempotency key that lies in another slot than what it stores.
-- KEYS[1]  the record
-- ARGV     record, fingerprint, seed for new ids, lease ms, life ms
-- returns  {'mismatch'} | {'running', ms left} | {'replay', answer} | {'go', seed}: the seed of the first try
-- A try that asks again, because the connection broke before the reply, is known by its own seed.
local record = ARGV[1]
keep_type('idempotency', record, 'hash')
local known = redis.call('HMGET', record, 'fingerprint', 'answer', 'seed', 'until', 'try')
local now = now_ms()
if known[1] and known[1] ~= ARGV[2] then return {'mismatch'} end
if known[2] then return {'replay', known[2]} end
-- No try's lease is longer, unless the server's clock was set back or another program wrote it.
local ends = math.min(number(known[4], 0), now + ARGV[4])
if known[5] ~= ARGV[3] and ends > now then return {'running', ends - now} end
local function looks(text) return #text .. (string.find(text, '^%x+$') and ' hex' or '') end
local seed = known[3] or ARGV[3]
if string.find(ARGV[3], '^%x+$') and looks(seed) ~= looks(ARGV[3]) then seed = ARGV[3] end  -- another program's
redis.call('HSET', record, 'fingerprint', ARGV[2], 'seed', seed, 'try', ARGV[3],
  'until', string.format('%.0f', now + ARGV[4]))
redis.call('PEXPIRE', record, ARGV[5])
return {'go', seed}
