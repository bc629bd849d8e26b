-- Stores deliveries, each with its place in the queue or the schedule and in every index, or, under an idempotency key
-- that is known, finds the one that was stored before.
-- KEYS[1]  a key of the slot
-- ARGV     life of an idempotency key in ms, then per item: id, document, channel, priority, scheduled,
--          expires, created, accepted, max_retries, user, recipient, limit, batch, idempotency key, fingerprint
-- returns  per item {1, paused} stored | {2, paused, id, document} known | {3} known with another fingerprint;
--          paused: 1 where the channel is held
local key_life = ARGV[1]
local results = {}

-- The changes of the four indexes that a new delivery stands in, whoever it is for.
local function born_as(channel, status)
  local kind = channel .. ' ' .. status
  local found = sets[kind]
  if not found then
    local of = index_key('status:' .. status)
    found = new_changes(index_key('all'), index_key('channel:' .. channel), of, of .. ':' .. channel)
    sets[kind] = found
  end
  return found
end

local held = {}

-- 1 for a channel that is held, else 0.
local function paused(channel)
  if not held[channel] then held[channel] = sturdy('delivery', 'SISMEMBER', paused_key, channel) or 0 end
  return held[channel]
end

local function known(key, id, fingerprint, channel)
  local found = key ~= '' and sturdy('idempotency', 'GET', idempotency_key(key))
  if found then
    local first, there = string.match(found, '^(%S+) (.+)$')
    if first and first ~= fingerprint then return {3} end
    local document = there and sturdy('record', 'HGET', record_key(there), 'document')
    if document then return {2, paused(channel), there, document} end
  end
  local document = sturdy('record', 'HGET', record_key(id), 'document')
  return document and {2, paused(channel), id, document}
end

local set = {'document', '', 'status', '', 'channel', '', 'priority', '', 'retries', '0', 'max_retries', '', 'created',
  '', 'updated', ''}
local FIXED = #set

-- Puts a name and its value behind the first `size` of `set`, where there is a value; the new size.
local function put(size, name, value)
  if value == '' then return size end
  set[size + 1], set[size + 2] = name, value
  return size + 2
end

for i = 2, #ARGV, 15 do
  local id, document, channel, priority, scheduled, expires, created, accepted = unpack(ARGV, i, i + 7)
  local max_retries, user, recipient, limit, batch, key, fingerprint = unpack(ARGV, i + 8, i + 14)
  local result = known(key, id, fingerprint, channel)
  if not result then
    local status, entry = 'queued', ''
    if scheduled ~= '' then
      status = 'scheduled'
      zadd(schedule_key, scheduled, id)
    else
      entry = sturdy('queue', 'XADD', queue_key(channel, priority), '*', 'id', id)
    end
    set[2], set[4], set[6], set[8], set[12], set[14], set[16] =
      document, status, channel, priority, max_retries, created, accepted
    local size = put(put(put(FIXED, 'scheduled', scheduled), 'expires', expires), 'user', user)
    size = put(put(put(put(size, 'recipient', recipient), 'limit', limit), 'batch', batch), 'entry', entry)
    redis.call('HSET', record_key(id), unpack(set, 1, size))
    add(born_as(channel, status), created, id)
    if user ~= '' then sturdy('delivery', 'ZADD', index_key('user:' .. user), created, id) end
    if recipient ~= '' then sturdy('delivery', 'ZADD', index_key('recipient:' .. recipient), created, id) end
    if batch ~= '' then
      count(batch_key(batch), status, 1)
      zadd(batch_list_key(batch), (i - 2) / 15, id)
    end
    if key ~= '' then redis.call('SET', idempotency_key(key), fingerprint .. ' ' .. id, 'PX', key_life) end
    result = {1, paused(channel)}
  end
  results[(i + 13) / 15] = result
end
return results
