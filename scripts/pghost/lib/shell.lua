-- Runs other programs through the shell, with quoted words.

local M = {}

--- A word that the shell takes as it is.
---@param word string
---@return string
function M.quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- A word that the shell takes as it is, in quotes only where it needs them.
---@param text string
---@return string
function M.word(text)
  return text:find("^[%w_./,:=@%%+-]+$") and text or M.quote(text)
end

--- The words of a line that `word` and `quote` have made, and those in $'...'.
---@param line string
---@return string[]
function M.split(line)
  local list, at = {}, 1
  while true do
    at = line:find("%S", at)
    if not at then
      return list
    end
    local word = ""
    while line:find("^%S", at) do
      local text, after = line:match("^%$?'([^']*)'()", at)
      if text and line:sub(at, at) == "$" then
        text = text:gsub("\\x(%x%x)", function(digits)
          return string.char(tonumber(digits, 16))
        end)
      elseif not text then
        text, after = line:match("^\\?(.)()", at)
      end
      word, at = word .. text, after
    end
    list[#list + 1] = word
  end
end

--- Runs a program in the place of this one: with its input, output and terminal.
---@param command string as the shell reads it
---@param ... string words after it
---@return integer code its exit code, 128 and more for a signal; 127: it is not installed
function M.run(command, ...)
  local parts = { command }
  for i = 1, select("#", ...) do
    parts[#parts + 1] = M.quote((select(i, ...)))
  end
  local _, kind, number = os.execute(table.concat(parts, " "))
  return kind == "exit" and number or 128 + number
end

return M
