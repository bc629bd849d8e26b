-- Marks one notification read.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, stream id, notification id
-- returns  {1 = marked now, 0 = was read before, -1 = not in this inbox; other pods or false}
local u, id, nid = ARGV[1], ARGV[3], ARGV[4]
local entry = redis.call('XRANGE', stream_key(u), id, id)[1]
if not entry or nid_of(entry) ~= nid then return {-1, false} end
local others = redis.call('HLEN', route_key(u)) > 2 and other_pods(u, ARGV[2])
if redis.call('HSET', state_key(u), nid, 'read') == 0 then return {0, others} end
redis.pcall('XACK', stream_key(u), GROUP, id)
count_pending(-1)
if unread(u) <= 0 then redis.call('ZREM', index('pending'), u) end
return {1, others}
