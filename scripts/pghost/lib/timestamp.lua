-- Timestamps in user input: YYYY-MM-DD, optionally with a time.

local M = {}

local days = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_date(year, month, day)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return year >= 1 and days[month] and day >= 1 and day <= days[month] + (month == 2 and leap and 1 or 0)
end

--- Whether the server reads a text as a timestamp: looked at here, so that none is refused after a run has begun.
---@param text string
---@return boolean
function M.is(text)
  local year, month, day, time = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  if not year or not is_date(tonumber(year), tonumber(month), tonumber(day)) then
    return false
  elseif time == "" then
    return true
  end
  local hour, minute, rest = time:match("^[ T](%d%d):(%d%d)(.*)$")
  local second = rest == "" and "00" or rest and rest:match("^:(%d%d)$") or rest and rest:match("^:(%d%d)%.%d+$")
  return second ~= nil and tonumber(hour) < 24 and tonumber(minute) < 60 and tonumber(second) < 60
end

return M
