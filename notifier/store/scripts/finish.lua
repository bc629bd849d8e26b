-- Ends a request under an idempotency key: remembers its answer, or lets the next try begin at once.
-- KEYS[1]  the record
-- ARGV     record, answer ('' = it failed), life ms
if ARGV[2] == '' then return redis.call('HDEL', ARGV[1], 'until') end
redis.call('HSET', ARGV[1], 'answer', ARGV[2])
redis.call('PEXPIRE', ARGV[1], ARGV[3])
return 1
