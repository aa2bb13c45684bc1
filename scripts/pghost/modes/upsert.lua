-- A merge as one INSERT ... ON CONFLICT DO UPDATE, where that is equivalent to an UPDATE and an INSERT, and cheaper.
--
-- It looks each key up once, where the two statements join the whole table twice. But it locks every row it finds, even
-- an unchanged one, and a lock is written like a change: so it suits files that change most of their rows. It does the
-- same for a plain table whose only unique index is the key, with the columns of the new rows and no others: the server
-- checks a row as one to be inserted before it finds the one that is there.

local columns = require "pghost.catalog.columns"
local comparison = require "pghost.modes.comparison"
local qualified = require "pghost.modes.qualified"
local sql = require "pghost.lib.sql"
local table_facts = require "pghost.modes.table_facts"

local M = {}

-- A few rows each from many pages: changed rows are often adjacent in a file.
local sample_pages <const>, sample_rows <const> = 64, 500

--- When it is worth it; what it does does not depend on that. Below some rows the sample costs more than it can save.
---@type { least_rows: integer, most_unchanged: number } most_unchanged: share of the new rows
M.limits = { least_rows = 5000, most_unchanged = 0.1 }

local plain_query = qualified [[
  SELECT c.relkind = 'r' AND NOT c.relhassubclass AND n.relkind = 'r' AND n.reltuples >= $4::pg_catalog.float8
    AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_index AS i
      WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion)) = 1
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = c.oid AND NOT k.convalidated)
    AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND NOT a.attname::pg_catalog.text = ANY ($3::pg_catalog.text[])
        AND (a.attname <> '_deleted_at' OR a.atthasdef OR a.attnotnull)) AS plain,
    n.reltuples::pg_catalog.float8 AS rows, greatest(n.relpages, 1)::pg_catalog.int8 AS pages
  FROM pg_catalog.pg_class AS c, pg_catalog.pg_class AS n
  WHERE c.oid = $1::pg_catalog.regclass AND n.oid = $2::pg_catalog.regclass]]

-- Whether a sample of the new rows says that most of them are changed or new.
local function changes_most(conn, change, size)
  local share = math.min(1, sample_pages / size.pages)
  local row = conn:query(([[
    SELECT pg_catalog.count(*) AS sampled,
      pg_catalog.count(*) FILTER (WHERE EXISTS (SELECT 1 FROM %s AS p WHERE %s AND NOT %s)) AS unchanged
    FROM (
      SELECT * FROM %s TABLESAMPLE pg_catalog.system (%.6f)
      WHERE pg_catalog.random() OPERATOR(pg_catalog.<) %.9f LIMIT %d
    ) AS n]]):format(change.published, columns.same_key(change.keys, "n", "p"), comparison.differs(change, "n", "p"),
    change.new, 100 * share, sample_rows / (size.rows * share), 2 * sample_rows))[1]
  return row.sampled > 0 and row.unchanged <= M.limits.most_unchanged * row.sampled
end

--- Whether a change is best published as an upsert.
---@param conn pghost.Connection in the transaction that publishes, with a lock on the table that keeps its definition
---@param change pghost.modes.Change
---@return boolean
function M.suits(conn, change)
  if change.mode ~= "merge" or change.only_new or change.distributed or not comparison.differs(change, "n", "p")
    or not columns.is_primary_key(conn, change.published, columns.names(change.keys)) then
    return false
  end
  local found = conn:query(plain_query, change.published, change.new, sql.array(columns.names(change.columns)),
    tostring(M.limits.least_rows))[1]
  return found.plain and #table_facts.actors(conn, change.published) == 0 and changes_most(conn, change, found)
end

-- The server counts what it has inserted and updated together. A row that was there before is locked by this
-- transaction, and a new one is by nobody.
local is_new <const> = "p.xmax OPERATOR(pg_catalog.=) '0'::pg_catalog.xid"

--- The statement in the place of UPDATE and INSERT.
---@param change pghost.modes.Change
---@return pghost.modes.Statement
function M.statement(change)
  local assignments, condition = comparison.update(change, "excluded")
  local list = columns.list(change.columns)
  return { counts_each = true, sql = ([[
    WITH stored AS (
      INSERT INTO %s AS p (%s) SELECT %s FROM %s AS n
      ON CONFLICT (%s) DO UPDATE SET %s WHERE %s RETURNING %s AS is_new
    ) SELECT pg_catalog.count(*) FILTER (WHERE is_new) AS added,
      pg_catalog.count(*) FILTER (WHERE NOT is_new) AS changed FROM stored]]):format(change.published, list,
      columns.list(change.columns, "n.%s"), change.new, columns.list(change.keys), assignments, condition, is_new) }
end

return M
