-- Removes what has expired from one user's inbox and notes when the next payload goes.
-- KEYS[1]  a key of the slot
-- ARGV     user key, ms until an empty stream of a connected user is looked at again
-- returns  {entries removed, unread among them, lock holder ('' = none)}
local u = ARGV[1]
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local gone, next_due = {}, nil
for _, entry in ipairs(redis.call('XRANGE', stream_key(u), '-', '+')) do
  local left = redis.call('PTTL', payload_key(u, nid_of(entry)))
  if left == -2 then
    gone[#gone + 1] = entry
  elseif left >= 0 and (not next_due or now + left < next_due) then
    next_due = now + left
  end
end
local cleared = remove(u, gone)
remember_cleared(u, cleared)
redis.call('ZREM', index('expiry'), u)
settle(u)
if redis.call('EXISTS', stream_key(u)) == 1 then
  redis.call('ZADD', index('expiry'), next_due or now + ARGV[2], u)
end
return {#gone, #cleared / 2, redis.call('GET', lock_key(u)) or ''}
