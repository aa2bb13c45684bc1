-- How new and published rows are joined: the FROM clauses and conditions shared by the view of a change and the
-- statements that publish it.

local columns = require "pghost.catalog.columns"

local M = {}

-- The new rows in a FROM clause. For a LIMIT whose value it cannot see, the planner assumes a tenth of the rows. So it
-- looks a few of them up in the published table's index, where with its default page costs it would read the whole
-- table: 20,000 rows into 2 M take a quarter of the time that way. Not for many: from some percent on, reading all of
-- the table is faster.
function M.new_rows(change)
  if change.distributed or not change.few then
    return change.new
  end
  return ("(SELECT * FROM %s LIMIT (SELECT NULL::pg_catalog.int8))"):format(change.new)
end

-- The right side of an anti join. On distributed tables it has to be a subquery that is not pulled up, unless each
-- server has all rows of its keys.
local function searched(change, table_name, list)
  local is_beside = change.together and (table_name == change.new or table_name == change.published)
  if not change.distributed or is_beside then
    return table_name
  end
  return ("(SELECT %s FROM %s OFFSET 0)"):format(columns.list(list), table_name)
end

local function with_end(change, list)
  if change.mode ~= "history" then
    return list
  end
  local all = table.move(list, 1, #list, 1, {})
  all[#all + 1] = { name = "_valid_to" }
  return all
end

--- Whether the published table has no (current) row `p` of the key of the new row `n`.
---@param more? string further condition on p; with it no row of the key that also meets this
---@return string
function M.not_published(change, more)
  local from = searched(change, change.published, with_end(change, more and change.columns or change.keys))
  return ("NOT EXISTS (SELECT 1 FROM %s AS p WHERE %s%s%s)"):format(from, columns.same_key(change.keys, "n", "p"),
    change.mode == "history" and " AND p._valid_to IS NULL" or "", more and (" AND (%s)"):format(more) or "")
end

--- Whether the published table has the key of the new row `n`.
---@return string
function M.is_published(change)
  return ("EXISTS (SELECT 1 FROM %s AS p WHERE %s)"):format(searched(change, change.published, change.keys),
    columns.same_key(change.keys, "n", "p"))
end

--- Whether a new row has the key of the published row `p`, and something else.
---@param differs string condition on the new row n and on p
---@return string
function M.is_changed(change, differs)
  return ("EXISTS (SELECT 1 FROM %s AS n WHERE %s AND %s)"):format(searched(change, change.new, change.columns),
    columns.same_key(change.keys, "n", "p"), differs)
end

local function not_in(change, table_name)
  return ("NOT EXISTS (SELECT 1 FROM %s AS n WHERE %s)"):format(searched(change, table_name, change.keys),
    columns.same_key(change.keys, "n", "p"))
end

--- Whether the key of the published row `p` is in none of the new rows.
---@return string
function M.not_new(change)
  return not_in(change, change.new)
end

--- Whether the key of the published row `p` is in no record of the files, rejected ones included.
---@return string
function M.missing(change)
  return not_in(change, change.new) .. (change.held and " AND " .. not_in(change, change.held) or "")
end

return M
