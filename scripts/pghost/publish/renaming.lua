-- Puts other names for relations into the text of a view as the server prints it.
--
-- With an empty search path the server writes every relation as schema.name, columns only ever
-- behind an alias; so what is between quotes is passed over and pairs of names are looked up. What
-- comes out is not trusted: whoever uses it looks at what the made view depends on.

local sql = require "pghost.lib.sql"

local M = {}

local function quoted_end(text, at, quote, escapes)
  return sql.quoted_end(text, at, quote, escapes) or #text
end

-- The end of one name, quoted or plain; nil when there is none.
local function name_end(text, at)
  if text:sub(at, at) == '"' then
    return quoted_end(text, at, '"')
  end
  return select(2, text:find("^[%a_\x80-\xff][%w_$\x80-\xff]*", at))
end

-- The end of the chain of names (a.b.c) that begins at `at`, and how many there are.
local function chain_end(text, at)
  local stop, count = name_end(text, at), 1
  while stop and text:sub(stop + 1, stop + 1) == "." do
    local more = name_end(text, stop + 2)
    if not more then
      break
    end
    stop, count = more, count + 1
  end
  return stop, count
end

--- Replaces schema.name by what `names` has for it, except where it is called like a function.
---@param text string
---@param names table<string, string> quoted as the server does
---@return string
function M.replace(text, names)
  local out, at = {}, 1
  while at <= #text do
    local stop = at
    local piece
    if text:find("^[eE]'", at) then
      stop = quoted_end(text, at + 1, "'", true)
    elseif text:sub(at, at) == "'" then
      stop = quoted_end(text, at, "'")
    elseif name_end(text, at) then
      local count
      stop, count = chain_end(text, at)
      local call = text:sub(stop + 1, stop + 1) == "("
      piece = count == 2 and not call and names[text:sub(at, stop)] or nil
    elseif text:find("^%d", at) then
      stop = select(2, text:find("^[%w_.]+", at))
    end
    out[#out + 1] = piece or text:sub(at, stop)
    at = stop + 1
  end
  return table.concat(out)
end

return M
