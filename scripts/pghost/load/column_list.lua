-- The columns that the fields of a file go to in order, as `pghost load --columns` and psql's \copy name them.

local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"

local M = {}

--- The names in a list as SQL has them: id, "First Name". What is not in quotes is in lower case.
---@param text string without the parentheses
---@return string[]? names
---@return string? problem
function M.parse(text)
  local list, at, seen = {}, 1, {}
  repeat
    local name, after = text:match("^%s*([%a_\x80-\xff][%w_$\x80-\xff]*)%s*()", at)
    local _, stop, quoted = text:find('^%s*"(.-)"%f[^"]%s*', at)
    if stop then
      name, after = quoted:gsub('""', '"'), stop + 1
    else
      name = name and name:lower()
    end
    if not name or name == "" then
      return nil, ("list of columns expected, such as id,name, got '%s'"):format(text)
    elseif seen[name] then
      return nil, ("column '%s' is named twice"):format(name)
    end
    list[#list + 1], seen[name], at = name, true, after
    local separator = text:sub(at, at)
    at = at + 1
  until separator ~= ","
  if at <= #text + 1 then
    return nil, ("list of columns expected, such as id,name, got '%s'"):format(text)
  end
  return list
end

-- They must match the table's exactly, as in SQL; a header's may differ in case.
local function check(columns, relation)
  local there = {}
  for _, column in ipairs(relation.columns) do
    there[#there + 1], there[column.name] = column.name, true
  end
  for _, name in ipairs(columns) do
    if not there[name] then
      errors.raise(("no column '%s' in %s%s"):format(name, relation.qualified, nearest.hint(name, there)), "42703")
    end
  end
end

--- The names of a file's fields by their order, in place of those of its header.
---@param file { name: string, header: string[] }
---@param columns string[]
---@param relation pghost.load.Relation
---@return string[]
function M.names(file, columns, relation)
  check(columns, relation)
  local names = table.move(columns, 1, #columns, 1, {})
  if #file.header == #columns + 1 and file.header[#file.header] == "_extra" then -- what policies add
    names[#names + 1] = "_extra"
  elseif #file.header ~= #columns then
    errors.raise(("its records have %d fields, and %s named"):format(#file.header,
      #columns == 1 and "1 column is" or #columns .. " columns are"), "data",
      { file = file.name })
  end
  return names
end

return M
