-- A page of ids, newest first, of those that are in all of some indexes.
-- KEYS[1]  a key of the slot
-- ARGV     from, to (created, ms or -inf, +inf), offset, limit, name of an index, ...
-- returns  {total, id, ...}
local from, to, offset, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local keys = {}
for i = 5, #ARGV do keys[#keys + 1] = index_key(ARGV[i]) end
local key = keys[1]
if #keys > 1 then
  -- The smallest one bounds the work: of a user or a recipient, where such a filter is given.
  key = listing_key
  local weights = {}
  for i = 1, #keys do weights[i] = i == 1 and 1 or 0 end
  local command = {'ZINTERSTORE', key, #keys, unpack(keys)}
  command[#command + 1] = 'WEIGHTS'
  for _, weight in ipairs(weights) do command[#command + 1] = weight end
  redis.call(unpack(command))
end
local total = redis.call('ZCOUNT', key, from, to)
local ids = redis.call('ZREVRANGEBYSCORE', key, to, from, 'LIMIT', offset, limit)
if #keys > 1 then redis.call('DEL', key) end
return {total, unpack(ids)}
