-- Stores notifications, all or none, and hands over what is new to the pod that asks where it holds the lock.
-- KEYS[1]  a key of the slot
-- ARGV     pod, fence, default life ms, STREAM_MAXLEN, hard cap,
--          idempotency key ('' = none), fingerprint, request nonce, answer, idempotency life ms,
--          then per target: user key, notification id, life ms ('' = the user's own), payload
-- returns  {'mismatch'} | {'replay', answer} | {'stored', unread trimmed to make room, row, ...}, a row per target:
--          {stream id ('' = stored by an earlier try), lock holder ('' = none),
--           {id, nid, payload or false for the target's own, ...}, other pods or false}
local pod, fence, default_life = ARGV[1], ARGV[2], ARGV[3]
local keep, cap = tonumber(ARGV[4]), tonumber(ARGV[5])
local record = ARGV[6]
local stored, trimmed = 0, 0

if record ~= '' then
  local known = redis.call('HMGET', record, 'fingerprint', 'answer', 'nonce')
  if known[1] and known[1] ~= ARGV[7] then return {'mismatch'} end
  if known[1] and known[3] ~= ARGV[8] then return {'replay', known[2]} end
end

local function store(u, nid, life, payload)
  if life == '' then
    local days = redis.call('GET', retention_key(u))
    life = days and days * 86400000 or default_life
  end
  if not redis.call('SET', payload_key(u, nid), payload, 'NX', 'PX', life) then return '' end
  local id = redis.call('XADD', stream_key(u), '*', 'nid', nid)
  local length = redis.call('XLEN', stream_key(u))
  if length == 1 then
    redis.pcall('XGROUP', 'CREATE', stream_key(u), GROUP, '0')
    know(u)
  elseif length > keep then
    redis.call('SADD', index('overfull'), u)
    if length > cap then trimmed = trimmed + trim(u, keep) end
  end
  redis.call('ZADD', index('pending'), 0, u)
  redis.call('ZADD', index('expiry'), 'LT', string.match(id, '^%d+') + life, u)
  return id
end

local answer = {'stored', 0}
for i = 11, #ARGV, 4 do
  local u = ARGV[i]
  local id = store(u, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  if id ~= '' then stored = stored + 1 end
  local owner = redis.call('GET', lock_key(u)) or ''
  local fresh, others = {}, false
  if owner == pod and inherits(u, fence) then
    fresh = take(u, ARGV[i + 1])
    if redis.call('HLEN', route_key(u)) > 2 then others = other_pods(u, pod) end
  elseif owner == '' then
    others = other_pods(u, pod)
  end
  answer[#answer + 1] = {id, owner, fresh, others}
end
count_pending(stored)
answer[2] = trimmed
if record ~= '' then
  redis.call('HSET', record, 'fingerprint', ARGV[7], 'nonce', ARGV[8], 'answer', ARGV[9])
  redis.call('PEXPIRE', record, ARGV[10])
end
return answer
