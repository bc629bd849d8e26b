-- Unread entries of a part of one inbox, oldest first.
-- KEYS[1]  a key of the slot
-- ARGV     user key, where the part begins, limit
-- returns  {rows, where the next part begins or false}
local u, limit = ARGV[1], tonumber(ARGV[3])
return mending(u, function()
  local found = {}
  local part, following = part_of(u, ARGV[2], '+')
  for _, entry in ipairs(named(u, part)) do
    if #found == limit then break end
    if redis.call('HEXISTS', state_key(u), nid_of(entry)) == 0 then found[#found + 1] = entry end
  end
  return {rows(u, found), following}
end)
