-- Shared by the scripts of deliveries. AFTER, FINAL (domain/status.py), CHANNELS, PRIORITIES, IS_CHANNEL, IS_PRIORITY
-- (domain/channels.py) and the key names (keys.py) stand before this.
-- Times are Unix ms. A record's fields: document, status, channel, priority, retries, max_retries, next, scheduled,
-- expires, created, updated, sent, reason, error, provider, provider_id, attempts, user, recipient, limit, batch,
-- entry (of its queue), owner (of its lease), takeovers, counted (its user's limit has seen it), why and since (what put
-- it back untried, until it is tried).

-- The reply to a command. Where its key is of another type, or a count no number, another program wrote it: the key is set
-- aside, or the count removed, and the command repeated.
local function again(kind, reply, command, key, field, ...)
  local _, own = as_reply(reply)
  if own and string.find(reply.err, 'WRONGTYPE', 1, true) then
    set_aside(kind, key)
  elseif own and string.find(reply.err, 'integer', 1, true) and redis.call('TYPE', key).ok == 'hash' then
    redis.call('HDEL', key, field)
    note(kind, key)
  elseif own and string.find(reply.err, 'integer', 1, true) then
    set_aside(kind, key)
  else
    error(reply, 0)
  end
  if field == nil then return redis.call(command, key) end
  return redis.call(command, key, field, ...)
