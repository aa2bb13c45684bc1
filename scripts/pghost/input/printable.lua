-- Text that others wrote (names of files, members, comments), as one line of valid UTF-8 for messages and tables.

local M = {}

local function escape(byte)
  return ("\\x%02x"):format(byte:byte())
end

--- Control characters and what is no UTF-8 become \\x and two digits.
---@param text string
---@return string
function M.printable(text)
  text = text:gsub("[%c\127]", escape)
  local parts, at = {}, 1
  while at <= #text do
    local _, wrong = utf8.len(text, at)
    if not wrong then
      parts[#parts + 1] = text:sub(at)
      break
    end
    parts[#parts + 1] = text:sub(at, wrong - 1) .. escape(text:sub(wrong, wrong))
    at = wrong + 1
  end
  return table.concat(parts)
end

return M
