-- The words after a prompt command: split at blanks, with quotes as in psql.

local errors = require "pghost.lib.errors"

local M = {}

-- The quoted piece that begins at `at` and the position after it; '' inside is a quote.
local function quoted(text, at, quote)
  local out, from = {}, at + 1
  while true do
    local stop = text:find(quote, from, true)
    if not stop then
      errors.raise(("no closing %s in %s"):format(quote == "'" and "single quote" or "double quote", text:sub(at)),
        "usage")
    end
    out[#out + 1] = text:sub(from, stop - 1)
    if text:sub(stop + 1, stop + 1) ~= quote then
      return table.concat(out, quote), stop + 1
    end
    from = stop + 2
  end
end

--- The words of a text. Single quotes are taken off; double quotes stay, since they belong to names of SQL.
---@param text string
---@return string[]
function M.split(text)
  local words, at = {}, text:find("%S")
  while at do
    local parts = {}
    while at <= #text and not text:find("^%s", at) do
      local char = text:sub(at, at)
      local piece
      if char == "'" then
        piece, at = quoted(text, at, char)
      elseif char == '"' then
        local from = at
        at = select(2, quoted(text, at, char))
        piece = text:sub(from, at - 1)
      else
        piece = text:match("^[^%s'\"]+", at)
        at = at + #piece
      end
      parts[#parts + 1] = piece
    end
    words[#words + 1] = table.concat(parts)
    at = text:find("%S", at)
  end
  return words
end

return M
