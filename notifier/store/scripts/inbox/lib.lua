-- Functions that every script shares. Key names (stream_key and the rest) come from keys.py and stand before this.

local GROUP = 'notifications'
local PART = 250                    -- entries that one script looks through: it holds up everybody
local CLEARED_MAX = 1000            -- expired notifications remembered for a user who is away
local CLEARED_LIFE = 15 * 86400000  -- ms; the longest retention

local function consumer(u) return 'user:' .. (string.match(u, '^%d+') or u) end

-- The notification id of a stream entry {id, {field, value, ...}}; '' where another writer left none, or one that no
-- frame can carry.
local function nid_of(entry)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'nid' then
      local nid = fields[i + 1]
      return #nid <= 128 and string.find(nid, '^[%w%-_.:]+$') and nid or ''
    end
  end
  return ''
end

-- True where a stream entry is that of notification `nid`: a name of ours, so that it needs no check.
local function is_of(entry, nid)
  return entry[2][1] == 'nid' and entry[2][2] == nid and #entry[2] == 2
end

-- Sets aside what stands in keys of a user, or in the indexes, and is of another type. Returns whether anything did.
local function mend(u)
  local before = #mended
  keep_type('stream', stream_key(u), 'stream')
  keep_type('state', state_key(u), 'hash')
  keep_type('state', marks_key(u), 'hash')
  keep_type('state', named_key(u), 'hash')
  keep_type('state', rev_key(u), 'string')
  keep_type('lock', lock_key(u), 'string')
  keep_type('route', route_key(u), 'hash')
  keep_type('retention', retention_key(u), 'string')
  keep_type('cleared', cleared_key(u), 'list')
  for _, name in ipairs({'users', 'logins', 'pending', 'expiry', 'snoozed'}) do keep_type('index', index(name), 'zset') end
  for _, name in ipairs({'overfull', 'retained'}) do keep_type('index', index(name), 'set') end
  keep_type('totals', index('totals'), 'hash')
  return #mended > before
end

-- Calls `f`; where it fails over a user's keys, mends them and calls it once more.
local function mending(u, f, ...)
  local well, answer = pcall(f, ...)
  if well then return answer end
  local _, own = as_reply(answer)
  if not own or not mend(u) then error(answer, 0) end
  return f(...)
end

-- Calls `f` for one of several users or requests. Its error is the answer where it lies in the keys at hand, so that the
-- others have theirs; what fails for all ends the script.
local function apart(f, ...)
  local ok, answer = pcall(f, ...)
  if ok then return answer end
  local reply, own = as_reply(answer)
  if not own then error(reply, 0) end
  return reply
end

-- True for a text that can be the name of an instance (config/values.py).
local function is_pod(name) return #name <= 100 and string.find(name, '^[%w._-]+$') end

-- The pod that holds the user's lock, nil for none; `pod` is the name that is expected, where one is. What is no pod's name
-- is removed: nobody could take it over.
local function lock_of(u, pod)
  local owner = redis.call('GET', lock_key(u))
  if not owner or owner == pod or is_pod(owner) then return owner end
  redis.call('DEL', lock_key(u))
  note('lock', lock_key(u))
end

local function count_pending(by)
  if by == 0 then return end
  local counted = redis.pcall('HINCRBY', index('totals'), 'pending', by)
  if type(counted) ~= 'table' then return end
  local _, own = as_reply(counted)
  if not own then error(counted, 0) end
  keep_type('totals', index('totals'), 'hash')
  redis.call('HDEL', index('totals'), 'pending')  -- no number: counted anew
  note('totals', index('totals'))
end

-- The user's retention in days, nil where none is set. What is no number of 1-15 is removed.
local function days_of(u)
  local days = redis.call('GET', retention_key(u))
  if not days then return nil end
  if string.find(days, '^%d%d?$') and tonumber(days) >= 1 and tonumber(days) <= 15 then return tonumber(days) end
  redis.call('DEL', retention_key(u))
  note('retention', retention_key(u))
end

local function unread(u)
  return redis.call('XLEN', stream_key(u)) - redis.call('HLEN', state_key(u))
end

