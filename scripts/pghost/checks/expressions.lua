-- Pieces of SQL that checks are made of: constants and comparisons, by the server's own operators.

local lists = require "pghost.lib.lists"
local sql = require "pghost.lib.sql"

local M = {}

M.literal = sql.literal

--- "a OPERATOR(pg_catalog.<) b"
---@param left string
---@param operator string
---@param right string
---@return string sql
function M.compare(left, operator, right)
  return ("%s OPERATOR(pg_catalog.%s) %s"):format(left, operator == "!=" and "<>" or operator, right)
end

--- The condition that a value is not between two limits; nil: no limit on that side.
---@param value string sql
---@param least? string|number
---@param most? string|number
---@param exclusive? boolean the limits themselves are outside
---@return string sql
function M.outside(value, least, most, exclusive)
  local parts = {}
  if least ~= nil then
    parts[#parts + 1] = M.compare(value, exclusive and "<=" or "<", M.literal(least))
  end
  if most ~= nil then
    parts[#parts + 1] = M.compare(value, exclusive and ">=" or ">", M.literal(most))
  end
  return table.concat(parts, " OR ")
end

local texts <const> = { ["text"] = true, ["character varying"] = true, ["character"] = true, ["name"] = true }

--- An array of constants to compare a column's values with, and the column to compare.
---@param column string quoted
---@param type_name string of the column
---@param values (string|number|boolean)[]
---@return string column
---@return string array
function M.among(column, type_name, values)
  local list = lists.map(values, M.literal)
  local base = type_name:gsub("%s*%(%d[%d,]*%)", "")
  local kind = type(values[1])
  if kind == "number" then
    base = "pg_catalog.numeric"
  elseif kind == "string" and (texts[base] or base:find("^%S+%.") ) then -- enums and domains by their text
    column, base = column .. "::pg_catalog.text", "pg_catalog.text"
  end
  return column, ("ARRAY[%s]::%s[]"):format(table.concat(list, ", "), base)
end

return M
