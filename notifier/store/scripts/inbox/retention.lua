-- Sets for how many days a user wants notifications kept; the trimmer applies it to what is there.
-- KEYS[1]  a key of the slot
-- ARGV     user key, days
local u = ARGV[1]
return mending(u, function()
  redis.call('SET', retention_key(u), ARGV[2])
  redis.call('SADD', index('retained'), u)
  redis.call('DEL', sole_key(u))
  know(u)
  return 1
end)
