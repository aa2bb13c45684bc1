-- The SQL of the modes: the view of a table as it will be, and the statements that make it so.
--
-- Plain DELETE, UPDATE and INSERT over the key, without MERGE: the same on every server and on
-- distributed tables. Text in, text out; no connection is used but for quoting.

local columns = require "pghost.load.columns"

local M = {}

---@class pghost.modes.Change
---@field name string of the published table
---@field mode "append"|"merge"|"history"
---@field missing "keep"|"delete"|"mark"|"close"
---@field key? string[]
---@field columns { name: string, type: string }[] of the new rows
---@field new_columns? string[] that the published raw table gets
---@field view string quoted names: the view, the table of new rows, the published table
---@field new string
---@field published string
---@field at string SQL of the run's timestamp

local function names(change)
  local list = {}
  for i, column in ipairs(change.columns) do
    list[i] = column.name
  end
  return list
end

local function list_of(conn, change, format)
  return columns.quoted(conn, names(change), format or "%s")
end

local function is_key(change, name)
  for _, column in ipairs(change.key) do
    if column == name then
      return true
    end
  end
  return false
end

-- "a.k = b.k AND ...": key columns are never NULL.
local function same_key(conn, change, a, b)
  local parts = {}
  for i, name in ipairs(change.key) do
    local quoted = conn:quote_identifier(name)
    parts[i] = ("%s.%s = %s.%s"):format(a, quoted, b, quoted)
  end
  return table.concat(parts, " AND ")
end

-- Types without an equality operator are compared by their text.
local function comparable(column)
  return column.type:find("^json%f[^%w]") or column.type:find("^xml") or column.type:find("^json$")
end

