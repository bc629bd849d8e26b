-- What the scripts of deliveries share. AFTER, FINAL (domain/status.py) and the key names (keys.py) stand before this.
-- Times are Unix ms. A record's fields: document, status, channel, priority, retries, max_retries, next, scheduled,
-- expires, created, updated, sent, reason, error, provider, provider_id, attempts, user, recipient, limit, batch,
-- entry (of its queue), owner (of its lease), takeovers, counted (its user's limit has seen it).

local PRIORITIES = {'high', 'normal', 'low'}
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

local function index_status(id, record, status, created)
  redis.call('ZADD', index_key('status:' .. status), created, id)
  redis.call('ZADD', index_key('status:' .. status .. ':' .. record.channel), created, id)
end

local function unindex_status(id, record, status)
  redis.call('ZREM', index_key('status:' .. status), id)
  redis.call('ZREM', index_key('status:' .. status .. ':' .. record.channel), id)
end

local function enqueue(id, record)
  return redis.call('XADD', queue_key(record.channel, record.priority), '*', 'id', id)
end

-- Takes a record's entry out of its queue, leased or not.
local function dequeue(record)
  if record.entry and record.entry ~= '' then
    local queue = queue_key(record.channel, record.priority)
    redis.call('XACK', queue, GROUP, record.entry)
    redis.call('XDEL', queue, record.entry)
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
-- status, or nil where the event has no meaning. All indexes follow.
local function apply(id, record, event, now, fields)
  local row = AFTER[record.status]
  local status = row and row[event]
  if not status then return nil end
  fields = fields or {}
  unindex_status(id, record, record.status)
  index_status(id, record, status, record.created)
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
  if FINAL[status] then redis.call('ZADD', done_key, now, id) end
  if record.status == 'failed' then
    unbury(id, record)
    redis.call('ZREM', done_key, id)
  end
  if record.batch and record.batch ~= '' then
    redis.call('HINCRBY', batch_key(record.batch), record.status, -1)
    redis.call('HINCRBY', batch_key(record.batch), status, 1)
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
