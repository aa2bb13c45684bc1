-- Classifies the lines at the prompt: SQL, a command or Lua, and whether they are complete.

local nearest = require "pghost.lib.nearest"
local sql_tokens = require "pghost.lib.sql_tokens"
local words = require "pghost.prompt.sql_words"

local M = {}

-- Without leading blanks and comments; `--` starts a comment in both languages.
---@param text string
---@return string
function M.without_comments(text)
  repeat
    local before = text
    text = text:gsub("^%s+", ""):gsub("^/%*.-%*/", "")
    if text:find("^%-%-") and not text:find("^%-%-%[=*%[") then
      text = text:gsub("^[^\n]*", "")
    end
  until text == before
  return text
end

local is_lua_word = { ["local"] = true, ["for"] = true, ["if"] = true, ["while"] = true, ["return"] = true,
  ["function"] = true, ["goto"] = true, ["repeat"] = true }

-- As single words these are SQL statements, whatever they name in Lua.
local is_bare_statement = { select = true, begin = true, commit = true, rollback = true, abort = true }

-- A word of SQL can be the name of a Lua value too: `select(2, ...)`, `table.concat`, `values = {}`, `show "x"`.
local function is_lua(word, rest)
  local is_global = rawget(_G, word) ~= nil
  if rest:find("^%s*=[^=>]") or rest:find("^%s*,") or rest:find("^[.:%[]%s*[%a_%d\"']") then
    return true
  elseif rest:find("^[({'\"]") or rest:find("^%s+[{]") then
    return is_global
  elseif rest:find("^%s+[('\"]") then
    return is_global and word ~= "select"
  elseif not rest:find("%S") then
    return is_global and not is_bare_statement[word]
  end
  return false
end

local is_query = { select = true, values = true, with = true, table = true }

local function begins_as_sql(text)
  local inside = text:match("^[(%s]*(.*)$")
  local word, rest = inside:match("^([%a_]+)(.*)$")
  word = word or ""
  if text:find("^/%*") then
    return true
  elseif text:find("^%(") then -- (SELECT ...) UNION ...
    return is_query[word:lower()] and rest:find("^%s+[^=.:,]") ~= nil and not is_lua(word:lower(), rest)
  elseif not words.first[word:lower()] or is_lua(word, rest) then
    return false
  elseif word == "end" then
    return rest:find("^%s*;") ~= nil or rest:find("^%s+[TtWw]") ~= nil
  elseif word == "do" then
    return rest:find("^%s*[$'Ll]") ~= nil
  end
  return true
end

--- What a text is that begins at the prompt.
---@param text string
---@return "sql"|"command"|"lua"|"nothing" kind
---@return string text without what stands before it
function M.kind(text)
  local rest = M.without_comments(text)
  if rest == "" or rest:find("^;%s*$") then
    return "nothing", rest
  elseif rest:find("^\\") then
    return "command", rest
  end
  return begins_as_sql(rest) and "sql" or "lua", rest
end

-- A command that ends a statement instead of a semicolon: SELECT 1 \gx. Only where it stands outside of strings.
local function closing_command(text)
  local before, command = text:match("^(.*%S)%s*(\\[gw][%a]*[^\n\\]*)\n?$")
  if not before or sql_tokens.is_terminated(before) then
    return nil
  elseif sql_tokens.is_terminated(before .. ";") then
    return before, (command:gsub("%s+$", ""))
  end
end

--- Whether SQL is whole: it ends with a semicolon, or with a command such as \gx.
---@param text string
---@return boolean whole
---@return string text the SQL
---@return string? command that it ends with
function M.sql(text)
  if sql_tokens.is_terminated(text) then
    return true, text
  end
  local before, command = closing_command(text)
  if before then
    return true, before, command
  end
  return false, text
end

-- "selct 1": the SQL keyword probably meant, if a line is not Lua.
local function sql_hint(text)
  local word, rest = text:match("^%s*(%a+)(.*)")
  if not word or not rest:find("^%s+[%w\"'(*]") or rawget(_G, word) ~= nil or is_lua_word[word] then
    return ""
  end
  local known = {}
  for name in pairs(words.first) do
    known[#known + 1] = name
  end
  return nearest.hint(word:lower(), known)
end

--- Loads Lua as an expression ("= expr" too), else as statements.
---@param text string
---@param name? string of the file it is from
---@param line? integer of that file that it begins in
---@return function? chunk
---@return string? message
---@return boolean incomplete only more lines can tell
function M.lua(text, name, line)
  local expression = text:match("^%s*=(.*)$")
  local above = ("\n"):rep((line or 1) - 1)
  local chunk, message = load(above .. "return " .. (expression or text), "=" .. (name or "stdin"), "t")
  if not chunk and not expression then
    chunk, message = load(above .. text, "=" .. (name or "stdin"), "t")
  end
  local incomplete = not chunk and message:find("<eof>$") ~= nil
  return chunk, message and not incomplete and message .. sql_hint(text) or message, incomplete
end

return M
