-- A page of the inbox, oldest first. Of what is snoozed nothing is shown: further ones take its place.
-- KEYS[1]  a key of the slot
-- ARGV     user key, limit, before ('' = none), after ('' = none)
-- returns  rows: the newest, those just before, just after, or just after and before
local u, limit, before, after = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local low, high = after ~= '' and '(' .. after or '-', before ~= '' and '(' .. before or '+'

local function next_part()
  if after ~= '' then return redis.call('XRANGE', stream_key(u), low, high, 'COUNT', limit) end
  local newest_first, oldest_first = redis.call('XREVRANGE', stream_key(u), high, low, 'COUNT', limit), {}
  for i = #newest_first, 1, -1 do oldest_first[#oldest_first + 1] = newest_first[i] end
  return oldest_first
end

local function joined(first, second)
  for _, value in ipairs(second) do first[#first + 1] = value end
  return first
end

return mending(u, function()
  local found, part = {}, {}
  repeat
    part = next_part()
    local shown, hidden = rows(u, part)
    found = after ~= '' and joined(found, shown) or joined(shown, found)
    if #part > 0 then
      if after ~= '' then low = '(' .. part[#part][1] else high = '(' .. part[1][1] end
    end
  until hidden == 0 or #part < limit or #found >= 4 * limit
  local most, shown = 4 * limit, {}
  local first = after == '' and math.max(0, #found - most) or 0
  for i = first + 1, math.min(#found, first + most) do shown[#shown + 1] = found[i] end
  return shown
end)
