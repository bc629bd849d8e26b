-- Removes what is unread from a part of one user's inbox, by an operator's hand.
-- KEYS[1]  a key of the slot
-- ARGV     user key, where the part begins
-- returns  {unread removed, lock holder ('' = none), where the next part begins or false}
local u = ARGV[1]
return mending(u, function()
  local owner, entries = lock_of(u) or '', {}
  local part, following = part_of(u, ARGV[2], '+')
  for _, entry in ipairs(part) do
    if redis.call('HEXISTS', state_key(u), nid_of(entry)) == 0 then entries[#entries + 1] = entry end
  end
  local cleared = remove(u, entries)
  remember_cleared(u, cleared)
  settle(u)
  return {#cleared / 2, owner, following}
end)