-- Whether the rows of one key differ; nil when there is nothing besides the key.
local function differs(conn, change, a, b)
  local left, right = {}, {}
  for _, column in ipairs(change.columns) do
    if not is_key(change, column.name) then
      local format = comparable(column) and "%s.%s::text" or "%s.%s"
      left[#left + 1] = format:format(a, conn:quote_identifier(column.name))
      right[#right + 1] = format:format(b, conn:quote_identifier(column.name))
    end
  end
  return #left > 0 and ("(%s) IS DISTINCT FROM (%s)"):format(table.concat(left, ", "), table.concat(right, ", ")) or nil
end

local function exists(change, where)
  return ("EXISTS (SELECT FROM %s AS n WHERE %s)"):format(change.new, where)
end

-- Views ---------------------------------------------------------------------------------------------

local view = {}

-- The published part of the view has NULL for a raw column that only the new rows have.
function view.append(conn, change)
  local new = {}
  for _, name in ipairs(change.new_columns or {}) do
    new[name] = true
  end
  local old = {}
  for i, name in ipairs(names(change)) do
    local quoted = conn:quote_identifier(name)
    old[i] = new[name] and "NULL::text AS " .. quoted or quoted
  end
  return ("SELECT %s FROM %s UNION ALL SELECT %s FROM %s"):format(table.concat(old, ", "), change.published,
    list_of(conn, change), change.new)
end

function view.merge(conn, change)
  local mark = change.missing == "mark"
  local new = ("SELECT %s%s FROM %s"):format(list_of(conn, change), mark and ", NULL::timestamptz AS _deleted_at" or "",
    change.new)
  if change.missing == "delete" then
    return new
  end
  return ("%s UNION ALL SELECT %s%s FROM %s AS p WHERE NOT %s"):format(new, list_of(conn, change),
    mark and (", coalesce(_deleted_at, %s)"):format(change.at) or "", change.published,
    exists(change, same_key(conn, change, "n", "p")))
end

-- Whether the current row `p` of the published table ends with this run.
local function ends(conn, change)
  local key = same_key(conn, change, "n", "p")
  local differing = differs(conn, change, "n", "p")
  local parts = {}
  if differing then
    parts[1] = exists(change, key .. " AND " .. differing)
  end
  if change.missing == "close" then
    parts[#parts + 1] = "NOT " .. exists(change, key)
  end
  return #parts > 0 and table.concat(parts, " OR ") or "false"
end

-- Whether the new row `n` is of no key that has the same row already.
local function begins(conn, change)
  local differing = differs(conn, change, "n", "p")
  return ("NOT EXISTS (SELECT FROM %s AS p WHERE p._valid_to IS NULL AND %s%s)"):format(change.published,
    same_key(conn, change, "n", "p"), differing and (" AND NOT (%s)"):format(differing) or "")
end

function view.history(conn, change)
  return ([[SELECT %s, p._valid_from,
      CASE WHEN p._valid_to IS NULL AND (%s) THEN %s ELSE p._valid_to END AS _valid_to FROM %s AS p
    UNION ALL SELECT %s, %s, NULL FROM %s AS n WHERE %s]]):format(list_of(conn, change, "p.%s"), ends(conn, change),
    change.at, change.published, list_of(conn, change, "n.%s"), change.at, change.new, begins(conn, change))
end

--- The statements that show a table as it will be.
---@param conn pghost.Connection
---@param change pghost.modes.Change
---@return string[]
function M.view(conn, change)
  return { ("CREATE VIEW %s AS %s"):format(change.view, view[change.mode](conn, change)) }
end

-- Publishing ----------------------------------------------------------------------------------------

local publish = {}

local function insert(conn, change, where)
  return { counts = "added", sql = ("INSERT INTO %s (%s) SELECT %s FROM %s AS n%s"):format(change.published,
    list_of(conn, change), list_of(conn, change, "n.%s"), change.new, where and " WHERE " .. where or "") }
end

function publish.append(conn, change)
  local list = {}
  for _, name in ipairs(change.new_columns or {}) do
    list[#list + 1] = { sql = ("ALTER TABLE %s ADD COLUMN %s text"):format(change.published,
      conn:quote_identifier(name)) }
  end
  list[#list + 1] = insert(conn, change)
  return list
end

local function remove_missing(conn, change)
  local gone = "NOT " .. exists(change, same_key(conn, change, "n", "p"))
  if change.missing == "delete" then
    return { counts = "removed", sql = ("DELETE FROM %s AS p WHERE %s"):format(change.published, gone) }
  end
  return { counts = "removed", sql = ("UPDATE %s AS p SET _deleted_at = %s WHERE p._deleted_at IS NULL AND %s")
    :format(change.published, change.at, gone) }
end

-- What differs, and what comes back after it was marked as deleted.
local function update(conn, change)
  local assignments, conditions = {}, { differs(conn, change, "n", "p") }
  for _, column in ipairs(change.columns) do
    if not is_key(change, column.name) then
      local quoted = conn:quote_identifier(column.name)
      assignments[#assignments + 1] = ("%s = n.%s"):format(quoted, quoted)
    end
  end
  if change.missing == "mark" then
    assignments[#assignments + 1] = "_deleted_at = NULL"
    conditions[#conditions + 1] = "p._deleted_at IS NOT NULL"
  end
  if #assignments == 0 then
    return nil
  end
  return { counts = "changed", sql = ("UPDATE %s AS p SET %s FROM %s AS n WHERE %s AND (%s)"):format(change.published,
    table.concat(assignments, ", "), change.new, same_key(conn, change, "n", "p"), table.concat(conditions, " OR ")) }
end

function publish.merge(conn, change)
  local list = {}
  if change.missing ~= "keep" then
    list[#list + 1] = remove_missing(conn, change)
  end
  list[#list + 1] = update(conn, change)
  list[#list + 1] = insert(conn, change, ("NOT EXISTS (SELECT FROM %s AS p WHERE %s)"):format(change.published,
    same_key(conn, change, "n", "p")))
  return list
end

function publish.history(conn, change)
  local close = { counts = "changed", sql = ("UPDATE %s AS p SET _valid_to = %s WHERE p._valid_to IS NULL AND (%s)")
    :format(change.published, change.at, ends(conn, change)) }
  local open = { counts = "added", sql = ("INSERT INTO %s (%s, _valid_from) SELECT %s, %s FROM %s AS n WHERE %s")
    :format(change.published, list_of(conn, change), list_of(conn, change, "n.%s"), change.at, change.new,
      begins(conn, change)) }
  return { close, open }
end

--- The statements that change the published table; `counts` names what the affected rows are.
---@param conn pghost.Connection
---@param change pghost.modes.Change
---@return { sql: string, counts?: "added"|"changed"|"removed" }[]
function M.publish(conn, change)
  return publish[change.mode](conn, change)
end

return M
