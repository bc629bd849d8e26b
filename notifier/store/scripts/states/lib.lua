-- Functions that the scripts of states share; those of inboxes (inbox/lib.lua) stand before them.
--   marks    when a notification was seen (s), read (r), archived (a), acted on (x), and until when it is snoozed (z): Unix ms,
--            packed as 's1732758000000r1732758001000'. The first time stays.
--   state    `read`, or `snoozed` while it is put off, whether it was read or not: both are no longer unread
local LETTERS = {'s', 'r', 'a', 'z', 'x'}

local function unpack_marks(text)
  local marks = {}
  for letter, ms in string.gmatch(text or '', '(%l)(%d+)') do marks[letter] = ms end
  return marks
end

local function pack_marks(marks)
  local text = ''
  for _, letter in ipairs(LETTERS) do
    if marks[letter] then text = text .. letter .. marks[letter] end
  end
  return text
end

local function now_text() return string.format('%.0f', now_ms()) end

-- The revision of an inbox: it grows with every change. Its parts are what a plain notification and a plain mark of reading
-- change anyway, the last id and the number of states, and the counter of all other changes, which costs them nothing.
local function revision(u)
  local before = string.format('%.0f', now_ms() - 1)  -- the first entry may come within this millisecond
  local ms, number = before, 0
  local info = redis.pcall('XINFO', 'STREAM', stream_key(u))
  for i = 1, info.err and 0 or #info, 2 do
    if info[i] == 'last-generated-id' then ms, number = string.match(info[i + 1], '^(%d+)-(%d+)') end
  end
  if ms == '0' then ms = before end  -- of a stream that had no entry yet
  local counted = tonumber(redis.call('GET', rev_key(u)) or 0)
  return string.format('%.0f', ms * 1024 + number + redis.call('HLEN', state_key(u)) + (counted or 0))
end

-- How many of these are unread.
local function unread_among(u, nids)
  local count = 0
  in_parts(nids, function(...)
    for _, state in ipairs(redis.call('HMGET', state_key(u), ...)) do count = count + (state and 0 or 1) end
  end)
  return count
end

-- {unread, unseen, in all, revision} of the main list: what is neither archived nor snoozed.
local function counts(u)
  local hidden, seen, marks = 0, {}, redis.call('HGETALL', marks_key(u))
  for i = 1, #marks, 2 do
    local text = marks[i + 1]
    if string.find(text, '[az]') then
      hidden = hidden + 1
    elseif string.find(text, 's', 1, true) and not string.find(text, '[rx]') then
      seen[#seen + 1] = marks[i]
    end
  end
  local left = unread(u)
  return {left, left - unread_among(u, seen), redis.call('XLEN', stream_key(u)) - hidden, revision(u)}
end

-- The stream entries of notifications, by their ids: from the newest on until all are found. What has no payload has gone.
local function find(u, nids)
  local found, wanted, missing = {}, {}, 0
  for _, nid in ipairs(nids) do
    if not wanted[nid] and redis.call('EXISTS', payload_key(u, nid)) == 1 then
      wanted[nid] = true
      missing = missing + 1
    end
  end
  local high = '+'
  while missing > 0 do
    local part = redis.call('XREVRANGE', stream_key(u), high, '-', 'COUNT', PART)
    for _, entry in ipairs(part) do
      local nid = nid_of(entry)
      if wanted[nid] then
        wanted[nid], found[nid], missing = nil, entry[1], missing - 1
      end
    end
    if #part < PART then break end
    high = '(' .. part[#part][1]
  end
  return found
end

local function save_marks(u, nid, marks)
  local text = pack_marks(marks)
  if text == '' then redis.call('HDEL', marks_key(u), nid) else redis.call('HSET', marks_key(u), nid, text) end
end

-- Brings the index of those with something unread in step.
local function index_unread(u)
  if unread(u) > 0 then redis.call('ZADD', index('pending'), 0, u) else redis.call('ZREM', index('pending'), u) end
end

-- The life in ms that was asked for, else the user's own, else the usual one.
local function life_of(u, asked, usual)
  if asked ~= '' then return tonumber(asked) end
  local days = days_of(u)
  return days and days * 86400000 or tonumber(usual)
end

-- Keeps the callers' keys for as long as a notification with that much life left can be there: snoozed a month at the most.
local function keep_names(u, left)
  local life = left + 31 * 86400000
  redis.call('PEXPIRE', named_key(u), string.format('%.0f', math.max(life, redis.call('PTTL', named_key(u)))))
end

-- Appends a notification to the stream, as a new one: `accept` does the same. Returns the id.
local function append(u, nid, keep)
  redis.call('DEL', sole_key(u))
  local id = redis.call('XADD', stream_key(u), '*', 'nid', nid)
  redis.pcall('XGROUP', 'CREATE', stream_key(u), GROUP, '0')
  know(u)
  redis.call('ZADD', index('pending'), 0, u)
  redis.call('ZADD', index('expiry'), 'LT', string.format('%.0f', now_ms() + redis.call('PTTL', payload_key(u, nid))), u)
  if redis.call('XLEN', stream_key(u)) > keep then redis.call('SADD', index('overfull'), u) end
  count_pending(1)
  count_change(u, 1)
  return id
end

-- Takes an entry out of the stream, and its states; what it says stays. Nothing where it is not there.
local function take_out(u, nid, id)
  if not id then return end
  redis.call('DEL', sole_key(u))
  redis.call('XACK', stream_key(u), GROUP, id)
  redis.call('XDEL', stream_key(u), id)
  if redis.call('HDEL', state_key(u), nid) == 0 then count_pending(-1) end
  redis.call('HDEL', marks_key(u), nid)
  count_change(u, 2)
end

-- What is new for whoever has connections of the user: {lock holder ('' = none), {id, nid, payload, ...}, other pods or
-- false}; without a holder all pods on the user's route.
local function arrivals(u, pod, fence)
  if holds(u, pod, fence) then return pod, take(u), other_pods(u, pod) end
  local owner = lock_of(u) or ''
  return owner, {}, owner == '' and other_pods(u, '')
end
