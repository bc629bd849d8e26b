-- Marks all notifications up to and including a stream id read.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, stream id
-- returns  {{id, nid, ...} marked now, other pods or false}
local u = ARGV[1]
return mending(u, function()
  local others, marked, ids = other_pods(u, ARGV[2]), {}, {}
  for _, entry in ipairs(named(u, redis.call('XRANGE', stream_key(u), '-', ARGV[3]))) do
    local nid = nid_of(entry)
    if redis.call('HSET', state_key(u), nid, 'read') == 1 then
      ids[#ids + 1] = entry[1]
      marked[#marked + 1] = entry[1]
      marked[#marked + 1] = nid
    end
  end
  if #ids > 0 then
    redis.pcall('XACK', stream_key(u), GROUP, unpack(ids))
    count_pending(-#ids)
    if unread(u) <= 0 then redis.call('ZREM', index('pending'), u) end
  end
  return {marked, others}
end)
