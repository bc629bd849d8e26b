-- Puts a notification off until a time, or brings it back as it was.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, notification id, Unix ms until when ('' = bring it back)
-- returns  {{unread, unseen, in all, revision}, other pods or false, stream id ('' = not in this inbox), 1 = changed}
local u, pod, nid, till = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- The payload lives as long after its return as it had left.
local function lengthen(by)
  local left = redis.call('PTTL', payload_key(u, nid))
  if left > 0 then redis.call('PEXPIRE', payload_key(u, nid), string.format('%.0f', math.max(1000, left + by))) end
end

local function put_off(id, marks, state)
  lengthen(till - math.max(now_ms(), tonumber(marks.z or 0)))
  marks.z = till
  if state == 'read' then marks.r = marks.r or now_text() end
  redis.call('HSET', state_key(u), nid, 'snoozed')
  redis.pcall('XACK', stream_key(u), GROUP, id)
  redis.call('ZADD', index('snoozed'), till, snooze_member(u, nid))
  if not state then count_pending(-1) end
end

local function bring_back(marks)
  lengthen(math.min(0, now_ms() - marks.z))
  marks.z = nil
  redis.call('ZREM', index('snoozed'), snooze_member(u, nid))
  if marks.r or marks.a or marks.x then
    redis.call('HSET', state_key(u), nid, 'read')
  else
    redis.call('HDEL', state_key(u), nid)
    count_pending(1)
  end
end

local function change(id)
  local marks = unpack_marks(redis.call('HGET', marks_key(u), nid))
  if (marks.z or '') == till then return 0 end
  redis.call('DEL', sole_key(u))
  if till == '' then bring_back(marks) else put_off(id, marks, redis.call('HGET', state_key(u), nid)) end
  save_marks(u, nid, marks)
  count_change(u, 2)
  index_unread(u)
  return 1
end

return mending(u, function()
  local id = find(u, {nid})[nid] or ''
  local changed = id ~= '' and change(id) or 0
  return {counts(u), other_pods(u, pod), id, changed}
end)
