-- Parameters of SQL on a command line: NAME=VALUE, or NAME:TYPE=VALUE.

local sql = require "pghost.lib.sql"

local M = {}

-- Those that pipelines bind have the types that analytics see.
local types = { as_of = "timestamp", run_started = "timestamptz" }

--- Reads one; a message is returned for what is none.
---@param text string
---@return { name: string, parameter: pghost.sql.Parameter }?
---@return string? message
function M.read(text)
  local name, type_name, value = text:match("^([%a_][%w_]*):?([^=]*)=(.*)$")
  if not name or (type_name == "" and text:find("^[%w_]+:")) then
    return nil, ("NAME=VALUE expected, got '%s'"):format(text)
  elseif not type_name:find("^[%w_ ()%[%],]*$") then
    return nil, ("name of a type expected after ':', got '%s'"):format(type_name)
  end
  type_name = type_name ~= "" and type_name or types[name]
    or (value:find("^%-?%d+$") and "bigint") or (value:find("^%-?%d+%.%d+$") and "numeric")
    or ((value == "true" or value == "false") and "boolean") or ""
  return { name = name, parameter = sql.parameter(value, type_name) }
end

--- Those that were given, by name.
---@param list { name: string, parameter: pghost.sql.Parameter }[]
---@return table<string, pghost.sql.Parameter>
function M.table_of(list)
  local by_name = {}
  for _, one in ipairs(list or {}) do
    by_name[one.name] = one.parameter
  end
  return by_name
end

return M
