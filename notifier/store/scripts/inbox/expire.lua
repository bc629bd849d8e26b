-- Removes what has expired from a part of one user's inbox; after the last part, notes when the next payload goes. Until
-- then the user is to be looked at again soon, should nobody come to that.
-- KEYS[1]  a key of the slot
-- ARGV     user key, ms until an empty stream of a connected user is looked at again, life in ms of a payload without any,
--          where the part begins, ms of the next payload in the parts before ('' = none), when the user is to be looked at
--          by the first part ('' = this is it)
-- returns  {entries removed, unread among them, lock holder ('' = none), where the next part begins or false, ms of the
--          next payload so far ('' = none), when the user is to be looked at, pods with connections where entries went}
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

-- After the last part: what was stored meanwhile may have brought the user's turn forward.
local function note_next(next_due, provisional)
  local known = redis.call('ZSCORE', index('expiry'), u)
  if known and (provisional == '' or known == provisional) then redis.call('ZREM', index('expiry'), u) end
  settle(u)
  if redis.call('EXISTS', stream_key(u)) == 1 then
    redis.call('ZADD', index('expiry'), 'LT', string.format('%.0f', next_due or now + ARGV[2]), u)
  end
end

return mending(u, function()
  local owner, gone, next_due, provisional = lock_of(u) or '', {}, tonumber(ARGV[5]), ARGV[6]
  local part, following = part_of(u, ARGV[4], '+')
  for _, entry in ipairs(named(u, part)) do
    local left = left_of(entry)
    if left == -2 then
      gone[#gone + 1] = entry
    elseif not next_due or now + left < next_due then
      next_due = now + left
    end
  end
  local cleared = remove(u, gone)
  remember_cleared(u, cleared)
  if not following then
    note_next(next_due, provisional)
  elseif provisional == '' then
    provisional = string.format('%.0f', now + ARGV[2])
    redis.call('ZADD', index('expiry'), provisional, u)
  end
  return {#gone, #cleared / 2, owner, following, next_due and string.format('%.0f', next_due) or '', provisional,
    #gone > 0 and other_pods(u, '')}
end)
