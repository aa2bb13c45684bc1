-- The moment that a publish dates its changes with: _valid_from, _valid_to, _deleted_at.
--
-- Publishes into one schema come one after the other, in the order of their lock, and not in the order in which their
-- runs started. So the moment is read under that lock, and is later than any that the tables have already, whatever
-- the server's clock does. One moment for all tables of a publish.

local M = {}

local dated = { history = { "_valid_from", "_valid_to" }, merge = { "_deleted_at" } }

local function columns_of(change)
  return (change.mode == "history" or change.missing == "mark") and dated[change.mode] or {}
end

-- Later than what the clock says, and than every date of the changed tables.
local function query_of(changes)
  local sources = { "SELECT pg_catalog.clock_timestamp() AS at" }
  for _, change in ipairs(changes) do
    for _, column in ipairs(columns_of(change)) do
      sources[#sources + 1] = ("SELECT pg_catalog.max(%s) OPERATOR(pg_catalog.+) '1 microsecond'::pg_catalog.interval "
        .. "FROM %s"):format(column, change.published)
    end
  end
  return #sources > 1 and ("SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.max(at)), "
    .. "'YYYY-MM-DD HH24:MI:SS.US') AS at FROM (%s) AS moments"):format(table.concat(sources, " UNION ALL ")) or nil
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
