-- Removes what is unread from one user's inbox, by an operator's hand.
-- KEYS[1]  a key of the slot
-- ARGV     user key
-- returns  {unread removed, lock holder ('' = none)}
local u = ARGV[1]
return mending(u, function()
  local owner, entries = lock_of(u) or '', {}
  for _, entry in ipairs(redis.call('XRANGE', stream_key(u), '-', '+')) do
    if redis.call('HEXISTS', state_key(u), nid_of(entry)) == 0 then entries[#entries + 1] = entry end
  end
  local cleared = remove(u, entries)
  remember_cleared(u, cleared)
  settle(u)
  return {#cleared / 2, owner}
end)
