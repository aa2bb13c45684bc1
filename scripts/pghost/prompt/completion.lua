-- Completion: what fits at the cursor, and what a tab does with it. Calls no user function, opens no connection, and
-- asks an open one only for catalog names.

local chunks = require "pghost.prompt.chunks"
local command_names = require "pghost.prompt.command_names"
local lua_names = require "pghost.prompt.lua_names"
local sql_names = require "pghost.prompt.sql_names"
local sys = require "pghost.native.sys"
local terminal = require "pghost.lib.terminal"

local M = {}

---@class pghost.prompt.Candidates
---@field typed string what is there of the word
---@field names string[] what it may become; only those that begin with it count
---@field any_case? boolean letters of either case are the same
---@field closing? string after a name that is the only one: " ", '"'

local most_shown <const> = 200

local function begins(name, typed, any_case)
  local start = name:sub(1, #typed)
  return start == typed or any_case and start:lower() == typed:lower()
end

local function fitting(found)
  local seen, list = {}, {}
  for _, name in ipairs(found.names) do
    if not seen[name] and begins(name, found.typed, found.any_case) then
      seen[name], list[#list + 1] = true, name
    end
  end
  table.sort(list)
  return list
end

local function common(names, any_case)
  local text = names[1]
  for _, name in ipairs(names) do
    while not begins(name, text, any_case) do
      text = text:sub(1, -2)
    end
  end
  while #text > 0 and not utf8.len(text) do
    text = text:sub(1, -2)
  end
  return text
end

-- Side by side, as many as there is room for.
local function columns_text(names)
  local widest, shown = 0, {}
  for i = 1, math.min(#names, most_shown) do
    shown[i] = terminal.harmless(names[i])
    widest = math.max(widest, terminal.width(shown[i]))
  end
  local per_line = math.max(1, (sys.columns(1) or 80) // (widest + 2))
  local out = {}
  for i, name in ipairs(shown) do
    local is_last = i % per_line == 0 or i == #shown
    out[i] = name .. (is_last and "\n" or (" "):rep(widest + 2 - terminal.width(name)))
  end
  if #names > most_shown then
    out[#out + 1] = ("... and %d more\n"):format(#names - most_shown)
  end
  return table.concat(out)
end

---@return pghost.prompt.Candidates?
local function candidates(session, before, after)
  local text = session.text .. before
  local kind, rest = chunks.kind(text)
  if kind == "command" then
    return command_names.find(rest)
  elseif kind == "sql" then
    return sql_names.find(text, after)
  end
  local found = lua_names.find(text)
  if found and not text:find("[^%s%a]") then
    table.move(sql_names.first(found.typed), 1, #sql_names.first(found.typed), #found.names + 1, found.names)
    found.any_case = true
  end
  return found
end

--- What a tab does between two texts.
---@param session pghost.prompt.Session
---@param before string
---@param after? string
---@return string? insert
---@return string? show what fits, where there is more than one and nothing to insert
function M.complete(session, before, after)
  if not before:find("%S") then
    return "  "
  end
  local found = candidates(session, before, after or "")
  local names = found and fitting(found) or {}
  if #names == 0 then
    return nil
  end
  local insert = common(names, found.any_case):sub(#found.typed + 1)
  if #names == 1 then
    return insert .. (names[1]:find("[/.:]$") and "" or found.closing or "")
  end
  return insert, insert == "" and columns_text(names) or nil
end

return M
