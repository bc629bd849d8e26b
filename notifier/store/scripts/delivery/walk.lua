-- A part of the way through those that are in all of some indexes, newest first: goes along the index with the fewest
-- and looks them up in the others, so many at most. All indexes have the same order, by creation and then by id.
-- KEYS[1]  a key of the slot
-- ARGV     from, to (created, ms or -inf, +inf), created and id of the last one looked at ('' at the beginning), how
--          many of those found to pass over, how many ids are wanted after those, how many to look at, name of an
--          index, ...
-- returns  {created, id of the last one looked at ('' where nothing is left), how many were looked at, how many of them
--          are in all, id, ...}
local from, to, score, after = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local skip, take, most = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local PART = 500  -- a command for so many: Lua's stack takes it with ease
local END = {'', '', 0, 0}

local keys, fewest = {}, nil
for i = 8, #ARGV do
  local key = index_key(ARGV[i])
  local size = sturdy('delivery', 'ZCOUNT', key, from, to)
  if size == 0 then return END end
  keys[#keys + 1] = key
  if not fewest or size < fewest then keys[1], keys[#keys], fewest = key, keys[1], size end
end
local path, size = keys[1], redis.call('ZCARD', keys[1])

local function newer_than(bound) return size - redis.call('ZCOUNT', path, '-inf', bound) end

-- True where an id comes before another in Redis' order, which is that of the bytes; Lua's `<` follows the locale.
local function precedes(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = one:byte(i), other:byte(i)
    if a ~= b then return a < b end
  end
  return #one < #other
end

-- The place on the path behind the last one looked at, which may be gone from it by now.
local function place_behind(bound, id)
  local low, high = newer_than(bound), newer_than('(' .. bound)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if precedes(redis.call('ZREVRANGE', path, middle, middle)[1], id) then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

-- The newest creation, not after `bound`, from which on all indexes have something; nil where one has nothing.
local function all_begin(bound)
  for _, key in ipairs(keys) do
    local found = redis.call('ZREVRANGEBYSCORE', key, bound, from, 'WITHSCORES', 'LIMIT', 0, 1)
    if not found[2] then return nil end
    if bound == '+inf' or tonumber(found[2]) < tonumber(bound) then bound = found[2] end
  end
  return bound
end

local function in_all(ids)
  for i = 2, #keys do
    if #ids == 0 then break end
    local scores = redis.call('ZMSCORE', keys[i], unpack(ids))
    local left = {}
    for n, id in ipairs(ids) do
      if scores[n] then left[#left + 1] = id end
    end
    ids = left
  end
  return ids
end

local place = after ~= '' and place_behind(score, after) or newer_than(to)
local last = newer_than('(' .. from)
local bound = score ~= '' and score or to
local looked, found, wanted = 0, 0, {}
while looked < most do
  local begin = all_begin(bound)
  if not begin then return {'', '', looked, found, unpack(wanted)} end
  place = math.max(place, newer_than(begin))
  local ids = redis.call('ZREVRANGE', path, place, math.min(place + math.min(PART, most - looked), last) - 1)
  if place >= last or #ids == 0 then return {'', '', looked, found, unpack(wanted)} end
  place, looked, after = place + #ids, looked + #ids, ids[#ids]
  bound = redis.call('ZSCORE', path, after)
  for _, id in ipairs(in_all(ids)) do
    found = found + 1
    if found > skip and #wanted < take then wanted[#wanted + 1] = id end
  end
end
return {bound, after, looked, found, unpack(wanted)}
