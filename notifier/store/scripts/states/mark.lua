-- Marks notifications of one inbox. Acting on one implies reading it, archiving it too, reading implies seeing; the first time
-- of each stays.
-- KEYS[1]  a key of the slot
-- ARGV     user key, pod, seen | read | unread | archived | unarchived | acted, then per notification: stream id ('' = not
--          known), notification id
-- returns  {{unread, unseen, in all, revision}, other pods or false, then per notification {notification id, stream id,
--          2 = read by this mark, 1 = changed, 0 = was so before, -1 = not in this inbox, -2 = was acted on,
--          -3 = is archived}}
local u, pod, as = ARGV[1], ARGV[2], ARGV[3]

local function read_now(marks, was_read)
  marks.s = marks.s or now_text()
  if was_read then return 1 end
  marks.r = now_text()
  return 2
end

local function mark_unread(marks, was_read)
  if marks.x then return -2 end
  if marks.a then return -3 end
  if not was_read then return 0 end
  marks.s, marks.r = marks.s or marks.r or now_text(), nil
  return 1
end

-- Sets what a mark sets; the code of what came of it.
local function set(marks, was_read)
  if as == 'seen' then
    if marks.s or was_read then return 0 end
    marks.s = now_text()
    return 1
  elseif as == 'read' then
    return was_read and 0 or read_now(marks, was_read)
  elseif as == 'unread' then
    return mark_unread(marks, was_read)
  elseif as == 'unarchived' then
    if not marks.a then return 0 end
    marks.a = nil
    return 1
  end
  local letter = as == 'archived' and 'a' or 'x'
  if marks[letter] then return 0 end
  marks[letter] = now_text()
  return read_now(marks, was_read)
end

local function mark(id, nid)
  local state = redis.call('HGET', state_key(u), nid)
  local marks = unpack_marks(redis.call('HGET', marks_key(u), nid))
  local was_read = state == 'read' or marks.r ~= nil
  local code = set(marks, was_read)
  if code <= 0 then return code end
  redis.call('DEL', sole_key(u))  -- plain commands take what they mark for unmarked
  save_marks(u, nid, marks)
  count_change(u, code == 1 and as == 'unread' and 2 or 1)
  if state == 'snoozed' then return code end
  if code == 2 then
    redis.call('HSET', state_key(u), nid, 'read')
    redis.pcall('XACK', stream_key(u), GROUP, id)
    count_pending(-1)
  elseif as == 'unread' then
    redis.call('HDEL', state_key(u), nid)
    count_pending(1)
  end
  return code
end

return mending(u, function()
  local unknown, answer = {}, {}
  for i = 4, #ARGV, 2 do
    if ARGV[i] == '' then unknown[#unknown + 1] = ARGV[i + 1] end
  end
  local found = find(u, unknown)
  for i = 4, #ARGV, 2 do
    local id, nid = ARGV[i], ARGV[i + 1]
    if id == '' then id = found[nid] or '' end
    local entry = id ~= '' and redis.call('XRANGE', stream_key(u), id, id)[1]
    local code = entry and nid_of(entry) == nid and mark(id, nid) or -1
    answer[#answer + 1] = {nid, id, code}
  end
  index_unread(u)
  return {counts(u), other_pods(u, pod), unpack(answer)}
end)
