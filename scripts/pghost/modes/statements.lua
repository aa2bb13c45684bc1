-- The statements that bring a published table to the state its view showed.
--
-- Plain DELETE, UPDATE and INSERT over the key, without MERGE: the same on every server and on
-- distributed tables. Text in, text out; no connection is used but for quoting.

local columns = require "pghost.catalog.columns"
local comparison = require "pghost.modes.comparison"
local conditions = require "pghost.modes.conditions"
local relations = require "pghost.catalog.relations"
local upsert = require "pghost.modes.upsert"

local M = {}

---@class pghost.modes.Change
---@field name string of the published table
---@field mode "append"|"merge"|"history"
---@field missing "keep"|"delete"|"mark"|"close"
---@field keys pghost.catalog.KeyColumn[] of the published table; empty: the rows have no key
---@field columns pghost.catalog.Column[] of the new rows
---@field new_columns? string[] that the published raw table gets
---@field nullable? string[] columns that the published table takes no NULL in, and the new rows have some
---@field view string quoted names: the view, the table of new rows, the published table
---@field new string
---@field published string
---@field held? string quoted name of the table of keys that rejected records have
---@field marked boolean the published table has the column _deleted_at of the mode
---@field few boolean the new rows are few beside the published ones
---@field only_new boolean the published table has no (current) row of any of the keys
---@field started string SQL of the run's timestamp
---@field distributed boolean tables are on several servers
---@field together boolean new rows and published ones of one key are on the same of them
---@field fixed? string column that they are distributed by: no row changes it
---@field parts? pghost.partitions.Part[] that the published table is to get
---@field placed? boolean the new rows have their positions (modes/refused.lua)
---@field allow_dropped boolean triggers and rules may store other rows than the new ones

---@class pghost.modes.Statement
---@field sql string
---@field counts? "added"|"changed"|"removed" what its affected rows are
---@field counts_each? boolean it answers with the numbers of those added and changed
---@field left? string a query: how many rows it should have stored and has not, when it has run
---@field due? string a query: how many rows it is to change, before it runs
---@field grows? string the table, to which it adds every new row

local publish = {}

local function insert(change, where, extra)
  local extra_name, extra_value = "", ""
  if extra then
    extra_name, extra_value = ", " .. extra.name, ", " .. extra.value
  end
  local from = (where and conditions.new_rows(change) or change.new) .. " AS n" .. (where and " WHERE " .. where or "")
  return { counts = "added", sql = ("INSERT INTO %s (%s%s) SELECT %s%s FROM %s"):format(change.published,
    columns.list(change.columns), extra_name, columns.list(change.columns, "n.%s"), extra_value, from) }
end

-- Rows are counted by the conditions that they are chosen by.
local function count_published(change, where)
  return ("SELECT pg_catalog.count(*) AS records FROM %s AS p WHERE %s"):format(change.published, where)
end

local function count_new(change, where)
  return ("SELECT pg_catalog.count(*) AS records FROM %s AS n WHERE %s"):format(conditions.new_rows(change), where)
end

local function count_both(change, from, where)
  return ("SELECT pg_catalog.count(*) AS records FROM %s AS p, %s AS n WHERE %s"):format(change.published, from, where)
end

-- Every new row.
local function insert_all(change, extra)
  local all = insert(change, nil, extra)
  all.grows = change.published
  if change.only_new and #change.keys > 0 then
    all.left = count_new(change, conditions.not_published(change))
  end
  return all
end

function publish.append(change)
  local list = {}
  for _, name in ipairs(change.new_columns or {}) do
    list[#list + 1] = { sql = ("ALTER TABLE %s ADD COLUMN %s pg_catalog.text"):format(change.published,
      relations.quote(name)) }
  end
  list[#list + 1] = insert_all(change)
  return list
end

local function remove_missing(change, at)
  local gone = conditions.missing(change)
  if change.missing == "delete" then
    return { counts = "removed", sql = ("DELETE FROM %s AS p WHERE %s"):format(change.published, gone),
      left = count_published(change, gone) }
  end
  gone = "p._deleted_at IS NULL AND " .. gone
  return { counts = "removed",
    sql = ("UPDATE %s AS p SET _deleted_at = %s WHERE %s"):format(change.published, at, gone),
    left = count_published(change, gone) }
end

-- Changes published rows that have the key of a new one. Returns the statement, and what counts such rows.
local function update_known(change, assignments, condition)
  local from = conditions.new_rows(change)
  local where = ("%s AND %s"):format(columns.same_key(change.keys, "n", "p"), condition)
  return { counts = "changed",
    sql = ("UPDATE %s AS p SET %s FROM %s AS n WHERE %s"):format(change.published, assignments, from, where) },
    count_both(change, from, where)
end

local function update(change)
  local assignments, condition = comparison.update(change, "n")
  if not assignments then
    return nil
  end
  local made, count = update_known(change, assignments, ("(%s)"):format(condition))
  made.due = count
  return made
end

function publish.merge(change, at, as_upsert)
  if change.only_new then
    return { insert_all(change) }
  end
  local list = {}
  if change.missing ~= "keep" then
    list[1] = remove_missing(change, at)
  end
  if as_upsert then
    list[#list + 1] = upsert.statement(change)
    return list
  end
  list[#list + 1] = update(change)
  local unknown = conditions.not_published(change)
  local add = insert(change, unknown)
  add.left = count_new(change, unknown)
  list[#list + 1] = add
  return list
end

-- The current rows whose key has another state now.
local function close_changed(change, at)
  local differs = comparison.differs(change, "n", "p")
  if not differs then
    return nil
  end
  local made, count = update_known(change, "_valid_to = " .. at, "p._valid_to IS NULL AND " .. differs)
  made.left = count
  return made
end

local function close_missing(change, at)
  local gone = "p._valid_to IS NULL AND " .. conditions.missing(change)
  return { counts = "removed", sql = ("UPDATE %s AS p SET _valid_to = %s WHERE %s"):format(change.published, at, gone),
    left = count_published(change, gone) }
end

function publish.history(change, at)
  local dated = { name = "_valid_from", value = at }
  if change.only_new then
    return { insert_all(change, dated) }
  end
  local list = {}
  if change.missing == "close" then
    list[1] = close_missing(change, at)
  end
  list[#list + 1] = close_changed(change, at)
  local unknown = conditions.not_published(change) -- what differs is not current any more
  local add = insert(change, unknown, dated)
  add.left = count_new(change, unknown)
  list[#list + 1] = add
  return list
end

--- The statements that change the published table, in their order.
---@param change pghost.modes.Change
---@param at string SQL of the moment that the change is dated with
---@param as_upsert? boolean upsert.suits() says so
---@return pghost.modes.Statement[]
function M.publish(change, at, as_upsert)
  return publish[change.mode](change, at, as_upsert)
end

return M
