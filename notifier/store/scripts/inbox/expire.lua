-- Removes what has expired from one user's inbox and notes when the next payload goes.
-- KEYS[1]  a key of the slot
-- ARGV     user key, ms until an empty stream of a connected user is looked at again, life in ms of a payload without any
-- returns  {entries removed, unread among them, lock holder ('' = none)}
local u = ARGV[1]
local now = now_ms()

-- The ms that a payload has left, -2 where there is none. One without an end is another program's: it gets one.
local function left_of(entry)
  local key = payload_key(u, nid_of(entry))
  local left = redis.call('PTTL', key)
  if left ~= -1 then return left end
  note('payload', key)
  if redis.call('TYPE', key).ok ~= 'string' then return -2 end
  redis.call('PEXPIRE', key, ARGV[3])
  return tonumber(ARGV[3])
end

return mending(u, function()
  local owner, gone, next_due = lock_of(u) or '', {}, nil
  for _, entry in ipairs(named(u, redis.call('XRANGE', stream_key(u), '-', '+'))) do
    local left = left_of(entry)
    if left == -2 then
      gone[#gone + 1] = entry
    elseif not next_due or now + left < next_due then
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
  return {#gone, #cleared / 2, owner}
end)
