-- A part of an inbox with all its states.
-- KEYS[1]  a key of the slot
-- ARGV     user key, first id, last id, most entries, 1 = newest first, 1 = with counts, which go through all marks
-- returns  {{unread, unseen, in all, revision} (without counts 0, 0, 0, revision), where the next part begins or false, then per entry: stream id,
--          notification id, state or false, marks or false, payload or false}
local u, low, high, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
return mending(u, function()
  local command = ARGV[5] == '1' and 'XREVRANGE' or 'XRANGE'
  local part = redis.call(command, stream_key(u), low, high, 'COUNT', most)
  local following, nids, keys = #part == most and '(' .. part[#part][1], {}, {}
  local answer = {ARGV[6] == '1' and counts(u) or {0, 0, 0, revision(u)}, following}
  part = named(u, part)
  for i, entry in ipairs(part) do
    nids[i] = nid_of(entry)
    keys[i] = payload_key(u, nids[i])
  end
  if #part == 0 then return answer end
  local states, marks = redis.call('HMGET', state_key(u), unpack(nids)), redis.call('HMGET', marks_key(u), unpack(nids))
  local payloads = redis.call('MGET', unpack(keys))
  for i, entry in ipairs(part) do
    for _, value in ipairs({entry[1], nids[i], states[i], marks[i], payloads[i]}) do answer[#answer + 1] = value end
  end
  return answer
end)
