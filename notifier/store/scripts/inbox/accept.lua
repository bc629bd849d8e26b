-- Stores the notifications of requests: each request whole, one after the other.
-- KEYS[1]  a key of the slot
-- ARGV     pod, fence, default life ms, STREAM_MAXLEN, hard cap, then per request:
--          number of targets, idempotency key ('' = none; else after it: fingerprint, request nonce, answer, life ms),
--          then per target: user key, notification id, life ms ('' = the user's own), payload
-- returns  per request {'mismatch'} | {'replay', answer} | {unread trimmed to make room, row, ...} | an error of its keys;
--          a row per target: the stream id alone where this pod holds the lock, nothing else is new and no other pod is
--          concerned; else {stream id ('' = stored by an earlier try), lock holder ('' = none),
--          {id, nid, payload or false for the target's own, ...}, other pods or false}
local pod, fence, default_life = ARGV[1], ARGV[2], ARGV[3]
local keep, cap = tonumber(ARGV[4]), tonumber(ARGV[5])
local stored, trimmed = 0, 0

-- The id of a new entry. A stream that takes none is set aside here: the payload is stored by now, and a repeat of the
-- whole would take it for that of an earlier try.
local function append(u, nid)
  local id = redis.pcall('XADD', stream_key(u), '*', 'nid', nid)
  if type(id) ~= 'table' then return id end
  local _, own = as_reply(id)
  if not own then error(id, 0) end
  set_aside('stream', stream_key(u))
  return redis.call('XADD', stream_key(u), '*', 'nid', nid)
end

local function store(u, nid, life, payload)
  if life == '' then
    local days = days_of(u)
    life = days and days * 86400000 or default_life
  end
  if not redis.call('SET', payload_key(u, nid), payload, 'NX', 'PX', life) then return '' end
  local id = append(u, nid)
  stored = stored + 1
  local length = redis.call('XLEN', stream_key(u))
  if length == 1 then
    redis.pcall('XGROUP', 'CREATE', stream_key(u), GROUP, '0')
    know(u)
  elseif length > keep then
    redis.call('SADD', index('overfull'), u)
    if length > cap then trimmed = trimmed + trim(u, keep) end
  end
  redis.call('ZADD', index('pending'), 0, u)
  redis.call('ZADD', index('expiry'), 'LT', now_ms() + life, u)
  return id
end

local function share(u, nid, id)
  local owner = lock_of(u, pod) or ''
  local fresh, others = {}, false
  if owner ~= pod then redis.call('DEL', sole_key(u)) end
  if owner == pod and inherits(u, fence) then
    fresh = take(u, nid)
    if redis.call('HLEN', route_key(u)) > 2 then others = other_pods(u, pod) end
    if #fresh == 3 and fresh[1] == id and not others then return id end
  elseif owner == '' then
    others = other_pods(u, '')  -- this one too: whoever has connections takes the lock
  end
  return {id, owner, fresh, others}
end

-- `made` keeps the id of the entry over a second call, which must not store it again.
local function try_row(u, nid, life, payload, made)
  if made[1] == '' then made[1] = store(u, nid, life, payload) end
  return share(u, nid, made[1])
end

local function row_of(u, nid, life, payload)
  return mending(u, try_row, u, nid, life, payload, {''})
end

local function take_request(at, first, last)
  local record, before = ARGV[at + 1], trimmed
  if record ~= '' then
    local known = redis.pcall('HMGET', record, 'fingerprint', 'answer', 'nonce')
    if known.err then
      keep_type('idempotency', record, 'hash')
      known = redis.call('HMGET', record, 'fingerprint', 'answer', 'nonce')
    end
    if known[1] and known[1] ~= ARGV[at + 2] then return {'mismatch'} end
    if known[1] and known[2] and known[3] ~= ARGV[at + 3] then return {'replay', known[2]} end
  end
  local result = {0}
  for i = first, last, 4 do
    result[#result + 1] = row_of(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  end
  result[1] = trimmed - before
  if record ~= '' then
    redis.call('HSET', record, 'fingerprint', ARGV[at + 2], 'nonce', ARGV[at + 3], 'answer', ARGV[at + 4])
    redis.call('PEXPIRE', record, ARGV[at + 5])
  end
  return result
end

local results, at = {}, 6
while at <= #ARGV do
  local first = at + (ARGV[at + 1] == '' and 2 or 6)
  local following = first + 4 * ARGV[at]
  results[#results + 1] = apart(take_request, at, first, following - 1)
  at = following
end
count_pending(stored)
return results
