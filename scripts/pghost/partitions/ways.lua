-- The ways to partition a table: which types of columns each takes, which values have a partition, and the name and the
-- bounds of the partition of a value, as SQL.
--
-- The SQL depends on no setting but a search_path of pg_catalog: a timestamptz is taken in UTC, and dates are written
-- and read in ISO 8601.

local relations = require "pghost.catalog.relations"

local M = {}

---@class pghost.partitions.Way
---@field name string
---@field strategy "RANGE"|"LIST"|"HASH"
---@field types? table<string, boolean> of columns; nil: any that the server can partition by
---@field unit? string what a range is
---@field label? string to_char's, of the first day
---@field letter string of the names of partitions

local of_time = { date = true, timestamp = true, timestamptz = true }

---@type pghost.partitions.Way[]
M.list = {
  { name = "day", strategy = "RANGE", types = of_time, unit = "day", letter = "p", label = "YYYY_MM_DD" },
  { name = "week", strategy = "RANGE", types = of_time, unit = "week", letter = "w", label = "YYYY_MM_DD" },
  { name = "month", strategy = "RANGE", types = of_time, unit = "month", letter = "p", label = "YYYY_MM" },
  { name = "year", strategy = "RANGE", types = of_time, unit = "year", letter = "p", label = "YYYY" },
  { name = "list", strategy = "LIST", letter = "v" },
  { name = "hash", strategy = "HASH", letter = "h" },
}

M.by_name = {}
for _, way in ipairs(M.list) do
  M.by_name[way.name] = way
end

-- The longest end of a partition's name: of a list, "_v_12345678_0123abcd".
M.longest_end = 20

--- The longest name of a partitioned table.
M.longest_name = relations.longest_name - M.longest_end

-- The years that files have (docs/VALUES.md).
local first_day <const>, last_moment <const> = "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"

local function is_zoned(column)
  return column.type == "timestamptz"
end

-- The value as a timestamp without a zone.
local function moment(column, value)
  return is_zoned(column) and ("pg_catalog.timezone('UTC', %s)"):format(value)
    or value .. "::pg_catalog.timestamp"
end

local has_partition = {}

function has_partition.RANGE(column, value)
  local at = moment(column, value)
  return ("(%s >= '%s'::pg_catalog.timestamp AND %s <= '%s'::pg_catalog.timestamp)"):format(at, first_day, at,
    last_moment)
end

function has_partition.LIST(_, value)
  return value .. " IS NOT NULL"
end

function has_partition.HASH()
  return "true"
end

--- SQL: whether a value has a partition of its own; NULL or false where it has none.
---@param way pghost.partitions.Way
---@param column { name: string, type: string }
---@param value string SQL
---@return string
function M.has_partition(way, column, value)
  return has_partition[way.strategy](column, value)
end

-- A bound of a range, which can be read by the type of the column, whatever the settings.
local function bound(column, start)
  local form = column.type == "date" and "YYYY-MM-DD"
    or is_zoned(column) and "YYYY-MM-DD HH24:MI:SS+00" or "YYYY-MM-DD HH24:MI:SS"
  return ("pg_catalog.quote_literal(pg_catalog.to_char(%s, '%s'))"):format(start, form)
end

local wanted = {}

function wanted.RANGE(way, column, from, where)
  return ([[
    SELECT pg_catalog.concat('_%s', pg_catalog.to_char(start, '%s')) AS name,
      pg_catalog.concat('FROM (', %s, ') TO (', %s, ')') AS bounds
    FROM (SELECT DISTINCT pg_catalog.date_trunc('%s', %s) AS start FROM %s AS n WHERE %s) AS s ORDER BY start]])
    :format(way.letter, way.label, bound(column, "start"), bound(column,
      ("start + '1 %s'::pg_catalog.interval"):format(way.unit)), way.unit,
      moment(column, "n." .. relations.quote(column.name)), from, where)
end

-- A value that is not a plain word is distinguished from others by its MD5.
function wanted.LIST(way, column, from, where)
  local value = "n." .. relations.quote(column.name)
  return ([[
    SELECT CASE WHEN value ~ '^[a-z0-9_]{1,16}$' THEN pg_catalog.concat('_%s_', value)
        ELSE pg_catalog.concat_ws('_', '_%s', nullif(pg_catalog.left(pg_catalog.btrim(pg_catalog.regexp_replace(
          pg_catalog.translate(value, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), '[^a-z0-9]+', '_',
          'g'), '_'), 8), ''), pg_catalog.left(pg_catalog.md5(value), 8)) END AS name,
      pg_catalog.concat('IN (', pg_catalog.quote_literal(value), ')') AS bounds
    FROM (SELECT DISTINCT ON (%s) %s::pg_catalog.text COLLATE pg_catalog."C" AS value FROM %s AS n WHERE %s
      ORDER BY %s) AS s ORDER BY value]]):format(way.letter, way.letter, value, value, from, where, value)
end

function wanted.HASH(way, _, _, _, count)
  return ([[
    SELECT pg_catalog.concat('_%s', n) AS name,
      pg_catalog.format('WITH (MODULUS %d, REMAINDER %%s)', n) AS bounds
    FROM pg_catalog.generate_series(0, %d) AS n ORDER BY n]]):format(way.letter, count, count - 1)
end

--- A query for the partitions that the records of a table need: `name`, the end of its name, and `bounds`.
---@param declared pghost.partitions.Declared
---@param from string quoted name of the table
---@param where? string SQL
---@return string
function M.wanted(declared, from, where)
  local way, column = declared.way, declared.column
  local fits = M.has_partition(way, column, "n." .. relations.quote(column.name))
  return wanted[way.strategy](way, column, from, where and ("%s AND %s"):format(fits, where) or fits, declared.count)
end

return M
