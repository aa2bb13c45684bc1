-- SQL's lexical rules: strings, quoted identifiers, comments, dollar quotes, `::` casts, named parameters, and where a
-- statement ends. Not for what statements mean (sql.lua).

local errors = require "pghost.lib.errors"
local pointer = require "pghost.lib.pointer"

local M = {}

--- Where the string or quoted name that begins at `at` ends; nil: it does not.
---@param text string
---@param at integer of the opening quote
---@param quote "'"|'"'
---@param escapes? boolean an E'' string, where a backslash escapes
---@return integer?
function M.quoted_end(text, at, quote, escapes)
  local from = at + 1
  while true do
    local stop = text:find(escapes and "['\\]" or quote, from, not escapes)
    if not stop then
      return nil
    elseif text:sub(stop, stop) == "\\" then
      from = stop + 2
    elseif text:sub(stop + 1, stop + 1) == quote then
      from = stop + 2
    else
      return stop
    end
  end
end

local function block_comment(text, at)
  local depth, from = 1, at + 2
  while depth > 0 do
    local stop = text:find("[/*][*/]", from)
    if not stop then
      return nil
    end
    local pair = text:sub(stop, stop + 1)
    depth = depth + (pair == "/*" and 1 or pair == "*/" and -1 or 0)
    from = stop + ((pair == "/*" or pair == "*/") and 2 or 1)
  end
  return from - 1
end

-- Where the token that starts at `at` ends (its last byte), and its kind: "text" (kept as it is),
-- "comment", "word", "parameter", "end" (a semicolon) or an opening or closing parenthesis.
local function token(text, at)
  local char = text:sub(at, at)
  local two = text:sub(at, at + 1)
  if two == "--" then
    return "comment", (text:find("\n", at, true) or #text + 1) - 1
  elseif two == "/*" then
    return "comment", block_comment(text, at)
  elseif char == "'" or char == '"' then
    return "text", M.quoted_end(text, at, char)
  elseif text:find("^[eE]'", at) then
    return "text", M.quoted_end(text, at + 1, "'", true)
  elseif char == "$" then
    local tag = text:match("^%$[%a_\x80-\xff]?[%w_\x80-\xff]*%$", at)
    if not tag or tag:find("^%$%d") then
      return "text", at
    end
    local _, stop = text:find(tag, at + #tag, true)
    return "text", stop
  elseif two == "::" or two == ":=" then
    return "text", at + 1
  elseif text:find("^:[%a_]", at) then
    return "parameter", select(2, text:find("^:[%w_]+", at))
  elseif text:find("^[%a_\x80-\xff]", at) then
    return "word", select(2, text:find("^[%w_$\x80-\xff]+", at))
  elseif text:find("^[%s%d]", at) then
    return "space", select(2, text:find("^[%s%d]+", at))
  elseif char == ";" then
    return "end", at
  end
  return char, at
end

--- Calls visit(kind, token text, position) for each token of `text`; raises what is not terminated.
---@param text string
---@param name? string where it is from, for messages
---@param visit fun(kind: "word"|"text"|"comment"|"space"|"parameter"|"end"|string, piece: string, at: integer) other
--- kinds are the character itself
function M.scan(text, name, visit)
  local at = 1
  while at <= #text do
    local kind, stop = token(text, at)
    if not stop then
      local caret, line = pointer.at(text, at, not name)
      errors.raise(("unterminated %s\n  %s"):format(kind == "comment" and "comment" or "string", caret), "usage",
        { exit = 1, file = name, line = name and line })
    end
    visit(kind, text:sub(at, stop), at)
    at = stop + 1
  end
end

--- A function that is given the tokens of one statement and says whether one of them is the semicolon that ends it:
--- not one in the body of a function (BEGIN ATOMIC ... END).
---@return fun(kind: string, piece: string): boolean
function M.statement_end()
  local depth, previous, first = 0, nil, nil
  return function(kind, piece)
    if kind == "end" then
      return depth == 0
    elseif kind ~= "word" then
      return false
    end
    local word = piece:lower()
    first = first or word
    if first == "create" and word == "atomic" and previous == "begin" then
      depth = depth + 1
    elseif depth > 0 and word == "case" then
      depth = depth + 1
    elseif depth > 0 and word == "end" then
      depth = depth - 1
    end
    previous = word
    return false
  end
end

--- Whether a text ends with the semicolon of a statement, with only white space and comments after it.
---@param text string
---@return boolean # false too where a string or comment is not terminated
function M.is_terminated(text)
  local ends, terminated = M.statement_end(), false
  local whole = pcall(M.scan, text, nil, function(kind, piece)
    if ends(kind, piece) then
      terminated, ends = true, M.statement_end()
    elseif kind ~= "comment" and not (kind == "space" and not piece:find("%S")) then
      terminated = false
    end
  end)
  return whole and terminated
end

return M
