-- Lists of column names.

local relations = require "pghost.catalog.relations"

local M = {}

--- The names of described columns.
---@param list { name: string }[]
---@return string[]
function M.names(list)
  local names = {}
  for i, column in ipairs(list) do
    names[i] = column.name
  end
  return names
end

--- A list of quoted identifiers for SQL.
---@param names string[]
---@param format? string one "%s" for each name; default "%s"
---@return string
function M.quoted(_, names, format)
  return relations.list(names, format)
end

return M
