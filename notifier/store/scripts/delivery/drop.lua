-- Takes deliveries out of the dead-letter queue for good; their records stay as long as all others.
-- KEYS[1]  a key of the slot
-- ARGV     id, ...
-- returns  how many were there
local dropped = 0
for _, id in ipairs(ARGV) do
  if unbury(id, read(id, {'channel', 'reason'})) then dropped = dropped + 1 end
end
return dropped
