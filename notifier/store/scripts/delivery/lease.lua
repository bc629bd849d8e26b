-- Leases deliveries of one channel to a worker's pod. High ones first, always; of what is left, one in four is a low
-- one while both wait. What has expired, or is over its user's limit, is put aside here and not leased.
-- KEYS[1]  a key of the slot
-- ARGV     channel, how many, owner, channel's limit per second (0: none), user's limit (0: none), its window in ms,
--          policy (defer or drop), how many of those leased before were put back untried (they used no token)
-- returns  {ms until it is worth asking again (-1: paused, 0: at once),
--          {id, entry, document, retries, max_retries, expires, priority, takeovers, ...},
--          {id, status, priority, ... of those put aside}}
local channel, want, owner = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local per_second, user_limit, window, policy = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
local untried = tonumber(ARGV[8])
local FIELDS = {'status', 'channel', 'priority', 'created', 'entry', 'batch', 'expires', 'limit', 'counted', 'document',
  'retries', 'max_retries', 'takeovers', 'why'}
local LEASED = AFTER.queued.lease
local LOW_EVERY = 4
local now = now_ms()
local stamp = string.format('%.0f', now)

if sturdy('delivery', 'SISMEMBER', paused_key, channel) == 1 then return {-1, {}, {}} end

-- Tokens of the channel: GCRA (see limit.lua) over the whole cluster; one second's worth may come at once.
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local interval, free_at = 0, 0
if per_second > 0 then
  interval = 1000000 / per_second
  -- Never more than a second's worth is taken, unless the server's clock was set back or another program wrote it.
  local known = number(sturdy('rate', 'GET', rate_key(channel)), 0)
  if known > micros + 1000000 + interval then known = micros end
  free_at = math.max(known - untried * interval, micros)
  if untried > 0 then
    redis.call('SET', rate_key(channel), string.format('%.2f', free_at), 'PX', math.ceil((free_at - micros) / 1000) + 1)
  end
  local tokens = math.floor((1000000 - (free_at - micros)) / interval + 1e-6)
  if tokens < 1 then return {math.ceil((free_at - micros - 1000000 + interval) / 1000), {}, {}} end
  want = math.min(want, tokens)
end

local function take(priority, count)
  if count <= 0 then return {} end
  local queue = queue_key(channel, priority)
  local reply = redis.pcall('XREADGROUP', 'GROUP', GROUP, owner, 'COUNT', count, 'STREAMS', queue, '>')
  if reply and reply.err then
    if string.find(reply.err, 'WRONGTYPE', 1, true) then
      set_aside('queue', queue)
      return {}
    end
    if not string.find(reply.err, 'NOGROUP', 1, true) then return error(reply.err) end
    if redis.call('EXISTS', queue) == 0 then return {} end
    redis.call('XGROUP', 'CREATE', queue, GROUP, '0')
    reply = redis.call('XREADGROUP', 'GROUP', GROUP, owner, 'COUNT', count, 'STREAMS', queue, '>')
  end
  return reply and reply[1] and reply[1][2] or {}
end

-- Entries for `count` free places, by the rule above; the turn is remembered so that it holds over small leases too.
local function choose(count)
  local chosen = {}
  local function add(priority, most)
    local entries = take(priority, most)
    for _, entry in ipairs(entries) do chosen[#chosen + 1] = {priority, entry} end
    return #entries
  end
  count = count - add('high', count)
  if count <= 0 then return chosen end
  local turn = number(sturdy('delivery', 'HGET', turns_key, channel), 0)
  local low = math.floor((turn + count) / LOW_EVERY) - math.floor(turn / LOW_EVERY)
  local normal = count - low
  local got_normal, got_low = add('normal', normal), add('low', low)
  if got_normal < normal then got_low = got_low + add('low', normal - got_normal) end
  if got_low < low then got_normal = got_normal + add('normal', low - got_low) end
  if got_normal + got_low > 0 then
    redis.call('HSET', turns_key, channel, (turn + got_normal + got_low) % LOW_EVERY)
  end
  return chosen
end

local leased, places, aside = {}, 0, {}

local function put_aside(id, record, event, fields)
  local status = apply(id, record, event, stamp, fields)
  if status then
    aside[#aside + 1] = id
    aside[#aside + 1] = status
    aside[#aside + 1] = record.priority
  end
end

-- True where the user's limit lets one through.
local function admit(limit)
  local key = user_rate_key(limit)
  local used = 1
  if not redis.call('SET', key, '1', 'PX', window, 'NX') then  -- most have no window open: one command for them
    used = sturdy('rate', 'INCR', key)
    if used == 1 or (used > user_limit and redis.call('PTTL', key) < 0) then redis.call('PEXPIRE', key, window) end
  end
  if used <= user_limit then return true end
  redis.call('DECR', key)
  return false
end

local function put_aside_limited(id, record)
  if policy == 'drop' then
    put_aside(id, record, 'fail', {reason = 'rate_limited', error = 'rate_limited'})
    return
  end
  local free = now + math.max(1, redis.call('PTTL', user_rate_key(record.limit)))
  put_aside(id, record, 'defer', {scheduled = free, why = 'rate_limited'})
  zadd(schedule_key, free, id)
end

-- Gives up an entry that is not, or no more, this record's, and one that has expired.
local function refuse(id, record, priority, entry)
  if record.status == 'queued' and record.entry == entry and is_expired(record, now) then
    put_aside(id, record, 'expire')
  else
    end_entry(queue_key(channel, priority), entry)
  end
end

local function lease(priority, entry)
  local id, own = entry[2][2], entry[1]
  local values = sturdy('record', 'HMGET', record_key(id), unpack(FIELDS))
  local status, of_channel, of_priority, created, place, batch, expires, limit, counted, document = unpack(values)
  if status ~= 'queued' or place ~= own or not is_plain(of_channel, of_priority, created) or
    expires and expires ~= '' and number(expires, math.huge) <= now then
    refuse(id, named(id, FIELDS, values), priority, own)
    return 0
  end
  local counts_now = user_limit > 0 and limit and limit ~= '' and not counted
  if counts_now and not admit(limit) then
    put_aside_limited(id, named(id, FIELDS, values))
    return 0
  end
  move(id, of_channel, status, LEASED, created, batch)
  if counts_now then
    redis.call('HSET', record_key(id), 'status', LEASED, 'updated', stamp, 'owner', owner, 'counted', '1')
  else
    redis.call('HSET', record_key(id), 'status', LEASED, 'updated', stamp, 'owner', owner)
  end
  leased[places + 1], leased[places + 2], leased[places + 3] = id, own, document or ''
  leased[places + 4], leased[places + 5], leased[places + 6] = values[11] or '', values[12] or '', expires or ''
  leased[places + 7], leased[places + 8] = of_priority, values[13] or ''
  places = places + 8
  return 1
end

local left, more = want, true
for _ = 1, 4 do  -- a round more for places that those put aside left free; no longer, others wait for this server
  local chosen = choose(left)
  more = #chosen == left
  for _, pair in ipairs(chosen) do left = left - lease(pair[1], pair[2]) end
  if left == 0 or not more then break end
end
if per_second > 0 and left < want then
  free_at = free_at + (want - left) * interval
  redis.call('SET', rate_key(channel), string.format('%.2f', free_at), 'PX', math.ceil((free_at - micros) / 1000) + 1)
end
return {more and 0 or 1000000, leased, aside}
