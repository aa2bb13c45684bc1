-- The contract of a table: which columns of which types it has, and what happens when it has others.

local columns = require "pghost.catalog.columns"
local lists = require "pghost.lib.lists"

local M = {}

---@class pghost.checks.Difference
---@field change "new"|"missing"|"retyped"
---@field column string
---@field expected? string
---@field found? string

local default <const> = { new = "warn", missing = "stop", retyped = "stop" }

-- Columns that pghost adds are not part of a contract.
local own <const> = { _file_id = true, _line = true, _loaded_at = true, _valid_from = true, _valid_to = true,
  _deleted_at = true }

-- A type's name as the server writes it, with the modifier as given; nil: there is no such type.
local function canonical(conn, name)
  local base, modifier = name:gsub("%s*%([^)]*%)", ""), name:match "%([^)]*%)" or ""
  local row = conn:query([[
    SELECT pg_catalog.format_type(pg_catalog.to_regtype($1::pg_catalog.text)::pg_catalog.oid, NULL) AS name]], base)[1]
  return row.name and row.name .. modifier:gsub("%s", "") or nil
end

local function is_same_type(conn, expected, found)
  if not expected then
    return true
  end
  local wanted = canonical(conn, expected) or expected
  local has = canonical(conn, found) or found
  return wanted == has or (not wanted:find "%(" and has:gsub("%([^)]*%)$", "") == wanted and wanted ~= "character")
end

--- What is different.
---@param conn pghost.Connection
---@param expected { name: string, type?: string }[]
---@param found { name: string, type: string }[]
---@return pghost.checks.Difference[]
function M.differences(conn, expected, found)
  local list, by_name, wanted = {}, {}, {}
  for _, column in ipairs(found) do
    by_name[column.name] = column
  end
  for _, column in ipairs(expected) do
    wanted[column.name] = true
    local has = by_name[column.name]
    if not has then
      list[#list + 1] = { change = "missing", column = column.name, expected = column.type }
    elseif not is_same_type(conn, column.type, has.type) then
      list[#list + 1] = { change = "retyped", column = column.name, expected = column.type, found = has.type }
    end
  end
  for _, column in ipairs(found) do
    if not wanted[column.name] then
      list[#list + 1] = { change = "new", column = column.name, found = column.type }
    end
  end
  return list
end

--- The differences that are not allowed to evolve, and the worst that is to be done about them.
---@param check pghost.Check of kind `columns`
---@param differences pghost.checks.Difference[]
---@return pghost.checks.Difference[]
---@return "warn"|"error"|nil
function M.judge(check, differences)
  local kept, worst = {}, nil
  for _, one in ipairs(differences) do
    local reaction = check[one.change] or default[one.change]
    if reaction ~= "evolve" then
      kept[#kept + 1] = one
      worst = (reaction == "stop" or worst == "error") and "error" or "warn"
    end
  end
  return kept, worst
end

--- Differences for people: "column 'a' is missing, column 'b' is text instead of bigint".
---@param differences pghost.checks.Difference[]
---@return string
function M.describe(differences)
  local parts = {}
  for i, one in ipairs(differences) do
    local what = one.change == "retyped" and ("%s instead of %s"):format(one.found, one.expected) or one.change
    parts[i] = ("column '%s' is %s"):format(one.column, what)
  end
  return table.concat(parts, ", ")
end

--- What a table has that its contract does not say, or the other way round.
---@param c pghost.checks.Context
---@param check pghost.Check
---@return pghost.checks.Difference[]
---@return "warn"|"error"|nil severity
function M.compare(c, check)
  local found = lists.filter((columns.read(c.conn, c.relation(check.table))), function(column)
    return not own[column.name]
  end)
  return M.judge(check, M.differences(c.conn, check.expected, found))
end

return M
