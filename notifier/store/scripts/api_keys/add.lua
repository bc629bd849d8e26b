-- Keeps an API key, unless there are too many.
-- KEYS[1]  the hash of keys
-- ARGV     id, record, most keys
-- returns  1, or 0 when there are too many
keep_type('api_keys', KEYS[1], 'hash')
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
return redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
