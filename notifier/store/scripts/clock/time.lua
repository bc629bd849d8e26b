-- The server's clock.
-- KEYS[1]  a key of the slot
-- returns  seconds, µs
return redis.call('TIME')
