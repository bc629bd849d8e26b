-- Moves what is due from the schedule into the queues.
-- KEYS[1]  a key of the slot
-- ARGV     how many at most
-- returns  {{id, status, channel, priority, ...}, {channels in whose queues something is}}
local FIELDS = {'status', 'channel', 'priority', 'created', 'entry', 'batch', 'reason', 'why', 'expires'}
local now = now_ms()
local moved = {}
for _, id in ipairs(sturdy('delivery', 'ZRANGEBYSCORE', schedule_key, '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local record = read(id, FIELDS)
  local status = record.status and apply(id, record, is_expired(record, now) and 'expire' or 'due', now)
  if status then
    for _, value in ipairs({id, status, record.channel, record.priority}) do moved[#moved + 1] = value end
  else
    zrem(schedule_key, id)
  end
end
flush()
local waiting = {}
for _, channel in ipairs(CHANNELS) do
  for _, priority in ipairs(PRIORITIES) do
    if sturdy('queue', 'XLEN', queue_key(channel, priority)) > 0 then
      waiting[#waiting + 1] = channel
      break
    end
  end
end
return {moved, waiting}
