-- A page of ids of one index, newest first.
-- KEYS[1]  a key of the slot
-- ARGV     from, to (created, ms or -inf, +inf), offset, limit, name of the index
-- returns  {total, id, ...}
local from, to, offset, limit, key = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), index_key(ARGV[5])
local total = sturdy('delivery', 'ZCOUNT', key, from, to)
local first = redis.call('ZCARD', key) - redis.call('ZCOUNT', key, '-inf', to) + offset
local last = math.min(first + limit, first - offset + total) - 1
return {total, unpack(last >= first and redis.call('ZREVRANGE', key, first, last) or {})}