end
local function sturdy(kind, command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  return again(kind, reply, command, key, ...)
end

-- Makes what was read of a record fit to work with: one without a channel or a priority is none.
local function check(id, found)
  if found.created ~= nil and not number(found.created) then found.created = '0' end
  if not found.status then return end
  local buried = found.channel == '' and found.status == 'failed'
  local bad = found.channel ~= nil and not IS_CHANNEL[found.channel] or found.priority ~= nil and not IS_PRIORITY[found.priority]
  if not bad or buried then return end
  note('record', record_key(id))
  found.status = false
end

-- The fields named, as a table by name; missing ones are false.
local function named(id, names, values)
  local found = {}
  for i = 1, #names do found[names[i]] = values[i] end
  check(id, found)
  return found
end
local function read(id, names)
  return named(id, names, sturdy('record', 'HMGET', record_key(id), unpack(names)))
end

-- True where `check` would find nothing: for scripts that take the usual case without a table for each record.
local function is_plain(channel, priority, created)
  return IS_CHANNEL[channel] and IS_PRIORITY[priority] and number(created) ~= nil
end

-- Changes of sorted sets, counts and queues are gathered and made by `flush`, many in one command: a script over 500
-- deliveries takes half the time. Those of one sorted set are made in their order. What a script gathered is flushed
-- when it ends (end.lua); one that reads what it has changed flushes before.
local sets, statuses, counts, ended = {}, {}, {}, {}
local MOST_AT_ONCE = 1000  -- arguments that Lua's stack takes with ease

local function within(tables, key)
  local found = tables[key]
  if not found then
    found = {}
    tables[key] = found
  end
  return found
end

-- Changes that some sorted sets have in common: `added` is score, member, ...; never both have something.
local function new_changes(...) return {keys = {...}, added = {}, removed = {}} end

local function make(changes)
  for _, key in ipairs(changes.keys) do
    if changes.removed[1] then sturdy('delivery', 'ZREM', key, unpack(changes.removed)) end
    if changes.added[1] then sturdy('delivery', 'ZADD', key, unpack(changes.added)) end
  end
  changes.added, changes.removed = {}, {}
end

local function add(changes, score, id)
  local list = changes.added
  local size = #list
  if changes.removed[1] or size >= MOST_AT_ONCE then
    make(changes)
    list, size = changes.added, 0
  end
  list[size + 1] = score
  list[size + 2] = id
end

local function remove(changes, id)
  local list = changes.removed
  local size = #list
  if changes.added[1] or size >= MOST_AT_ONCE then
    make(changes)
    list, size = changes.removed, 0
  end
  list[size + 1] = id
end

local function changes_of(key)
  local found = sets[key]
  if not found then
    found = new_changes(key)
    sets[key] = found
  end
  return found
end

local function zadd(key, score, id) add(changes_of(key), score, id) end
local function zrem(key, id) remove(changes_of(key), id) end

local function count(key, field, change)
  local changes = within(counts, key)
  changes[field] = (changes[field] or 0) + change
end

local function call_in_parts(list, ...)
  local command = {...}
  local first = #command
  for from = 1, #list, MOST_AT_ONCE do
    local last = math.min(#list, from + MOST_AT_ONCE - 1)
    for i = from, last do command[first + i - from + 1] = list[i] end
    sturdy('delivery', unpack(command, 1, first + last - from + 1))
  end
end

local function flush()
  for _, changes in pairs(sets) do make(changes) end
  for _, of_channel in pairs(statuses) do
    for _, changes in pairs(of_channel) do make(changes) end
  end
  for key, changes in pairs(counts) do
    for field, change in pairs(changes) do
      if change ~= 0 then sturdy('delivery', 'HINCRBY', key, field, change) end
    end
  end
  for queue, entries in pairs(ended) do
    call_in_parts(entries, 'XACK', queue, GROUP)
    call_in_parts(entries, 'XDEL', queue)
  end
  counts, ended = {}, {}
end

-- The changes of the two indexes of a status, that of all channels and that of one.
local function of_status(channel, status)
  local of_channel = within(statuses, channel)
  local found = of_channel[status]
  if not found then
    local key = index_key('status:' .. status)
    found = new_changes(key, key .. ':' .. channel)
    of_channel[status] = found
  end
  return found
end

local function unindex_status(id, record, status) remove(of_status(record.channel, status), id) end

-- Moves a delivery from one status to another in the indexes and in its batch.
local function move(id, channel, from, to, created, batch)
  remove(of_status(channel, from), id)
  add(of_status(channel, to), created, id)
  if batch and batch ~= '' then
    local key = batch_key(batch)
    count(key, from, -1)
    count(key, to, 1)
  end
end

local function enqueue(id, record)
  return sturdy('queue', 'XADD', queue_key(record.channel, record.priority), '*', 'id', id)
end

-- Takes an entry out of its queue, leased or not.
local function end_entry(queue, entry)
  local entries = within(ended, queue)
  entries[#entries + 1] = entry
end

local function dequeue(record)
  if record.entry and record.entry ~= '' then end_entry(queue_key(record.channel, record.priority), record.entry) end
end

local function bury(id, record, reason, now)
  sturdy('delivery', 'ZADD', dlq_key, now, id)
  sturdy('delivery', 'HINCRBY', dlq_reasons_key, reason .. ' ' .. record.channel, 1)
end

local function unbury(id, record)
  if sturdy('delivery', 'ZREM', dlq_key, id) == 0 then return false end
  local field = (record.reason or '') .. ' ' .. (record.channel or '')
  if sturdy('delivery', 'HINCRBY', dlq_reasons_key, field, -1) <= 0 then redis.call('HDEL', dlq_reasons_key, field) end
  return true
end

local NEEDED = {'status', 'channel', 'priority', 'created', 'entry', 'batch', 'reason', 'why'}

-- What holds a delivery back (a circuit, a limit) holds it until it is tried: through each turn in the queue that ends
-- untried, so that `since` is when it began.
local HOLDS = {due = true, lease = true, reclaim = true, defer = true}

local function hold(id, record, event, now, fields)
  local before = record.why or ''
  local why = fields.why or (HOLDS[event] and before) or ''
  if why == before then return end
  if before ~= '' then zrem(held_key(before, record.channel), id) end
  if why ~= '' then zadd(held_key(why, record.channel), now, id) end
  fields.why, fields.since = why, why ~= '' and now or ''
  record.why = why
end

-- Applies an event to a record (a table with at least NEEDED); `fields` are further ones to set. Returns the new
-- status, or nil where the event has no meaning. All indexes follow.
local function apply(id, record, event, now, fields)
  local row = AFTER[record.status]
  local status = row and row[event]
  if not status then return nil end
  fields = fields or {}
  hold(id, record, event, now, fields)
  move(id, record.channel, record.status, status, record.created, record.batch)
  local entry = record.entry
  if record.status == 'queued' or record.status == 'processing' then
    if status ~= 'processing' then
      dequeue(record)
      entry = ''
    end
  elseif status ~= 'queued' then
    zrem(schedule_key, id)
  end
  if status == 'queued' then
    zrem(schedule_key, id)
    entry = enqueue(id, record)
  end
  if status == 'failed' then bury(id, record, fields.reason or record.reason or '', now) end
  if FINAL[status] then zadd(done_key, now, id) end
  if record.status == 'failed' then
    unbury(id, record)
    zrem(done_key, id)
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
  return record.expires and record.expires ~= '' and number(record.expires, math.huge) <= now
end
