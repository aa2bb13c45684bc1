-- The colors of a line that is being typed. The bytes of the line do not change; only colors are inserted between them.

local chunks = require "pghost.prompt.chunks"
local color = require "pghost.lib.color"
local sql_tokens = require "pghost.lib.sql_tokens"
local words = require "pghost.prompt.sql_words"

local M = {}

local keyword <const>, text_color <const>, comment <const>, plain <const> = "\27[1;34m", "\27[32m", "\27[90m", "\27[0m"

local lua_words = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch("%a+") do
  lua_words[word] = true
end

-- Each line of a piece by itself.
local function painted(piece, code)
  return code and code .. piece:gsub("\n", plain .. "\n" .. code) .. plain or piece
end

local sql_colors = { text = text_color, comment = comment, parameter = "\27[36m" }

-- An unterminated token is scanned up to its start; the rest is a string or a comment.
local function sql(text)
  local out, last = {}, 1
  pcall(sql_tokens.scan, text, nil, function(kind, piece, at)
    local is_word = kind == "word" and (words.first[piece:lower()] or words.keywords[piece:lower()])
    local code = is_word and keyword or kind == "text" and piece:find("^[%w']") and text_color or sql_colors[kind]
    if kind == "text" and piece:find("^[\":$]") and not piece:find("^%$[%w_]*%$") then
      code = nil
    end
    out[#out + 1] = painted(piece, code)
    last = at + #piece
  end)
  if last <= #text then
    local rest = text:sub(last)
    out[#out + 1] = painted(rest, rest:find("^/%*") and comment or text_color)
  end
  return table.concat(out)
end

-- One token of Lua at a position: its last byte and its color.
local function lua_token(text, at)
  local equals = text:match("^%-%-%[(=*)%[", at)
  local stop
  if equals then
    stop = select(2, text:find("]" .. equals .. "]", at, true))
    return stop or #text, comment
  elseif text:find("^%-%-", at) then
    return (text:find("\n", at, true) or #text + 1) - 1, comment
  end
  equals = text:match("^%[(=*)%[", at)
  if equals then
    return select(2, text:find("]" .. equals .. "]", at, true)) or #text, text_color
  end
  local quote = text:match("^[\"']", at)
  if quote then
    stop = at + 1
    while stop <= #text and text:sub(stop, stop) ~= quote do
      stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
    end
    return math.min(stop, #text), text_color
  end
  local word = text:match("^[%a_][%w_]*", at)
  if word then
    return at + #word - 1, lua_words[word] and keyword or nil
  end
  return at, nil
end

local function lua(text)
  local out, at = {}, 1
  while at <= #text do
    local stop, code = lua_token(text, at)
    out[#out + 1] = painted(text:sub(at, stop), code)
    at = stop + 1
  end
  return table.concat(out)
end

--- Whether lines are to have colors.
---@return boolean
function M.wanted()
  return color.enabled(1)
end

--- A line with colors: it continues what was typed above it.
---@param session pghost.prompt.Session
---@param line string
---@return string
function M.paint(session, line)
  local above = session.text
  local kind = chunks.kind(above .. line)
  if kind == "command" then
    local name, rest = line:match("^(%s*\\%S*)(.*)$")
    return name and painted(name, "\27[1;35m") .. rest or line
  elseif kind ~= "sql" and kind ~= "lua" then
    return line
  end
  local all = kind == "sql" and sql(above .. line) or lua(above .. line)
  if above == "" then
    return all
  end
  local below = all:match(("[^\n]*\n"):rep(select(2, above:gsub("\n", ""))) .. "(.*)$")
  return below or line
end

return M
