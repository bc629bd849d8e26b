-- Puts what could not even become a delivery into the dead-letter queue.
-- KEYS[1]  a key of the slot
-- ARGV     now, then per item: id, document, reason, error
-- returns  how many are new
local now, new = tonumber(ARGV[1]), 0
for i = 2, #ARGV, 4 do
  local id, document, reason, text = unpack(ARGV, i, i + 3)
  if redis.call('EXISTS', record_key(id)) == 0 then
    redis.call('HSET', record_key(id), 'document', document, 'status', 'failed', 'channel', '', 'priority', '',
      'created', now, 'updated', now, 'reason', reason, 'error', text, 'retries', 0, 'max_retries', 0)
    bury(id, {channel = ''}, reason, now)
    redis.call('ZADD', done_key, now, id)
    new = new + 1
  end
end
return new
