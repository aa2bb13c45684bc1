-- The profile that a table's load stored (pghost.profiles), for reports: no table is read for it.

local cjson = require "cjson"
local log = require "pghost.lib.log"

local M = {}

-- A load into an empty table is the table; one that adds to it says nothing of the rest.
local query <const> = [[
  SELECT p.column_name AS name, p.type, p.records, p.nulls, p.distinct_values AS "distinct", p.distinct_exact,
    p.least, p.greatest, p.mean, p.details::text AS details
  FROM pghost.profiles AS p
  WHERE p.run_id = $1 AND p.table_name = $2 AND NOT EXISTS (
    SELECT 1 FROM pghost.files AS f WHERE f.run_id = p.run_id AND f.table_name = p.table_name AND f.mode <> 'replace')
  ORDER BY p.place]]

local moments <const> = { date = true, timestamp = true, timestamptz = true }
local texts <const> = { text = true, varchar = true, char = true }

local function kind_of(row, details)
  if moments[row.type] then
    return "time"
  elseif row.type == "boolean" then
    return "boolean"
  elseif texts[row.type:match "^%a+"] then
    return "text"
  end
  return (row.mean or details.quantiles) and "number" or "other"
end

-- Of a sample the counts are what they would be in all rows.
local function top_of(row, details)
  local top, values = {}, row.records - row.nulls
  for i = 1, math.min(5, #(details.values or {})) do
    local one = details.values[i]
    top[i] = { one.value, math.floor(one.count * values / details.looked_at + 0.5) }
  end
  return top
end

local function column_of(row)
  local details = cjson.decode(row.details)
  local column = { name = row.name, type = row.type, kind = kind_of(row, details), nulls = row.nulls,
    distinct = (row.distinct_exact and "" or "about ") .. log.count(row.distinct), top = top_of(row, details),
    histogram = details.histogram,
    quantiles = details.quantiles, low = row.least, high = row.greatest, mean = row.mean and ("%.1f"):format(row.mean) }
  if column.kind == "text" then
    column.low, column.high = details.length and details.length.min, details.length and details.length.max
  elseif column.kind == "other" then
    column.low, column.high = nil, nil
  end
  return column
end

--- The profile of a table as a run has loaded it; nil: the run has stored none, or it is not of the whole table.
---@param conn pghost.Connection within history.reading
---@param run_id integer
---@param name string
---@return pghost.report.Profile?
function M.of(conn, run_id, name)
  local rows, columns = conn:query(query, run_id, name), {}
  for row in rows:rows() do
    columns[#columns + 1] = column_of(row)
  end
  if #columns > 0 then
    return { table_name = name, columns = columns, all_columns = #columns, rows = rows[1].records,
      estimated = rows[1].records, sampled = false, stored = true }
  end
end

return M
