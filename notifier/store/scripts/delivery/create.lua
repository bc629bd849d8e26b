-- Stores deliveries, each with its place in the queue or the schedule and in every index, or, under an idempotency key
-- that is known, finds the one that was stored before.
-- KEYS[1]  a key of the slot
-- ARGV     life of an idempotency key in ms, then per item: id, document, channel, priority, scheduled,
--          expires, created, accepted, max_retries, user, recipient, limit, batch, idempotency key, fingerprint
-- returns  per item {1} stored | {2, id, document} known | {3} known with another fingerprint
local key_life = ARGV[1]
local results = {}

local function known(key, id, fingerprint)
  local found = key ~= '' and sturdy('idempotency', 'GET', idempotency_key(key))
  if found then
    local first, there = string.match(found, '^(%S+) (.+)$')
    if first and first ~= fingerprint then return {3} end
    local document = there and sturdy('record', 'HGET', record_key(there), 'document')
    if document then return {2, there, document} end
  end
  local document = sturdy('record', 'HGET', record_key(id), 'document')
  return document and {2, id, document}
end

for i = 2, #ARGV, 15 do
  local id, document, channel, priority, scheduled, expires, created, accepted = unpack(ARGV, i, i + 7)
  local max_retries, user, recipient, limit, batch, key, fingerprint = unpack(ARGV, i + 8, i + 14)
  local result = known(key, id, fingerprint)
  if not result then
    result = {1}
    local record = {channel = channel, priority = priority}
    local status, entry = 'queued', ''
    if scheduled ~= '' then
      status = 'scheduled'
      zadd(schedule_key, scheduled, id)
    else
      entry = enqueue(id, record)
    end
    local set = {'document', document, 'status', status, 'channel', channel, 'priority', priority, 'retries', 0,
      'max_retries', max_retries, 'created', created, 'updated', accepted}
    for name, value in pairs({scheduled = scheduled, expires = expires, user = user, recipient = recipient,
      limit = limit, batch = batch, entry = entry}) do
      if value ~= '' then
        set[#set + 1] = name
        set[#set + 1] = value
      end
    end
    redis.call('HSET', record_key(id), unpack(set))
    zadd(index_key('all'), created, id)
    zadd(index_key('channel:' .. channel), created, id)
    if user ~= '' then zadd(index_key('user:' .. user), created, id) end
    if recipient ~= '' then zadd(index_key('recipient:' .. recipient), created, id) end
    index_status(id, record, status, created)
    if batch ~= '' then
      count(batch_key(batch), status, 1)
      zadd(batch_list_key(batch), (i - 2) / 15, id)
    end
    if key ~= '' then redis.call('SET', idempotency_key(key), fingerprint .. ' ' .. id, 'PX', key_life) end
  end
  results[#results + 1] = result
end
return results
