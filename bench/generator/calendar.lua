-- Timestamps as text, fast: a time is the number of minutes since 2022-01-01 00:00, UTC.

local M = {}

local START <const> = 1640995200 -- 2022-01-01 00:00 in seconds since 1970
local DAYS <const> = 1096 -- until the end of 2024

local days, clock, seconds = {}, {}, {}
for day = 0, DAYS - 1 do
  days[day] = os.date("!%Y-%m-%d", START + day * 86400)
end
for minute = 0, 1439 do
  clock[minute] = ("%02d:%02d"):format(minute // 60, minute % 60)
end
for second = 0, 59 do
  seconds[second] = (":%02d"):format(second)
end

M.last_minute = DAYS * 1440 - 1

---@param minutes integer
---@param second integer 0 .. 59
---@param separator? string " " by default
---@return string "2024-06-30 09:15:00"
function M.stamp(minutes, second, separator)
  return days[minutes // 1440] .. (separator or " ") .. clock[minutes % 1440] .. seconds[second]
end

---@param minutes integer
---@return string "2024-06-30 09:15"
function M.short_stamp(minutes)
  return days[minutes // 1440] .. " " .. clock[minutes % 1440]
end

---@return string "2024-06-30"
function M.date(minutes)
  return days[minutes // 1440]
end

return M
