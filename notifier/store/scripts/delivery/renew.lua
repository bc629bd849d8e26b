-- Renews the leases of deliveries that take their time.
-- KEYS[1]  a key of the slot
-- ARGV     owner, then per lease: id, entry of its queue
-- returns  how many are still this owner's
local owner, kept = ARGV[1], 0
for i = 2, #ARGV, 2 do
  local record = read(ARGV[i], {'status', 'channel', 'priority', 'entry', 'owner'})
  if record.status == 'processing' and record.owner == owner and record.entry == ARGV[i + 1] then
    redis.pcall('XCLAIM', queue_key(record.channel, record.priority), GROUP, owner, 0, record.entry, 'JUSTID')
    kept = kept + 1
  end
end
return kept
