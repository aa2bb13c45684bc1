-- What may be typed after a backslash: commands, and what each takes.

local database = require "pghost.prompt.live_connection"
local file_names = require "pghost.prompt.file_names"
local sql_names = require "pghost.prompt.sql_names"

local M = {}

local function databases()
  local state, names = database.state(), {}
  local rows = (state == "idle" or state == "transaction") and database.current():query(
    "SELECT d.datname::pg_catalog.text AS name FROM pg_catalog.pg_database AS d WHERE d.datallowconn") or {}
  for i = 1, #rows do
    names[i] = rows[i].name
  end
  return names
end

local function help_names()
  local names = require("pghost.manual.commands").names()
  for _, page in ipairs(require("pghost.manual.pages").list()) do
    names[#names + 1] = page.name
  end
  return names
end

local function fixed(...)
  local list = { ... }
  return function()
    return list
  end
end

-- \copy TABLE from FILE
local function copy_names(typed, before)
  local words = select(2, before:gsub("%S+", ""))
  return words == 1 and sql_names.tables(typed) or words == 2 and { "from", "to" } or file_names.of(typed)
end

-- A table or a file.
local function tables_and_files(typed)
  local names, files = sql_names.tables(typed), file_names.of(typed)
  return table.move(files, 1, #files, #names + 1, names)
end

local takes = { x = fixed("on", "off", "auto"), timing = fixed("on", "off"), connect = databases, c = databases,
  help = help_names, h = help_names, i = file_names.of, o = file_names.of, g = file_names.of, e = file_names.of,
  copy = copy_names, d = sql_names.tables, dt = sql_names.tables, dv = sql_names.tables,
  profile = tables_and_files }

--- What fits at the end of a text.
---@param text string from the backslash on
---@return pghost.prompt.Candidates?
function M.find(text)
  local name = text:match("^\\(%S*)$")
  if name then
    return { typed = name, names = require("pghost.prompt.backslash").names(), closing = " " }
  end
  local command = text:match("^\\([%a?]+)%+?%s")
  local before, typed = text:match("^(.-)(%S*)$")
  local names = takes[command]
  return names and { typed = typed, names = names(typed, before), closing = " " } or nil
end

return M
