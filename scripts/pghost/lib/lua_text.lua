-- Text of Lua and SQL files that are written for a user: literals and comments that no name of a file or a column, and
-- no value, can break out of.

local lists = require "pghost.lib.lists"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local width = 110 -- columns of a comment

local function escaped(char)
  return ("\\%03d"):format(char:byte())
end

--- A string literal on one line; control characters and bytes that are not UTF-8 are escapes.
---@param text string
---@return string
function M.quoted(text)
  local made = text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("\t", "\\t"):gsub("\r", "\\r")
  made = made:gsub("[%c\127]", escaped)
  return '"' .. (utf8.len(made) and made or made:gsub("[\128-\255]", escaped)) .. '"'
end

--- A list of literals between braces, or the only one alone.
---@param list string[]
---@return string
function M.one_or_list(list)
  local parts = lists.map(list, M.quoted)
  return #parts == 1 and parts[1] or ("{ %s }"):format(table.concat(parts, ", "))
end

local function push(lines, mark, line)
  lines[#lines + 1] = mark .. " " .. line
end

--- Lines of a comment, folded at blanks. A word that is longer than a line is cut.
---@param text string whatever is in it, it stays a comment
---@param indent? string
---@return string[]
function M.comment(text, indent)
  local lines, line, mark = {}, nil, (indent or "") .. "--"
  for word in terminal_text.harmless(text):gmatch("%S+") do
    word = terminal_text.cut(word, width - 10)
    if line and terminal_text.width(line) + terminal_text.width(word) + 1 > width - #mark then
      push(lines, mark, line)
      line = nil
    end
    line = line and line .. " " .. word or word
  end
  if line then
    push(lines, mark, line)
  end
  -- `--[[` would begin a long comment.
  for i, made in ipairs(lines) do
    lines[i] = made:gsub("^(%s*%-%-) %[", "%1 . [")
  end
  return lines
end

--- Appends all of the lines.
---@param out string[]
---@param lines string[]
function M.add(out, lines)
  table.move(lines, 1, #lines, #out + 1, out)
end

--- The text of a Lua file. luacheck is told where a name has made a line too long.
---@param lines string[]
---@return string
function M.file(lines)
  for _, line in ipairs(lines) do
    if #line > 120 then
      table.insert(lines, 1, "-- luacheck: ignore 631")
      break
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

return M
