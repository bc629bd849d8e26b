-- Shared by the scripts of sessions; the key names (keys.py) stand before this. A user is named by a digest, an address
-- by its field `PLATFORM:DIGEST`. Times are Unix ms, those of registrations µs.

local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function whole(number) return string.format('%.0f', number) end

-- The user for whom a device is registered.
local function owner_of(field)
  local owner = redis.pcall('GET', session_owner_key(field))
  if type(owner) ~= 'table' then return owner end
  local _, own = as_reply(owner)
  if not own then error(owner, 0) end
  set_aside('session', session_owner_key(field))
end

-- Sets aside what stands in keys of a user and is of another type. Returns whether anything did.
local function mend(user)
  local before = #mended
  keep_type('session', sessions_key(user), 'hash')
  keep_type('session', session_ends_key(user), 'zset')
  keep_type('session', session_since_key(user), 'zset')
  return #mended > before
end

local function by_name(list)
  local found = {}
  for i = 1, #list, 2 do found[list[i]] = list[i + 1] end
  return found
end

-- Removes addresses of a user, and the note of their owner where it names this user.
local function forget(user, fields)
  for _, field in ipairs(fields) do
    redis.call('HDEL', sessions_key(user), field)
    redis.call('ZREM', session_ends_key(user), field)
    redis.call('ZREM', session_since_key(user), field)
    if owner_of(field) == user then redis.call('DEL', session_owner_key(field)) end
  end
end

-- Gives what an earlier version stored, whose addresses had the life of the whole hash, a life of each own.
local function adopt(user, field, found, now, life)
  local left = redis.call('PTTL', sessions_key(user))
  found.ends[field] = whole(now + (left > 0 and left or life))
  found.since[field] = '0'
  redis.call('ZADD', session_ends_key(user), found.ends[field], field)
  redis.call('ZADD', session_since_key(user), 0, field)
end

-- A user's addresses that are alive and still theirs: tables of `records`, `ends` and `since` (registration) by field.
-- The others are removed: what has ended, and devices that are registered for somebody else by now. `changed`: something
-- was written; where a server takes no writes, a look at what is in order works all the same.
local function living(user, now, life)
  local found = {
    records = by_name(redis.call('HGETALL', sessions_key(user))),
    ends = by_name(redis.call('ZRANGE', session_ends_key(user), 0, -1, 'WITHSCORES')),
    since = by_name(redis.call('ZRANGE', session_since_key(user), 0, -1, 'WITHSCORES')),
  }
  local gone = {}
  found.changed = false
  for field in pairs(found.ends) do
    if not found.records[field] then gone[#gone + 1] = field end
  end
  for field in pairs(found.records) do
    if not found.ends[field] or not found.since[field] then
      adopt(user, field, found, now, life)
      found.changed = true
    end
    local owner = owner_of(field)
    if tonumber(found.ends[field]) <= now or (owner and owner ~= user) then gone[#gone + 1] = field end
  end
  forget(user, gone)
  found.changed = found.changed or #gone > 0
  for _, field in ipairs(gone) do found.records[field], found.ends[field], found.since[field] = nil, nil, nil end
  return found
end

-- Sets the life of a user's keys to that of the last of the addresses.
local function keep(user)
  local last = redis.call('ZREVRANGE', session_ends_key(user), 0, 0, 'WITHSCORES')[2]
  if not last then return end
  for _, key in ipairs({sessions_key(user), session_ends_key(user), session_since_key(user)}) do
    redis.call('PEXPIREAT', key, whole(tonumber(last)))
  end
end
