-- Gives what is in a part of one user's inbox the life that the user's retention says, unless its sender named one.
-- KEYS[1]  a key of the slot
-- ARGV     user key, where the part begins (none: at the beginning)
-- returns  {how many payloads were given another life, where the next part begins or false}
local u, changed = ARGV[1], 0
return mending(u, function()
  local days, soonest = days_of(u), nil
  local part, following = part_of(u, ARGV[2] or '-', '+')
  if not (days and following) then redis.call('SREM', index('retained'), u) end
  if not days then return {0, false} end
  for _, entry in ipairs(named(u, part)) do
    local key = payload_key(u, nid_of(entry))
    local payload = redis.call('MGET', key)[1]
    if payload and not string.find(payload, ',"target":{"id":%d+,"login":"[^"]*"},"ttl":') then
      local due = math.min(string.match(entry[1], '^%d+'), now_ms()) + days * 86400000
      redis.call('PEXPIREAT', key, string.format('%.0f', due))
      changed = changed + 1
      soonest = math.min(soonest or due, due)
    end
  end
  if soonest then redis.call('ZADD', index('expiry'), 'LT', string.format('%.0f', soonest), u) end
  return {changed, following}
end)
