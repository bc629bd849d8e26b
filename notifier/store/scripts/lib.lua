-- Functions that every script shares. Key names (stream_key and the rest) come from keys.py and stand before this.

local GROUP = 'notifications'
local CLEARED_MAX = 1000            -- expired notifications remembered for a user who is away
local CLEARED_LIFE = 15 * 86400000  -- ms; the longest retention

local function consumer(u) return 'user:' .. string.match(u, '^%d+') end

-- The notification id of a stream entry {id, {field, value, ...}}; '' where another writer left none.
local function nid_of(entry)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'nid' then return fields[i + 1] end
  end
  return ''
end

local function count_pending(by)
  if by ~= 0 then redis.call('HINCRBY', index('totals'), 'pending', by) end
end

-- The error of one of several calls, as its reply, and whether it lies in that call's own keys, which another program
-- has overwritten. Any other (out of memory, a replica) is that of all.
local function as_reply(failure)
  local text = type(failure) == 'table' and failure.err or tostring(failure)
  return {err = text}, string.find(text, 'WRONGTYPE', 1, true)
end

local function unread(u)
  return redis.call('XLEN', stream_key(u)) - redis.call('HLEN', state_key(u))
end

-- Puts a user into the lists of users known, by key and by login (`know`), or takes him out (`forget`).
local function by_login(u)
  local id, login = string.match(u, '^(%d+)-(.*)$')
  return login .. ' ' .. id
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
    redis.call('DEL', stream_key(u), state_key(u))
    redis.call('ZREM', index('expiry'), u)
    if redis.call('EXISTS', retention_key(u)) == 0 then forget(u) end
  end
  return left
end

-- Removes entries of the stream with all that belongs to them. Returns the unread ones as {id, nid, id, nid, ...}.
local function remove(u, entries)
  local cleared, ids, payloads = {}, {}, {}
  for i, entry in ipairs(entries) do
    local nid = nid_of(entry)
    ids[i] = entry[1]
    payloads[i] = payload_key(u, nid)
    if redis.call('HDEL', state_key(u), nid) == 0 then
      cleared[#cleared + 1] = entry[1]
      cleared[#cleared + 1] = nid
    end
  end
  if #ids > 0 then
    redis.pcall('XACK', stream_key(u), GROUP, unpack(ids))
    redis.call('XDEL', stream_key(u), unpack(ids))
    redis.call('UNLINK', unpack(payloads))
    count_pending(-#cleared / 2)
  end
  return cleared
end

-- Removes all but the newest `keep`. Returns how many of those removed were unread.
local function trim(u, keep)
  local excess = redis.call('XLEN', stream_key(u)) - keep
  if excess <= 0 then return 0 end
  return #remove(u, redis.call('XRANGE', stream_key(u), '-', '+', 'COUNT', excess)) / 2
end

-- Keeps what expired or was cleared unread until the user can be told.
local function remember_cleared(u, cleared)
  if #cleared == 0 then return end
  redis.call('RPUSH', cleared_key(u), unpack(cleared))
  redis.call('LTRIM', cleared_key(u), -2 * CLEARED_MAX, -1)
  redis.call('PEXPIRE', cleared_key(u), CLEARED_LIFE)
end

-- Entries as {id, nid, state or false, payload or false, ...}: what a client's view of them is made from.
local function rows(u, entries)
  if #entries == 0 then return {} end
  local nids, payloads, flat = {}, {}, {}
  for i, entry in ipairs(entries) do
    nids[i] = nid_of(entry)
    payloads[i] = payload_key(u, nids[i])
  end
  local states = redis.call('HMGET', state_key(u), unpack(nids))
  local bodies = redis.call('MGET', unpack(payloads))
  for i, entry in ipairs(entries) do
    flat[#flat + 1] = entry[1]
    flat[#flat + 1] = nids[i]
    flat[#flat + 1] = states[i]
    flat[#flat + 1] = bodies[i]
  end
  return flat
end

-- The pods with connections of the user beside `pod`; false when there is none, which is the usual case.
local function other_pods(u, pod)
  local names = {}
  for _, name in ipairs(redis.call('HKEYS', route_key(u))) do
    if name ~= pod and name ~= '#fence' then names[#names + 1] = name end
  end
  return #names > 0 and names
end

-- Whether a lock in the name of a pod is that of its incarnation `fence`. A later one inherits an earlier one's locks:
-- a worker that was killed and is back within a moment was never seen dead, so nobody else would take them.
local function inherits(u, fence)
  local held = redis.call('HGET', route_key(u), '#fence')
  if held == fence then return true end
  if held and tonumber(held) > tonumber(fence) then return false end
  redis.call('HSET', route_key(u), '#fence', fence)
  redis.call('PEXPIRE', route_key(u), redis.call('PTTL', lock_key(u)))
  return true
end

-- Whether `pod`, in the incarnation that `fence` numbers, may read the user's stream.
local function holds(u, pod, fence)
  return redis.call('GET', lock_key(u)) == pod and inherits(u, fence)
end

-- Hands what is new in the stream to the consumer: {id, nid, payload or false, ...}. Only for who holds the lock.
-- The payload of `own` is left out: the caller has just sent it.
local function take(u, own)
  local reply = redis.pcall('XREADGROUP', 'GROUP', GROUP, consumer(u), 'STREAMS', stream_key(u), '>')
  if not reply or reply.err then return {} end
  local flat = {}
  for _, entry in ipairs(reply[1][2]) do
    local nid = nid_of(entry)
    flat[#flat + 1] = entry[1]
    flat[#flat + 1] = nid
    flat[#flat + 1] = nid ~= own and redis.call('GET', payload_key(u, nid))
  end
  return flat
end

-- Makes `pod` the holder when nobody is, when it was itself (an earlier incarnation), or when `dead` was.
-- Returns the holder.
local function claim(u, pod, fence, life, dead)
  local owner = redis.call('GET', lock_key(u))
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
