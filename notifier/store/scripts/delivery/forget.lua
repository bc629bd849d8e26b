-- Removes records that ended long ago, with all their index entries.
-- KEYS[1]  a key of the slot
-- ARGV     ended before (ms), how many at most
-- returns  how many went
local ids = sturdy('delivery', 'ZRANGEBYSCORE', done_key, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  local record = read(id, {'status', 'channel', 'user', 'recipient', 'batch', 'reason'})
  if record.status then
    unbury(id, record)
    unindex_status(id, record, record.status)
    zrem(index_key('all'), id)
    zrem(index_key('channel:' .. record.channel), id)
    if record.user and record.user ~= '' then sturdy('delivery', 'ZREM', index_key('user:' .. record.user), id) end
    if record.recipient and record.recipient ~= '' then
      sturdy('delivery', 'ZREM', index_key('recipient:' .. record.recipient), id)
    end
    if record.batch and record.batch ~= '' then
      sturdy('delivery', 'ZREM', batch_list_key(record.batch), id)
      if redis.call('EXISTS', batch_list_key(record.batch)) == 0 then redis.call('DEL', batch_key(record.batch)) end
    end
  end
  redis.call('DEL', record_key(id))
  zrem(done_key, id)
end
return #ids
