-- A line of a text with a caret below it: where an error is.

local M = {}

local widest = 100 -- bytes of a line that are shown

--- The line with the byte at `at`, below it a caret, indented by two blanks; and the line's number.
---@param text string
---@param at integer from 1
---@param numbered? boolean of several lines the number stands before it
---@return string
---@return integer line from 1
function M.at(text, at, numbered)
  local _, breaks = text:sub(1, at - 1):gsub("\n", "")
  local first = at - #text:sub(1, at - 1):match("[^\n]*$")
  local line = text:sub(first):match("^[^\r\n]*"):gsub("\t", " ")
  local from = math.max(1, at - first - widest // 2)
  from = utf8.len(line) and utf8.offset(line, 0, math.min(from, #line + 1)) or from
  local shown = line:sub(from, from + widest - 1)
  local before = line:sub(from, at - first)
  local number = numbered and text:find("\n", 1, true) and ("line %d: "):format(breaks + 1) or ""
  return ("%s%s\n  %s^"):format(number, shown, (" "):rep(#number + (utf8.len(before) or #before))), breaks + 1
end

--- A message with that line after its own first one; as it is where the text has no such character.
---@param message string
---@param text string
---@param character integer from 1
---@return string
function M.add(message, text, character)
  local byte = utf8.len(text) and utf8.offset(text, character)
  if not byte then
    return message
  end
  local first, rest = message:match("^([^\n]*)(.*)$")
  return ("%s\n  %s%s"):format(first, M.at(text, byte, true), rest)
end

return M
