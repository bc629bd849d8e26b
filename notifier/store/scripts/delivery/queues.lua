-- Counts waiting and leased deliveries of each queue, and those that wait elsewhere.
-- KEYS[1]  a key of the slot
-- ARGV     dead letters are recent for so many ms
-- returns  {scheduled, dead letters, recent ones, channel, paused, scheduled, retrying, held by a circuit, by a limit,
--          then per priority: waiting, leased, entry id of the oldest, ...}
local result = {sturdy('delivery', 'ZCARD', schedule_key), sturdy('delivery', 'ZCARD', dlq_key),
  sturdy('delivery', 'ZCOUNT', dlq_key, now_ms() - tonumber(ARGV[1]), '+inf')}
for _, channel in ipairs(CHANNELS) do
  result[#result + 1] = channel
  result[#result + 1] = sturdy('delivery', 'SISMEMBER', paused_key, channel)
  for _, status in ipairs({'scheduled', 'retrying'}) do
    result[#result + 1] = sturdy('delivery', 'ZCARD', index_key('status:' .. status .. ':' .. channel))
  end
  for _, why in ipairs({'circuit_open', 'rate_limited'}) do
    result[#result + 1] = sturdy('delivery', 'ZCARD', held_key(why, channel))
  end
  for _, priority in ipairs(PRIORITIES) do
    local queue = queue_key(channel, priority)
    local pending = redis.pcall('XPENDING', queue, GROUP)
    local leased = pending.err and 0 or tonumber(pending[1])
    local waiting = sturdy('queue', 'XLEN', queue) - leased
    local oldest = ''
    if waiting > 0 then
      local after = '-'
      if not pending.err then
        local groups = redis.call('XINFO', 'GROUPS', queue)
        for i = 1, #groups[1], 2 do
          if groups[1][i] == 'last-delivered-id' then after = '(' .. groups[1][i + 1] end
        end
      end
      local first = redis.call('XRANGE', queue, after, '+', 'COUNT', 1)
      oldest = first[1] and first[1][1] or ''
    end
    result[#result + 1] = math.max(0, waiting)
    result[#result + 1] = leased
    result[#result + 1] = oldest
  end
end
return result
