-- Removes the lease of a failed try under an idempotency key: the next one may begin at once.
-- KEYS[1]  the record
-- ARGV     record, seed of the try
-- returns  1 where it held up others, else 0
keep_type('idempotency', ARGV[1], 'hash')
if redis.call('HGET', ARGV[1], 'try') ~= ARGV[2] then return 0 end
return redis.call('HDEL', ARGV[1], 'until')
