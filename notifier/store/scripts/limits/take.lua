-- Takes one place for each user under a rate limit, or none for anybody when one of them has none left.
-- GCRA, as virtual scheduling (ITU-T I.371 Annex A): all that is kept of a user is the time at which the whole limit
-- would be free again. `limit` may come at once, and each place frees window / limit after the one before it.
-- KEYS[1]  a key of the slot
-- ARGV     limit's name, limit, window in µs, take (1) or only look (0), user key, ...
-- returns  {0, places left for who has least, µs until all are free} | {number of users over, user, µs to wait, ...}
local name, limit, window = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local interval = window / limit
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local over, free_at, latest = {}, {}, now

-- The time that is kept of a user. None lies more than a window ahead, unless the window was made shorter, the server's
-- clock was set back or another program wrote it: then the limit begins anew.
local function free_from(key)
  local known = redis.pcall('GET', key)
  if type(known) == 'table' then
    keep_type('limit', key, 'string')
    known = redis.call('GET', key)
  end
  local at = number(known, 0)
  if known and not number(known) then note('limit', key) end
  return at <= now + window + 1 and at or 0
end

for i = 5, #ARGV do
  local at = math.max(free_from(limit_key(name, ARGV[i])), now) + interval
  if at - now > window + 1 then  -- sums of intervals are rounded
    over[#over + 1] = ARGV[i]
    over[#over + 1] = math.ceil(at - now - window)
  end
  free_at[i] = at
  latest = math.max(latest, at)
end
if #over > 0 then return {#over / 2, unpack(over)} end
for i, at in pairs(free_at) do
  if ARGV[4] == '1' then
    redis.call('SET', limit_key(name, ARGV[i]), string.format('%.2f', at), 'PX', math.ceil((at - now) / 1000))
  end
end
return {0, math.floor((window - (latest - now) + 1) / interval), math.ceil(latest - now)}
