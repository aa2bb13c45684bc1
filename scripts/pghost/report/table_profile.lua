-- What is in the columns of a published table: nulls, distinct values, range, most frequent, histogram.
--
-- One scan a table, of all rows while it has at most a million cells, else of a sample of pages, and the
-- profile says which. Runs within history.reading; a table that is not pghost's own is not touched.

local cjson = require "cjson"
local history = require "pghost.report.recorded_run"
local lists = require "pghost.lib.lists"
local trust = require "pghost.catalog.trust"

local M = {}

---@class pghost.report.Profile
---@field table_name string
---@field rows integer looked at
---@field estimated integer of the table, by the server's statistics
---@field sampled boolean
---@field columns table[] name, type, kind, nulls, distinct, low, high, mean, histogram, top
---@field problem? string why there is no profile

local most_cells <const> = 1000000
local most_columns <const> = 250
local buckets <const> = 24

-- The table with this name, if pghost published it and nobody has replaced it since.
local find <const> = [[
  SELECT c.oid::bigint AS oid, c.reltuples::float8 AS estimated,
    pg_catalog.obj_description(c.oid, 'pg_class') AS comment
  FROM pghost.published AS p
  JOIN pg_class AS c ON c.oid = p.relation
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = p.schema_name AND c.relname = p.table_name
  WHERE p.schema_name = $1 AND p.table_name = $2 AND c.relkind IN ('r', 'p')
    AND ]] .. trust.trusted "c.relowner"

local list_columns <const> = [[
  SELECT a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
    CASE WHEN t.typnamespace <> 'pg_catalog'::regnamespace THEN 'other'
      WHEN t.typname IN ('int2', 'int4', 'int8', 'float4', 'float8', 'numeric') THEN 'number'
      WHEN t.typname IN ('date', 'timestamp', 'timestamptz') THEN 'time'
      WHEN t.typname = 'bool' THEN 'boolean'
      WHEN t.typname IN ('text', 'varchar', 'bpchar') THEN 'text' ELSE 'other' END AS kind
  FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
  WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum]]

-- Shapes of one column over the rows `s`; %q stands for its quoted name, %b for the number of buckets.
local shapes <const> = {
  text = [[
    SELECT pg_catalog.json_build_object('nulls', (SELECT pg_catalog.count(*) - pg_catalog.count(%c) FROM s),
      'distinct', (SELECT pg_catalog.count(*) FROM g), 'low', (SELECT pg_catalog.min(pg_catalog.length(v)) FROM g),
      'high', (SELECT pg_catalog.max(pg_catalog.length(v)) FROM g),
      'top', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(pg_catalog.left(v, 100), n))
        FROM (SELECT v, n FROM g ORDER BY n DESC,
        v LIMIT 5) AS t))
    FROM (SELECT) AS one]],
  scale = [[
    SELECT pg_catalog.json_build_object('nulls', b.nulls, 'distinct', b.kinds, 'low', b.low::text, 'high', b.high::text,
      'mean', %m, 'histogram', (
        SELECT pg_catalog.json_agg(coalesce(h.n, 0) ORDER BY i) FROM pg_catalog.generate_series(1, %b) AS i LEFT JOIN (
          SELECT least(pg_catalog.width_bucket(%x, b.low_x, b.high_x, %b), %b) AS bucket, pg_catalog.count(*) AS n
          FROM s
          WHERE %c IS NOT NULL AND b.high_x > b.low_x AND %x BETWEEN b.low_x AND b.high_x GROUP BY 1
        ) AS h ON h.bucket = i))
    FROM (
      SELECT pg_catalog.count(*) - pg_catalog.count(%c) AS nulls, pg_catalog.count(DISTINCT %c) AS kinds,
        pg_catalog.min(%c) AS low, pg_catalog.max(%c) AS high,
        pg_catalog.avg(%x) FILTER (WHERE %f) AS mean, pg_catalog.min(%x) FILTER (WHERE %f) AS low_x,
        pg_catalog.max(%x) FILTER (WHERE %f) AS high_x
      FROM s
    ) AS b]],
}

local function fill(text, values)
  return (text:gsub("%%(%a)", values))
end

