-- What the scripts of deliveries share. AFTER, FINAL (domain/status.py) and the key names (keys.py) stand before this.
-- Times are Unix ms. A record's fields: document, status, channel, priority, retries, max_retries, next, scheduled,
-- expires, created, updated, sent, reason, error, provider, provider_id, attempts, user, recipient, limit, batch,
-- entry (of its queue), owner (of its lease), takeovers, counted (its user's limit has seen it).

local PRIORITIES = {'high', 'normal', 'low'}
local MOST_ARGUMENTS = 1000  -- of one command; even, as scores and members come in pairs
local CHANNELS = {'sms', 'email', 'push', 'webhook', 'inapp'}

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The fields named, as a table by name; missing ones are false.
local function read(id, ...)
  local names = {...}
  local values = redis.call('HMGET', record_key(id), ...)
  local found = {}
  for i, name in ipairs(names) do found[name] = values[i] end
  return found
end

-- What a script does to indexes, queues and the counts of batches, until `flush`: one command per key in place of one
-- per delivery. Every script that changes a status ends with it.
local moves, counts, delayed = {}, {}, {}

-- Of a delivery, only the last place counts, and the first one it left.
-- `before` is nil for a new one, `after` for one that goes for good.
local function move_status(id, record, before, after)
  local found = moves[id]
  if found then
    found.after = after
  else
    moves[id] = {channel = record.channel, before = before, after = after, created = record.created}
  end
end

local function count_batch(batch, status, number)
  local key = batch_key(batch)
  counts[key] = counts[key] or {}
  counts[key][status] = (counts[key][status] or 0) + number
end

-- A command for the end of the script; what all deliveries have for the same key goes in one. Nothing in the script may
-- depend on it.
local function later(command, key, ...)
  local name = command .. ' ' .. key
  local list = delayed[name]
  if not list then
    list = {command = command, key = key}
    delayed[name] = list
  end
  for i = 1, select('#', ...) do list[#list + 1] = (select(i, ...)) end
end

local function run(list)
  for first = 1, #list, MOST_ARGUMENTS do
    local last = math.min(#list, first + MOST_ARGUMENTS - 1)
    if list.command == 'XACK' then
      redis.call('XACK', list.key, GROUP, unpack(list, first, last))
    else
      redis.call(list.command, list.key, unpack(list, first, last))
    end
  end
end

local function later_for_status(command, status, channel, ...)
  later(command, index_key('status:' .. status), ...)
  later(command, index_key('status:' .. status .. ':' .. channel), ...)
end

local function flush()
  for id, move in pairs(moves) do
    if move.before ~= move.after then
      if move.before then later_for_status('ZREM', move.before, move.channel, id) end
      if move.after then later_for_status('ZADD', move.after, move.channel, move.created, id) end
    end
  end
  for _, list in pairs(delayed) do run(list) end
  for key, statuses in pairs(counts) do
    for status, number in pairs(statuses) do
      if number ~= 0 then redis.call('HINCRBY', key, status, number) end
    end
  end
  moves, counts, delayed = {}, {}, {}
end

local function enqueue(id, record)
  return redis.call('XADD', queue_key(record.channel, record.priority), '*', 'id', id)
end

-- Takes a record's entry out of its queue, leased or not.
local function dequeue(record)
  if record.entry and record.entry ~= '' then
    local queue = queue_key(record.channel, record.priority)
    later('XACK', queue, record.entry)
    later('XDEL', queue, record.entry)
  end
end

local function bury(id, record, reason, now)
  redis.call('ZADD', dlq_key, now, id)
  redis.call('HINCRBY', dlq_reasons_key, reason .. ' ' .. record.channel, 1)
end

local function unbury(id, record)
  if redis.call('ZREM', dlq_key, id) == 0 then return false end
  local field = (record.reason or '') .. ' ' .. record.channel
  if redis.call('HINCRBY', dlq_reasons_key, field, -1) <= 0 then redis.call('HDEL', dlq_reasons_key, field) end
  return true
end

local NEEDED = {'status', 'channel', 'priority', 'created', 'entry', 'batch', 'reason'}

-- Applies an event to a record (a table with at least NEEDED); `fields` are further ones to set. Returns the new
-- status, or nil where the event has no meaning. All indexes follow, those of statuses with `flush`.
local function apply(id, record, event, now, fields)
  local row = AFTER[record.status]
  local status = row and row[event]
  if not status then return nil end
  fields = fields or {}
  move_status(id, record, record.status, status)
  local entry = record.entry
  if record.status == 'queued' or record.status == 'processing' then
    if status ~= 'processing' then
      dequeue(record)
      entry = ''
    end
  elseif status ~= 'queued' then
    redis.call('ZREM', schedule_key, id)
  end
  if status == 'queued' then
    redis.call('ZREM', schedule_key, id)
    entry = enqueue(id, record)
  end
  if status == 'failed' then bury(id, record, fields.reason or record.reason or '', now) end
  if FINAL[status] then later('ZADD', done_key, now, id) end
  if record.status == 'failed' then
    unbury(id, record)
    redis.call('ZREM', done_key, id)
  end
  if record.batch and record.batch ~= '' then
    count_batch(record.batch, record.status, -1)
    count_batch(record.batch, status, 1)
  end
  local set = {'status', status, 'updated', now, 'entry', entry or ''}
  for name, value in pairs(fields) do
    set[#set + 1] = name
    set[#set + 1] = value
  end
  redis.call('HSET', record_key(id), unpack(set))
  record.status, record.entry = status, entry
  return status
end

local function is_expired(record, now)
  return record.expires and record.expires ~= '' and tonumber(record.expires) <= now
end