-- Puts a user into the lists of users known, by key and by login (`know`), or takes them out (`forget`).
local function by_login(u)
  local id, login = string.match(u, '^(%d+)-(.*)$')
  return id and login .. ' ' .. id or u
end
local function know(u)
  redis.call('ZADD', index('users'), 0, u)
  redis.call('ZADD', index('logins'), 0, by_login(u))
end
local function forget(u)
  redis.call('ZREM', index('users'), u)
  redis.call('ZREM', index('logins'), by_login(u))
end

-- Brings the indexes in step after entries went or were read. Returns how many are unread.
-- An empty stream stays while the user is connected: its last id keeps later ids growing.
local function settle(u)
  local left = unread(u)
  if left <= 0 then redis.call('ZREM', index('pending'), u) end
  if redis.call('XLEN', stream_key(u)) == 0 and redis.call('EXISTS', lock_key(u), route_key(u)) == 0 then
    redis.call('DEL', stream_key(u), state_key(u), marks_key(u), rev_key(u))
    redis.call('ZREM', index('expiry'), u)
    if redis.call('EXISTS', retention_key(u)) == 0 then forget(u) end
  end
  return left
end

-- Calls `f` with up to a thousand items of a list at a time: more are too many for Lua's stack.
local function in_parts(list, f)
  for first = 1, #list, 1000 do f(unpack(list, first, math.min(#list, first + 999))) end
end

local function delete_entries(u, ids)
  in_parts(ids, function(...)
    redis.pcall('XACK', stream_key(u), GROUP, ...)
    redis.call('XDEL', stream_key(u), ...)
  end)
end

-- Removes entries that name no notification: another program's. They were never counted, and nobody is told.
local function discard(u, ids)
  if #ids == 0 then return end
  delete_entries(u, ids)
  note('entry', stream_key(u))
end