-- Rows that a double cannot hold as finite numbers count in none of mean and histogram.
local function query_of(conn, column)
  local name = conn:quote_identifier(column.name)
  if column.kind == "number" or column.kind == "time" then
    local x = column.kind == "time" and ("extract(epoch FROM %s)::float8"):format(name)
      or column.type:find("^numeric") and ("CASE WHEN %s BETWEEN -1e300 AND 1e300 THEN %s::float8 END"):format(name,
        name)
      or name .. "::float8"
    return fill(shapes.scale, { c = name, x = x, b = tostring(buckets),
      m = column.kind == "number" and "pg_catalog.to_char(b.mean, 'FM999999999999990.0')" or "NULL",
      f = ("%s NOT IN ('Infinity', '-Infinity', 'NaN')"):format(x) })
  end
  return ("WITH g AS (SELECT %s::text AS v, pg_catalog.count(*) AS n FROM s WHERE %s IS NOT NULL GROUP BY 1) ")
    :format(name, name)
    .. fill(shapes.text, { c = name })
end

local function source(conn, schema, name, list, estimated)
  local most = math.max(1000, most_cells // #list)
  local names = lists.map(list, function(column)
    return conn:quote_identifier(column.name)
  end)
  local text = ("SELECT %s FROM %s.%s"):format(table.concat(names, ", "), conn:quote_identifier(schema),
    conn:quote_identifier(name))
  if estimated <= most then
    return text .. (" LIMIT %d"):format(most * 2), most * 2
  end
  return text .. (" TABLESAMPLE SYSTEM (%.6f) REPEATABLE (1) LIMIT %d"):format(
    math.min(100, 100 * most / estimated), most * 2), most * 2, true
end

local function take_over(column, json)
  for key, value in pairs(cjson.decode(json)) do
    if value ~= cjson.null then
      column[key] = type(value) == "number" and math.tointeger(value) or value
    end
  end
end

-- The texts of several scalar queries over the rows of `from`, which are read once.
local function ask(conn, from, texts)
  return conn:transaction(function()
    return conn:query(("WITH s AS MATERIALIZED (%s) SELECT pg_catalog.unnest(ARRAY[%s]) AS one"):format(from,
      table.concat(texts, ",\n")))
  end)
end

-- A value that no double can hold fails the whole query: then each column is queried separately.
local function numbers(conn, schema, name, list, estimated)
  local from, limit, sampled = source(conn, schema, name, list, estimated)
  local count <const> = "(SELECT pg_catalog.count(*)::text FROM s)"
  local texts = { count }
  for i, column in ipairs(list) do
    texts[i + 1] = ("(%s)::text"):format(query_of(conn, column))
  end
  local done, all = pcall(ask, conn, from, texts)
  local rows = math.tointeger(tonumber((done and all or ask(conn, from, { count }))[1].one))
  for i, column in ipairs(list) do
    local known, one = done, done and all[i + 1]
    if not done then
      known, one = pcall(ask, conn, from, { texts[i + 1] })
      one = known and one[1]
    end
    if known then
      take_over(column, one.one)
    end
  end
  return rows, sampled or rows == limit
end

--- Its columns, if it is a table that pghost has published.
---@param conn pghost.Connection within history.reading
---@param schema string
---@param name string
---@return table? found oid, estimated, comment
---@return table[]? columns name, type, kind, not_null
function M.columns(conn, schema, name)
  local found = conn:query(find, schema, name)[1]
  if found then
    return found, history.plain(conn:query(list_columns, found.oid))
  end
end

--- The profile of one table; with `problem` where there can be none.
---@param conn pghost.Connection within history.reading
---@param schema string
---@param name string
---@return pghost.report.Profile
function M.of(conn, schema, name)
  local found, list = M.columns(conn, schema, name)
  if not found or not list then
    return { table_name = name, columns = {}, problem = "no table of this name that pghost has published" }
  end
  local all = #list
  list = table.move(list, 1, math.min(all, most_columns), 1, {})
  local profile = { table_name = name, columns = list, all_columns = all, comment = found.comment,
    estimated = math.floor(found.estimated) }
  local done, problem = pcall(function()
    profile.rows, profile.sampled = numbers(conn, schema, name, list, found.estimated)
  end)
  if not done then
    profile.problem = tostring(problem)
  end
  return profile
end

return M
