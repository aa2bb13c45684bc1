-- Stored profiles (pghost.profiles) as columnMetrics of OpenLineage. Extremes and quantiles are JSON numbers there, so
-- only columns of numbers have them.

local cjson = require "cjson"

local M = {}

---@class pghost.report.ColumnMetrics
---@field records integer rows that were evaluated
---@field columns table<string, table> by name, as the facet has them

-- A load that adds to a table says nothing of the rest.
local query <const> = [[
  SELECT p.table_name, p.column_name, p.records, p.nulls, p.distinct_values, p.least, p.greatest, p.mean,
    p.type IN ('smallint', 'integer', 'bigint', 'real', 'double precision') OR p.type LIKE 'numeric%' AS is_number,
    p.details::text AS details
  FROM pghost.profiles AS p
  WHERE p.run_id = $1 AND NOT EXISTS (SELECT 1 FROM pghost.files AS f WHERE f.run_id = p.run_id
    AND f.table_name IN (p.table_name, pg_catalog.regexp_replace(p.table_name, '_raw$', '')) AND f.mode <> 'replace')
  ORDER BY p.table_name, p.place]]

-- Not-finite numbers do not exist in JSON.
local function finite(text)
  local number = tonumber(text)
  return number and number == number and math.abs(number) ~= math.huge and number or nil
end

local function quantiles_of(details)
  local out
  for _, one in ipairs(details.quantiles or {}) do
    local number = finite(one.value)
    if number then
      out = out or {}
      out[("%g"):format(one.share)] = number
    end
  end
  return out
end

local function column_of(row)
  local count = row.records - row.nulls
  local one = { nullCount = row.nulls, count = count, distinctCount = row.distinct_values }
  if row.is_number then
    local details = cjson.decode(row.details)
    one.min, one.max, one.quantiles = finite(row.least), finite(row.greatest), quantiles_of(details)
    one.sum = row.mean and finite(row.mean * (count - (details.not_finite or 0)))
  end
  return one
end

--- The column metrics of a run's tables that it has loaded as a whole.
---@param conn pghost.Connection within history.reading
---@param run_id integer
---@return table<string, pghost.report.ColumnMetrics> by_table
function M.of(conn, run_id)
  local tables = {}
  for row in conn:query(query, run_id):rows() do
    local one = tables[row.table_name] or { records = row.records, columns = {} }
    one.columns[row.column_name], tables[row.table_name] = column_of(row), one
  end
  return tables
end

return M
