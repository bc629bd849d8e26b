-- A page of the inbox, oldest first.
-- KEYS[1]  a key of the slot
-- ARGV     user key, limit, before ('' = none), after ('' = none)
-- returns  rows: the newest, those just before, just after, or just after and before
local u, limit, before, after = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local upper = before ~= '' and '(' .. before or '+'
return mending(u, function()
  if after ~= '' then
    return rows(u, redis.call('XRANGE', stream_key(u), '(' .. after, upper, 'COUNT', limit))
  end
  local newest_first, oldest_first = redis.call('XREVRANGE', stream_key(u), upper, '-', 'COUNT', limit), {}
  for i = #newest_first, 1, -1 do oldest_first[#oldest_first + 1] = newest_first[i] end
  return rows(u, oldest_first)
end)
