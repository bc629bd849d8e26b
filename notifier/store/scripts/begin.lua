-- Begins a request under an idempotency key that lies in another slot than what it stores.
-- KEYS[1]  the record
-- ARGV     record, fingerprint, seed for new ids, lease ms, life ms
-- returns  {'mismatch'} | {'running', ms left} | {'replay', answer} | {'go', seed}: the seed of the first try
-- A try that asks again, because the connection broke before the reply, is known by its own seed.
local record = ARGV[1]
local known = redis.call('HMGET', record, 'fingerprint', 'answer', 'seed', 'until', 'try')
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
if known[1] and known[1] ~= ARGV[2] then return {'mismatch'} end
if known[2] then return {'replay', known[2]} end
if known[4] and known[5] ~= ARGV[3] and tonumber(known[4]) > now then return {'running', tonumber(known[4]) - now} end
local seed = known[3] or ARGV[3]
redis.call('HSET', record, 'fingerprint', ARGV[2], 'seed', seed, 'try', ARGV[3],
  'until', string.format('%.0f', now + ARGV[4]))
redis.call('PEXPIRE', record, ARGV[5])
return {'go', seed}
