-- Brings the indexes in step with the inboxes of users for whom plain commands have stored.
-- KEYS[1]  a key of the slot
-- ARGV     STREAM_MAXLEN, what to add to the count of what is unread, then per user: user key, ms after which the first
--          payload may go
-- returns  how many entries each has
local keep, lengths = tonumber(ARGV[1]), {}

local function look(u, soonest)
  local length = redis.call('XLEN', stream_key(u))
  if length > 0 then
    know(u)
    redis.call('ZADD', index('expiry'), 'LT', string.format('%.0f', now_ms() + soonest), u)
  end
  if unread(u) > 0 then redis.call('ZADD', index('pending'), 0, u) else redis.call('ZREM', index('pending'), u) end
  if length > keep then redis.call('SADD', index('overfull'), u) end
  return length
end

count_pending(tonumber(ARGV[2]))
for i = 3, #ARGV, 2 do lengths[#lengths + 1] = mending(ARGV[i], look, ARGV[i], ARGV[i + 1]) end
return lengths
