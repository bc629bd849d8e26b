-- The addresses of a user. What is named as used lives as long again.
-- KEYS[1]  a key of the slot
-- ARGV     user, life in ms, then the platforms that are used
-- returns  {field, record, µs of its registration (0: by an earlier version), ...}
local user, life = ARGV[1], tonumber(ARGV[2])
local now = math.floor(now_us() / 1000)
local used = {}
for i = 3, #ARGV do used[ARGV[i]] = true end

local found, rows = living(user, now, life), {}
for field, record in pairs(found.records) do
  if used[string.match(field, '^%a+')] then
    redis.call('ZADD', session_ends_key(user), whole(now + life), field)
    redis.call('PEXPIRE', session_owner_key(field), life)
    found.changed = true
  end
  for _, value in ipairs({field, record, whole(tonumber(found.since[field]))}) do rows[#rows + 1] = value end
end
if found.changed then keep(user) end
return rows
