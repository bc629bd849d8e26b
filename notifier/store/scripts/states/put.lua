-- Stores notifications that have a key, or are to come later.
-- KEYS[1]  a key of the slot
-- ARGV     pod, fence, default life ms, STREAM_MAXLEN, hard cap, then per notification: user key, notification id, life ms
--          ('' = the user's own), caller and key ('' = none), bump | replace | keep, Unix ms when it is to come ('' = now),
--          what it says, the end of its payload
-- returns  per notification {notification id, stored | scheduled | bumped | replaced | kept, stream id ('' = none), revision,
--          state or false, lock holder ('' = none), {id, nid, payload, ...}, other pods or false}
local pod, fence, keep, cap = ARGV[1], ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])

local function payload_of(nid, said, rest, version)
  local suffix = version > 1 and string.format(',"revision":%d', version) or ''
  return '{"notification_id":"' .. nid .. '",' .. said .. suffix .. rest
end

local function later(u, nid, due)
  redis.call('ZADD', index('snoozed'), due, snooze_member(u, nid))
  know(u)
  return {nid, 'scheduled', ''}
end

-- A payload that is there already came with an earlier try.
local function store(u, nid, life, due, payload)
  local wait = due == '' and 0 or math.max(0, due - now_ms())
  if not redis.call('SET', payload_key(u, nid), payload, 'NX', 'PX', string.format('%.0f', life + wait)) then
    return {nid, due == '' and 'stored' or 'scheduled', ''}
  end
  if wait > 0 then return later(u, nid, due) end
  local id = append(u, nid, keep)
  if redis.call('XLEN', stream_key(u)) > cap then trim(u, keep) end
  return {nid, 'stored', id}
end

local function replace(u, nid, life, payload)
  local left = redis.call('PTTL', payload_key(u, nid))
  local put_off = redis.call('ZSCORE', index('snoozed'), snooze_member(u, nid))
  local wait = put_off and math.max(0, put_off - now_ms()) or 0
  redis.call('SET', payload_key(u, nid), payload, 'PX', string.format('%.0f', math.max(left, life + wait)))
  local id = find(u, {nid})[nid] or ''
  count_change(u, 1)
  return {nid, 'replaced', id}
end

local function bump(u, nid, life, due, payload)
  take_out(u, nid, find(u, {nid})[nid])
  redis.call('ZREM', index('snoozed'), snooze_member(u, nid))
  redis.call('DEL', payload_key(u, nid))
  local answer = store(u, nid, life, due, payload)
  if answer[2] == 'stored' then answer[2] = 'bumped' end
  return answer
end

local function version_of(payload)
  local ok, said = pcall(cjson.decode, payload)
  local version = ok and type(said) == 'table' and tonumber(said.revision)
  return version and version >= 1 and version or 1
end

-- Remembers the notification of a key.
local function remember(u, name, nid)
  redis.call('HSET', named_key(u), name, nid)
  keep_names(u, redis.call('PTTL', payload_key(u, nid)))
end

local function put_one(u, nid, life, name, on_same, due, said, rest)
  local known = name ~= '' and redis.call('HGET', named_key(u), name)
  local old = known and redis.call('MGET', payload_key(u, known))[1]
  if not old or known == nid then
    local answer = store(u, nid, life, due, payload_of(nid, said, rest, 1))
    if name ~= '' then remember(u, name, nid) end
    return answer, 1
  end
  local version = version_of(old)
  if on_same == 'keep' then return {known, 'kept', ''}, version end
  local payload = payload_of(known, said, rest, version + 1)
  local answer = on_same == 'replace' and replace(u, known, life, payload) or bump(u, known, life, due, payload)
  remember(u, name, known)
  return answer, version + 1
end

local function put(at)
  local u = ARGV[at]
  local answer, version = put_one(u, ARGV[at + 1], life_of(u, ARGV[at + 2], ARGV[3]), unpack(ARGV, at + 3, at + 7))
  local owner, fresh, others = arrivals(u, pod, fence)
  local state = redis.call('HGET', state_key(u), answer[1])
  for _, value in ipairs({version, state, owner, fresh, others}) do answer[#answer + 1] = value end
  return answer
end

local answers = {}
for at = 6, #ARGV, 8 do answers[#answers + 1] = mending(ARGV[at], put, at) end
return answers
