-- Records what came of deliveries.
-- KEYS[1]  a key of the slot
-- ARGV     per item: id, owner, the queue's entry that was leased, event (sent, retry, fail, defer, expire), ms to wait
--          (retry, defer), reason (of defer: what it waits for, or ''), error, provider, provider's id, attempts (JSON
--          objects, joined by commas)
-- returns  per item the new status, or '' where that lease was over and it was not this one's to say
local FIELDS = {'status', 'channel', 'priority', 'created', 'entry', 'batch', 'owner', 'attempts', 'error', 'why',
  'retries', 'expires'}
local SENT = AFTER.processing.sent
local now = now_ms()
local stamp = string.format('%.0f', now)  -- Redis is slow at making texts of numbers
local results = {}

local function joined(known, attempts) return known and known ~= '' and known .. ',' .. attempts or attempts end

-- The usual case: the lease is on, and the first try was taken; nothing ever held it back.
local function record_sent(id, values, provider, provider_id, attempts)
  local status, channel, priority, created, entry, batch, _, known = unpack(values)
  move(id, channel, status, SENT, created, batch)
  end_entry(queue_key(channel, priority), entry)
  zadd(done_key, stamp, id)
  redis.call('HSET', record_key(id), 'status', SENT, 'updated', stamp, 'entry', '', 'owner', '', 'sent', stamp,
    'provider', provider, 'provider_id', provider_id, 'attempts', joined(known, attempts))
  return SENT
end

local function record_other(id, record, event, wait, mine, reason, error_text, provider, provider_id, attempts)
  if not record.status or not (mine or event == 'sent') then return '' end
  local fields = {owner = ''}
  if attempts ~= '' then fields.attempts = joined(record.attempts, attempts) end
  if provider ~= '' then fields.provider = provider end
  if event == 'sent' then
    fields.sent, fields.provider_id = stamp, provider_id
    if record.error then fields.error, fields.reason, fields.next = '', '', '' end
  else
    fields.error, fields.reason = error_text, reason
  end
  local due = now + tonumber(wait)
  if event == 'retry' or event == 'defer' then
    -- One that would come due after its end is let go when that comes: the schedule holds it until then.
    if record.expires and record.expires ~= '' then due = math.min(due, number(record.expires, due)) end
    fields[event == 'retry' and 'next' or 'scheduled'] = due
  end
  if event == 'defer' then fields.why, fields.reason = reason, '' end
  if event == 'retry' then fields.retries = number(record.retries, 0) + 1 end
  if event == 'fail' then fields.next = '' end
  local status = apply(id, record, event, stamp, fields)
  if status == 'retrying' or status == 'scheduled' then zadd(schedule_key, due, id) end
  return status or ''
end

for i = 1, #ARGV, 10 do
  local id, owner, lease, event, wait = unpack(ARGV, i, i + 4)
  local reason, error_text, provider, provider_id, attempts = unpack(ARGV, i + 5, i + 9)
  local values = sturdy('record', 'HMGET', record_key(id), unpack(FIELDS))
  local mine = values[1] == 'processing' and values[7] == owner and values[5] == lease
  if mine and event == 'sent' and provider ~= '' and attempts ~= '' and not values[9] and
    (values[10] or '') == '' and is_plain(values[2], values[3], values[4]) then
    results[(i + 9) / 10] = record_sent(id, values, provider, provider_id, attempts)
  else
    local record = named(id, FIELDS, values)
    results[(i + 9) / 10] =
      record_other(id, record, event, wait, mine, reason, error_text, provider, provider_id, attempts)
  end
end
return results
