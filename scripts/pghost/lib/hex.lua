-- Bytes as hexadecimal digits, where text is needed.

local M = {}

local digits = {}
for byte = 0, 255 do
  digits[string.char(byte)] = ("%02x"):format(byte)
end

---@param bytes string
---@return string
function M.encode(bytes)
  return (bytes:gsub(".", digits))
end

return M
