-- Closes a request under an idempotency key: stores its answer.
-- KEYS[1]  the record
-- ARGV     record, answer, life ms
keep_type('idempotency', ARGV[1], 'hash')
redis.call('HSET', ARGV[1], 'answer', ARGV[2])
redis.call('PEXPIRE', ARGV[1], ARGV[3])
return 1