-- Those of the entries that name a notification; the others are removed.
local function named(u, entries)
  local good, bad = {}, {}
  for _, entry in ipairs(entries) do
    if nid_of(entry) == '' then bad[#bad + 1] = entry[1] else good[#good + 1] = entry end
  end
  discard(u, bad)
  return #bad > 0 and good or entries
end

-- Notes when a notification was read, beside what is noted of it already.
local function note_read(u, nid)
  local mark = string.format('r%.0f', now_ms())
  if redis.call('HSETNX', marks_key(u), nid, mark) == 1 then return end
  local known = redis.call('HGET', marks_key(u), nid)
  if not string.find(known, 'r', 1, true) then redis.call('HSET', marks_key(u), nid, known .. mark) end
end

-- Counts changes of an inbox that its last id does not tell: `by` grows with each. A read state that goes counts too: the
-- revision of an inbox holds the number of those that are left (states/lib.lua).
local function count_change(u, by)
  local counted = redis.pcall('INCRBY', rev_key(u), by)
  if type(counted) ~= 'table' then return end
  local _, own = as_reply(counted)
  if not own then error(counted, 0) end
  keep_type('state', rev_key(u), 'string')
  redis.call('DEL', rev_key(u))  -- no number: it begins anew
  note('state', rev_key(u))
end

-- The name of a notification in the index of those that are to come back.
local function snooze_member(u, nid) return u .. '\31' .. nid end

-- Takes marks, callers' keys and wakings of notifications away that go.
local function forget_marks(u, nids)
  local gone, found = {}, {}
  for _, nid in ipairs(nids) do gone[nid] = true end
  in_parts(nids, function(...)
    local packed, part = redis.call('HMGET', marks_key(u), ...), {...}
    for i, nid in ipairs(part) do
      if packed[i] then found[#found + 1] = nid end
      if packed[i] and string.find(packed[i], 'z', 1, true) then redis.call('ZREM', index('snoozed'), snooze_member(u, nid)) end
    end
  end)
  in_parts(found, function(...) redis.call('HDEL', marks_key(u), ...) end)
  if redis.call('EXISTS', named_key(u)) == 0 then return end
  local named = redis.call('HGETALL', named_key(u))
  for i = 1, #named, 2 do
    if gone[named[i + 1]] then redis.call('HDEL', named_key(u), named[i]) end
  end
end

-- Removes entries of the stream with all that belongs to them. Returns the unread ones as {id, nid, id, nid, ...}.
local function remove(u, entries)
  local cleared, ids, payloads, nids = {}, {}, {}, {}
  for i, entry in ipairs(named(u, entries)) do
    local nid = nid_of(entry)
    ids[i] = entry[1]
    nids[i] = nid
    payloads[i] = payload_key(u, nid)
    if redis.call('HDEL', state_key(u), nid) == 0 then
      cleared[#cleared + 1] = entry[1]
      cleared[#cleared + 1] = nid
    end
  end
  if #ids > 0 then
    delete_entries(u, ids)
    in_parts(payloads, function(...) redis.call('UNLINK', ...) end)
    count_pending(-#cleared / 2)
    forget_marks(u, nids)
    count_change(u, #ids - #cleared / 2 + 1)
  end
  return cleared
end

-- Removes the oldest entries, down to the newest `keep`, one part of them at the most. Returns how many were unread.
local function trim(u, keep)
  local excess = redis.call('XLEN', stream_key(u)) - keep
  if excess <= 0 then return 0 end
  return #remove(u, redis.call('XRANGE', stream_key(u), '-', '+', 'COUNT', math.min(excess, PART))) / 2
end

-- A part of the stream from `from` on, up to `to` ('+' = the end), and where the next one begins: false at the end.
local function part_of(u, from, to, count)
  local entries = redis.call('XRANGE', stream_key(u), from, to, 'COUNT', count or PART)
  return entries, #entries == (count or PART) and '(' .. entries[#entries][1]
end

-- Keeps what expired or was cleared unread until the user can be told.
local function remember_cleared(u, cleared)
  if #cleared == 0 then return end
  in_parts(cleared, function(...)
    if type(redis.pcall('RPUSH', cleared_key(u), ...)) == 'table' then
      mend(u)  -- here, as what was cleared is gone from the stream already
      redis.call('RPUSH', cleared_key(u), ...)
    end
  end)
  redis.call('LTRIM', cleared_key(u), -2 * CLEARED_MAX, -1)
  redis.call('PEXPIRE', cleared_key(u), CLEARED_LIFE)
end

-- Entries as {id, nid, state or false, payload or false, ...}: what a client's view of them is made from; and how many are
-- left out, as they are snoozed.
local function rows(u, entries)
  entries = named(u, entries)
  if #entries == 0 then return {}, 0 end
  local nids, payloads, flat = {}, {}, {}
  for i, entry in ipairs(entries) do
    nids[i] = nid_of(entry)
    payloads[i] = payload_key(u, nids[i])
  end
  local states = redis.call('HMGET', state_key(u), unpack(nids))
  local bodies = redis.call('MGET', unpack(payloads))
  local hidden = 0
  for i, entry in ipairs(entries) do
    if states[i] == 'snoozed' then
      hidden = hidden + 1
    else
      flat[#flat + 1] = entry[1]
      flat[#flat + 1] = nids[i]
      flat[#flat + 1] = states[i]
      flat[#flat + 1] = bodies[i]
    end
  end
  return flat, hidden
end

-- How many notifications of an inbox are snoozed; `hidden` of `entries` are, the newest ones.
local function snoozed_in(u, entries, hidden)
  if redis.call('XLEN', stream_key(u)) <= #entries then return hidden end
  local count = 0
  for _, state in ipairs(redis.call('HVALS', state_key(u))) do
    if state == 'snoozed' then count = count + 1 end
  end
  return count
end

-- The pods with connections of the user beside `pod`; false when there is none, which is the usual case.
local function other_pods(u, pod)
  local names = {}
  for _, name in ipairs(redis.call('HKEYS', route_key(u))) do
    if name ~= pod and name ~= '#fence' then
      if is_pod(name) then
        names[#names + 1] = name
      else
        redis.call('HDEL', route_key(u), name)
        note('route', route_key(u))
      end
    end
  end
  return #names > 0 and names
end

-- True where a lock in the name of an instance is that of its incarnation `fence`. A later one inherits an earlier one's locks:
-- a worker that was killed and is back within a moment was never seen dead, so nobody else would take them.
local function inherits(u, fence)
  local held = redis.call('HGET', route_key(u), '#fence')
  if held == fence then return true end
  if number(held, 0) > tonumber(fence) then return false end
  redis.call('HSET', route_key(u), '#fence', fence)
  redis.call('PEXPIRE', route_key(u), redis.call('PTTL', lock_key(u)))
  return true
end

-- True where `pod`, in the incarnation that `fence` numbers, may read the user's stream.
local function holds(u, pod, fence)
  return lock_of(u, pod) == pod and inherits(u, fence)
end

-- Entries that the group has not handed out yet. Where the group is gone, or another program began the stream without one, it is
-- made anew from the beginning: connections leave out what they have had.
local function read_group(u)
  local function read() return redis.pcall('XREADGROUP', 'GROUP', GROUP, consumer(u), 'STREAMS', stream_key(u), '>') end
  local reply = read()
  if reply and reply.err and string.find(reply.err, 'NOGROUP', 1, true) then
    if redis.call('EXISTS', stream_key(u)) == 0 then return {} end
    redis.call('XGROUP', 'CREATE', stream_key(u), GROUP, '0')
    note('group', stream_key(u))
    reply = read()
  end
  if reply and reply.err then error(reply, 0) end
  return reply and reply[1][2] or {}
end

-- Hands what is new in the stream to the consumer: {id, nid, payload, ...}. Only for who holds the lock. In place of the
-- payload stands '' where there is none any more, false for `own`, which the caller has just sent, and 1 for what was read
-- already over another pod, which caught up by itself: this one's connections have yet to get it. What is snoozed is left out.
local function take(u, own)
  local entries, flat, done = read_group(u), {}, {}
  if #entries == 1 and own and is_of(entries[1], own) then return {entries[1][1], own, false} end  -- the usual case
  in_parts(named(u, entries), function(...)
    local part, nids, keys = {...}, {}, {}
    for i, entry in ipairs(part) do
      nids[i] = nid_of(entry)
      keys[i] = payload_key(u, nids[i])
    end
    local states, payloads = redis.call('HMGET', state_key(u), unpack(nids)), redis.call('MGET', unpack(keys))
    for i, nid in ipairs(nids) do
      local state = nid ~= own and states[i]
      if state then done[#done + 1] = part[i][1] end
      if state ~= 'snoozed' then
        flat[#flat + 1] = part[i][1]
        flat[#flat + 1] = nid
        flat[#flat + 1] = nid ~= own and (state and 1 or payloads[i] or '')
      end
    end
  end)
  in_parts(done, function(...) redis.call('XACK', stream_key(u), GROUP, ...) end)
  return flat
end

-- Makes `pod` the holder when nobody is, when it was itself (an earlier incarnation), or when `dead` was.
-- Returns the holder.
local function claim(u, pod, fence, life, dead)
  local owner = lock_of(u)
  if owner ~= pod then redis.call('DEL', sole_key(u)) end
  if not owner or owner == pod or (dead ~= '' and owner == dead) then
    redis.call('SET', lock_key(u), pod, 'PX', life)
    redis.call('HSET', route_key(u), '#fence', fence)
    if owner and owner ~= pod then redis.call('HDEL', route_key(u), owner) end
    owner = pod
  end
  redis.call('HSET', route_key(u), pod, '1')
  redis.call('PEXPIRE', route_key(u), life)
  return owner
end

-- Notes that the lock's holder alone serves the user, after it has taken all that is new: from now on it may store and
-- hand out by plain commands (express.py), for as long as this note stands. Whoever else comes to the user, or stores
-- for them, removes it first; a retention of the user's own needs the scripts. Returns how many entries there are, or
-- false.
local function serve_alone(u, pod, fence)
  local life = redis.call('PTTL', lock_key(u))
  if life <= 0 or redis.call('HLEN', route_key(u)) ~= 2 or redis.call('HEXISTS', route_key(u), pod) == 0
    or redis.call('EXISTS', retention_key(u)) == 1 then
    redis.call('DEL', sole_key(u))
    return false
  end
  if redis.call('EXISTS', stream_key(u)) == 0 then
    redis.call('XGROUP', 'CREATE', stream_key(u), GROUP, '$', 'MKSTREAM')
  end
  redis.call('SET', sole_key(u), pod .. ':' .. fence, 'PX', life)
  return redis.call('XLEN', stream_key(u))
end
