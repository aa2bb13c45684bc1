-- How long the history is kept, as the user writes it: "90d".

local M = {}

local units <const> = { h = 3600, d = 86400, w = 7 * 86400, y = 365 * 86400 }

--- What a time to keep must be, for messages.
M.expected = "a time such as 36h, 90d, 12w or 1y"

--- Seconds of a time to keep.
---@param text any
---@return integer? seconds nil: it is none
function M.seconds(text)
  local number, unit = tostring(text):match "^(%d+)(%l)$"
  local count = number and #number <= 6 and math.tointeger(tonumber(number))
  return count and units[unit] and count * units[unit] or nil
end

return M
