-- Suggestions for an unclear file: command-line options, quoted for the shell.

local shell = require "pghost.lib.shell"

local M = {}

local named = { ["\t"] = "tab", [" "] = "space", ["\x1f"] = "$'\\x1f'" }

--- A delimiter as an argument of the command line.
---@param text string
---@return string
function M.word(text)
  return named[text] or shell.word(text)
end

--- The options of one reading of a file.
---@param guess { delimiter: string, quote?: string, escape?: string } quote nil: it stays to be found
---@return string "--delimiter , --quote '\"'"
function M.reading(guess)
  local text = "--delimiter " .. M.word(guess.delimiter)
  text = guess.quote and ("%s --quote %s"):format(text, M.word(guess.quote)) or text
  return (guess.escape or "") ~= "" and ("%s --escape %s"):format(text, M.word(guess.escape)) or text
end

--- Encodings that a file may have. UTF-8 comes first: where it is wrong it rejects, and makes no other text of it.
---@param first string
---@param second? string
---@return string[]
function M.encodings(first, second)
  if second == "utf-8" then
    first, second = second, first
  end
  return { "--encoding " .. first, second and "--encoding " .. second }
end

---@param prefix string
---@return string
function M.comment(prefix)
  return ("--comment%s%s"):format(prefix:find "^%-" and "=" or " ", M.word(prefix)) -- else it is an option itself
end

--- The readings that a sniffed file is left with, the likelier first; none where a delimiter alone does not help.
---@param found pghost.sniff.Result
---@return string[]
function M.readings(found)
  local dialect, other = found.dialect, found.alternatives[1]
  if found.nearest then
    return { M.reading { delimiter = found.nearest } }
  elseif dialect.delimiter.doubtful or not other or dialect.delimiter.value == "" or other.delimiter == "" then
    return {}
  end
  return { M.reading { delimiter = dialect.delimiter.value, quote = dialect.quote.value,
    escape = dialect.escape.value }, M.reading(other) }
end

return M
