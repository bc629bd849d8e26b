-- Unread entries of one inbox, oldest first.
-- KEYS[1]  a key of the slot
-- ARGV     user key, first id, excluded ('-' = from the beginning), limit
-- returns  rows
local u, limit = ARGV[1], tonumber(ARGV[3])
local low = ARGV[2] == '-' and '-' or '(' .. ARGV[2]
return mending(u, function()
  local found = {}
  for _, entry in ipairs(named(u, redis.call('XRANGE', stream_key(u), low, '+'))) do
    if #found == limit then break end
    if redis.call('HEXISTS', state_key(u), nid_of(entry)) == 0 then found[#found + 1] = entry end
  end
  return rows(u, found)
end)
