-- The timestamp that a publish gives its changes: _valid_from, _valid_to, _deleted_at.
--
-- Publishes into one schema happen one after the other, in the order they get the lock, not in the order their runs
-- started. So the timestamp is read under that lock, and is later than any that the keys already have, whatever the
-- server's clock does. One timestamp for all tables of a publish.

local columns = require "pghost.catalog.columns"
local conditions = require "pghost.modes.conditions"

local M = {}

-- A query for the latest date of a table, or of the keys that few new rows have; nil: a change does not date its rows.
local function latest(change)
  if change.mode == "history" then
    local from = change.published .. " AS p"
    if change.few and change.missing == "keep" then
      from = ("%s, %s AS n WHERE %s"):format(from, conditions.new_rows(change),
        columns.same_key(change.keys, "n", "p"))
    end
    return "SELECT greatest(pg_catalog.max(p._valid_from), pg_catalog.max(p._valid_to)) AS at FROM " .. from
  elseif change.missing == "mark" then
    return "SELECT pg_catalog.max(_deleted_at) AS at FROM " .. change.published
  end
end

-- The clock's time, or a later one if any of those dates is not before it.
local function query_of(changes)
  local dates = {}
  for _, change in ipairs(changes) do
    dates[#dates + 1] = latest(change)
  end
  return #dates > 0 and ([[
    SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', greatest(pg_catalog.clock_timestamp(), pg_catalog.max(d.at)
      OPERATOR(pg_catalog.+) '1 microsecond'::pg_catalog.interval)), 'YYYY-MM-DD HH24:MI:SS.US') AS at
    FROM (%s) AS d]]):format(table.concat(dates, " UNION ALL ")) or nil
end

--- The SQL of the moment of a publish; nil where no change is dated.
---@param conn pghost.Connection in the transaction that publishes, under its lock
---@param changes pghost.modes.Change[]
---@return string?
function M.read(conn, changes)
  local query = query_of(changes)
  return query and ("'%s+00'::pg_catalog.timestamptz"):format(conn:query(query)[1].at) or nil
end

return M
