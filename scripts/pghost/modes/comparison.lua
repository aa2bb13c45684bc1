-- When two rows with the same key are equal.
--
-- Keys are equal by the operator of the index that keeps them unique (catalog/columns.lua). Whether a row has to be
-- changed is another question: '1 mon' equals '30 days', 1.0 equals 1.00, -0 equals 0, and under a collation that is
-- not deterministic 'a' equals 'A'. There only the stored bytes count, so rows are compared by their binary image.

local lists = require "pghost.lib.lists"
local relations = require "pghost.catalog.relations"

local M = {}

--- The columns that a new row may change in a row of its key. Of the key those that can be equal and not alike, but not
--- the one that the table is distributed by.
---@param change pghost.modes.Change
---@return pghost.catalog.Column[]
function M.changeable(change)
  local in_key, list = {}, {}
  for _, column in ipairs(change.keys) do
    in_key[column.name] = column
  end
  for _, column in ipairs(change.columns) do
    local key = in_key[column.name]
    if (not key or not key.exact) and column.name ~= change.fixed then
      list[#list + 1] = column
    end
  end
  return list
end

local function row_of(list, alias)
  return "ROW(" .. table.concat(lists.map(list, function(column)
    return alias .. "." .. relations.quote(column.name)
  end), ", ") .. ")"
end

--- Whether rows of one key hold something else; nil when there is nothing that could differ. NULL is like NULL.
---@return string?
function M.differs(change, a, b)
  local list = M.changeable(change)
  return #list > 0 and ("pg_catalog.record_image_ne(%s, %s)"):format(row_of(list, a), row_of(list, b))
    or nil
end

--- What an UPDATE of the published rows `p` sets, and which of them it is for: those that differ, and those that come
--- back after they were marked as deleted. nil where there is nothing that could differ.
---@param change pghost.modes.Change
---@param new string what holds the new values: "n", or "excluded"
---@return string? assignments
---@return string? condition
function M.update(change, new)
  local assignments, reasons = {}, { M.differs(change, new, "p") }
  for i, column in ipairs(M.changeable(change)) do
    local quoted = relations.quote(column.name)
    assignments[i] = ("%s = %s.%s"):format(quoted, new, quoted)
  end
  if change.marked then
    assignments[#assignments + 1] = "_deleted_at = NULL"
    reasons[#reasons + 1] = "p._deleted_at IS NOT NULL"
  end
  if #assignments > 0 then
    return table.concat(assignments, ", "), table.concat(reasons, " OR ")
  end
end

return M
