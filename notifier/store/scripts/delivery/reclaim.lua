-- Puts back into their queues the deliveries whose leases are over.
-- KEYS[1]  a key of the slot
-- ARGV     channel, who reclaims, lease in ms, how often one may be taken over before it is given up, how many at most
-- returns  {id, status, channel, priority, ...}
local channel, owner, lease, most, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local now = now_ms()
local changed = {}

local function take_back(queue, entry)
  local id = entry[2][2]
  local record = read(id, {'status', 'channel', 'priority', 'created', 'entry', 'batch', 'reason', 'why', 'takeovers'})
  if record.status ~= 'processing' or record.entry ~= entry[1] then
    end_entry(queue, entry[1])
    return
  end
  local takeovers = number(record.takeovers, 0) + 1
  local event, fields = 'reclaim', {takeovers = takeovers, owner = ''}
  if takeovers > most then
    event = 'fail'
    fields.reason = 'lease_lost'
    fields.error = 'lease_lost: ' .. most .. ' workers did not come back from it'
  end
  local status = apply(id, record, event, now, fields) or ''
  for _, value in ipairs({id, status, channel, record.priority}) do changed[#changed + 1] = value end
end

for _, priority in ipairs(PRIORITIES) do
  local queue = queue_key(channel, priority)
  local reply = redis.pcall('XAUTOCLAIM', queue, GROUP, owner, lease, '0-0', 'COUNT', count)
  if not reply.err then
    for _, entry in ipairs(reply[2]) do
      if entry and entry[2] then take_back(queue, entry) end
    end
  elseif string.find(reply.err, 'WRONGTYPE', 1, true) then
    set_aside('queue', queue)
  elseif not string.find(reply.err, 'NOGROUP', 1, true) then
    return reply
  end
end
return changed
