-- Registers an address for a user, in place of its last registration. A device leaves the user it was registered for
-- before; a user who has too many loses the oldest.
-- KEYS[1]  a key of the slot
-- ARGV     user, field, record, its life in ms, whether it names a device (1 or 0), the most that a user has
-- returns  µs of the registration, later than those of all others of the user
local user, field, record, life, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[6])
local since = now_us()
local now = math.floor(since / 1000)

if ARGV[5] == '1' then
  local owner = owner_of(field)
  if owner and owner ~= user then forget(owner, {field}) end
  redis.call('SET', session_owner_key(field), user, 'PX', life)
end

local others = living(user, now, life).since
for _, other in pairs(others) do since = math.max(since, tonumber(other) + 1) end
others[field] = nil
local count, oldest = 0, {}
for other, at in pairs(others) do
  count = count + 1
  oldest[count] = {tonumber(at), other}
end
table.sort(oldest, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
for i = 1, count + 1 - most do forget(user, {oldest[i][2]}) end

redis.call('HSET', sessions_key(user), field, record)
redis.call('ZADD', session_ends_key(user), whole(now + life), field)
redis.call('ZADD', session_since_key(user), whole(since), field)
keep(user)
return since
