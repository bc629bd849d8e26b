-- Puts back what its record says is waiting and stands nowhere: its queue or the schedule was lost to another program.
-- KEYS[1]  a key of the slot
-- ARGV     channel, lease in ms, place in the index, how many to look at
-- returns  {how many were looked at, id, status, channel, priority, ... of those put back}
local channel, lease, from, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local FIELDS = {'status', 'channel', 'priority', 'created', 'entry', 'batch', 'reason', 'why', 'updated', 'next',
  'scheduled'}
local now = now_ms()
local looked, changed = 0, {}

local function stands(record)
  local queue = queue_key(record.channel, record.priority)
  if not record.entry or record.entry == '' then return false end
  return #sturdy('queue', 'XRANGE', queue, record.entry, record.entry) > 0
end

local function put_back(id, record)
  if record.status == 'queued' then
    if stands(record) then return end
    redis.call('HSET', record_key(id), 'entry', enqueue(id, record))
  elseif record.status == 'processing' then
    if number(record.updated, 0) + lease > now or stands(record) then return end
    record.entry = ''
    apply(id, record, 'reclaim', now, {owner = ''})
  elseif record.status == 'scheduled' or record.status == 'retrying' then
    if redis.call('ZSCORE', schedule_key, id) then return end
    local due = record.status == 'retrying' and record.next or record.scheduled
    zadd(schedule_key, string.format('%.0f', number(due, now)), id)
  else
    return
  end
  for _, value in ipairs({id, record.status, channel, record.priority}) do changed[#changed + 1] = value end
end

for _, status in ipairs({'queued', 'processing', 'scheduled', 'retrying'}) do
  local ids = sturdy('delivery', 'ZRANGE', index_key('status:' .. status .. ':' .. channel), from, from + count - 1)
  looked = math.max(looked, #ids)
  for _, id in ipairs(ids) do
    put_back(id, read(id, FIELDS))
  end
end
return {looked, unpack(changed)}
