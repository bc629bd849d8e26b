-- Part of every script: handling of values that another program left in one of our keys. Such a value spoils its own user
-- or delivery at the most, is set aside or removed, and is reported to the caller (client.py counts it and names it in the log).
local SPOILT_LIFE = 15 * 86400000  -- ms for which a key set aside is kept
local MOST_TOLD = 100
local mended = {}

-- Reports a key whose value was of no use; `kind` is a word of ours, for metrics.
local function note(kind, key)
  if #mended < MOST_TOLD then mended[#mended + 1] = kind .. ' ' .. key end
end

-- Takes a key out of the way; its value is kept for a while, for whoever misses it.
local function set_aside(kind, key)
  local aside = 'notif:spoilt:' .. key
  redis.call('RENAME', key, aside)
  redis.call('PEXPIRE', aside, SPOILT_LIFE)
  note(kind, key)
end

-- Sets a key aside where it holds another type than it must.
local function keep_type(kind, key, wanted)
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= wanted then set_aside(kind, key) end
end

-- A text as a number; `otherwise` where it is none, or not a number at all (nan).
local function number(text, otherwise)
  local value = tonumber(text or nil)
  return value and value == value and value or otherwise
end

-- A failure as a reply, and whether it is due to the keys at hand. A server that is full, a replica or the like fails
-- for all.
local function as_reply(failure)
  local text = type(failure) == 'table' and failure.err or tostring(failure)
  local refusals = {'OOM', 'MISCONF', 'READONLY', 'NOREPLICAS', 'MASTERDOWN', 'CLUSTERDOWN', 'LOADING', 'TRYAGAIN'}
  for _, word in ipairs(refusals) do
    if string.find(text, word .. ' ', 1, true) then return {err = text}, false end
  end
  return {err = text}, true
end

-- The answer of a script with what was found spoilt on the way.
local function with_mended(answer)
  if #mended == 0 then return answer end
  return {'\0mended', answer == nil and false or answer, unpack(mended)}
end

-- The server's time in Unix ms, the same throughout a script.
local time_now
local function now_ms()
  if not time_now then
    local time = redis.call('TIME')
    time_now = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return time_now
end
