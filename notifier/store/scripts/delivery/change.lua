-- An operator's or a sender's event for deliveries: cancel, requeue, or due (a retry or a scheduled one at once).
-- KEYS[1]  a key of the slot
-- ARGV     event, id, id, ...
-- returns  {new status or '' where it has no meaning, status before or '' where there is none, channel, priority, ...}
local event, now = ARGV[1], now_ms()
local results = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local record = read(id, NEEDED)
  local before, status = record.status or '', ''
  if record.status and record.channel ~= '' then
    local fields = {}
    if event == 'requeue' then
      fields = {retries = 0, takeovers = 0, error = '', reason = '', next = ''}
    elseif event == 'due' then
      fields = {next = ''}
    end
    status = apply(id, record, event, now, fields) or ''
  end
  for _, value in ipairs({status, before, record.channel or '', record.priority or ''}) do
    results[#results + 1] = value
  end
end
return results
