-- Records what came of deliveries.
-- KEYS[1]  a key of the slot
-- ARGV     per item: id, owner, the queue's entry that was leased, event (sent, retry, fail, defer, expire), ms to wait
--          (retry, defer), reason (of defer: what it waits for, or ''), error, provider, provider's id, attempts (JSON
--          objects, joined by commas)
-- returns  per item the new status, or '' where that lease was over and it was not this one's to say
local now = now_ms()
local stamp = string.format('%.0f', now)  -- Redis is slow at making texts of numbers
local results = {}
for i = 1, #ARGV, 10 do
  local id, owner, lease, event, wait = unpack(ARGV, i, i + 4)
  local reason, error_text, provider, provider_id, attempts = unpack(ARGV, i + 5, i + 9)
  local record = read(id, 'status', 'channel', 'priority', 'created', 'entry', 'batch', 'reason', 'why', 'owner',
    'attempts', 'retries', 'expires', 'error')
  local mine = record.status == 'processing' and record.owner == owner and record.entry == lease
  local status
  if record.status and (mine or event == 'sent') then
    local fields = {owner = ''}
    if attempts ~= '' then
      fields.attempts = record.attempts and record.attempts ~= '' and record.attempts .. ',' .. attempts or attempts
    end
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
    status = apply(id, record, event, stamp, fields)
    if status == 'retrying' or status == 'scheduled' then zadd(schedule_key, due, id) end
  end
  results[#results + 1] = status or ''
end
return results
