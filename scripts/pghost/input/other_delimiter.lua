-- A header of one name that another delimiter parts into several: what a wrong delimiter looks like.

local M = {}

local signs = { ";", "\t", "|", "," }
local shown = { ["\t"] = "tab" }

local function parts_of(name, sign)
  local count = 0
  for part in (name .. sign):gmatch("(.-)%" .. sign) do
    if part == "" or part:find "^%s" then
      return 0 -- prose has blanks after its commas
    end
    count = count + 1
  end
  return count
end

--- What to say of a header that was read with the usual delimiter; nil where it looks right.
---@param file string for the message
---@param header string[] names as written
---@return string? "a.csv: the header 'id;name' looks like delimiter ';': give --delimiter ';', or --auto"
function M.hint(file, header)
  for _, sign in ipairs(#header == 1 and signs or {}) do
    if parts_of(header[1], sign) > 1 then
      return ("%s: the header '%s' looks like delimiter '%s': give --delimiter '%s', or --auto"):format(file,
        header[1]:gsub("%c", " "), shown[sign] or sign, shown[sign] or sign)
    end
  end
end

return M
