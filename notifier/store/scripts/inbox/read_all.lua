-- Marks the notifications of a part of one user's inbox read, up to and including a stream id.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, stream id, where the part begins
-- returns  {{id, nid, ...} marked now, other pods or false, where the next part begins or false}
local u = ARGV[1]
return mending(u, function()
  local others, marked, ids = other_pods(u, ARGV[2]), {}, {}
  local part, following = part_of(u, ARGV[4], ARGV[3])
  for _, entry in ipairs(named(u, part)) do
    local nid = nid_of(entry)
    if redis.call('HSETNX', state_key(u), nid, 'read') == 1 then
      note_read(u, nid)
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
  return {marked, others, following}
end)
