-- External names (of files, of members of a zip) as one line of valid UTF-8, the form in which they are recorded.
--
-- Not terminal.harmless, which escapes more for the eye: invisible characters belong to a name, and stay. Not
-- run/recordable, which asks the server what its encoding has, and keeps line ends.

local M = {}

local function escape(byte)
  return ("\\x%02x"):format(byte:byte())
end

--- Control characters and bytes that are not UTF-8 become \\x and two digits.
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
