-- What a Citus cluster says of tables: how one is distributed, and whether one could be distributed by a column.
--
-- The tables pg_dist_* exist only with the extension: ask run.cluster before anything here.

local relations = require "pghost.catalog.relations"

local M = {}

---@class pghost.distribute.Placement where the rows of a table are
---@field kind "local"|"key"|"reference"|"single"|"schema"|"other" single: on one node by hand, schema: by its schema
---@field column? string that it is distributed by
---@field type? string of that column
---@field colocation? integer tables of one number have equal values of their columns on one node
---@field with? string quoted name of the table that is so: what is built is colocated with it

local placement_query = [[
  SELECT p.partmethod::pg_catalog.text AS method, p.repmodel::pg_catalog.text AS replication,
    p.colocationid::pg_catalog.int8 AS colocation,
    EXISTS (SELECT 1 FROM pg_catalog.pg_dist_schema AS s WHERE s.schemaid = c.relnamespace) AS of_schema,
    CASE WHEN p.partkey IS NOT NULL THEN pg_catalog.column_to_column_name(p.logicalrelid, p.partkey) END AS name,
    (SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute AS a
      WHERE p.partkey IS NOT NULL AND a.attrelid = c.oid
        AND a.attname::pg_catalog.text = pg_catalog.column_to_column_name(p.logicalrelid, p.partkey)) AS type
  FROM pg_catalog.pg_class AS c LEFT JOIN pg_catalog.pg_dist_partition AS p ON p.logicalrelid::pg_catalog.oid = c.oid
  WHERE c.oid = pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid]]

local function kind_of(row)
  if not row.method then
    return "local"
  elseif row.method == "h" then
    return "key"
  elseif row.method ~= "n" then
    return "other"
  elseif row.replication == "t" then
    return "reference"
  elseif row.of_schema then
    return "schema"
  end
  return row.colocation ~= 0 and "single" or "local"
end

--- Where the rows of a table are; of one that does not exist "local" too, without `with`.
---@param conn pghost.Connection
---@param schema string
---@param name string
---@return pghost.distribute.Placement
function M.placement(conn, schema, name)
  local quoted = relations.quoted(schema, name)
  local row = conn:query(placement_query, quoted)[1]
  if not row then
    return { kind = "local" }
  end
  return { kind = kind_of(row), column = row.name, type = row.type, colocation = row.colocation, with = quoted }
end

-- Of tables alone: what a view reads is not looked at.
local together_query = [[
  SELECT a.relkind = 'r' AND b.relkind = 'r' AND (
    p.logicalrelid IS NULL AND q.logicalrelid IS NULL
    OR p.partmethod = 'h' AND q.partmethod = 'n' AND q.repmodel = 't'
    OR p.partmethod = 'h' AND q.partmethod = 'h' AND p.colocationid = q.colocationid
      AND pg_catalog.column_to_column_name(p.logicalrelid, p.partkey) = $3
      AND pg_catalog.column_to_column_name(q.logicalrelid, q.partkey) = $4) AS yes
  FROM pg_catalog.pg_class AS a LEFT JOIN pg_catalog.pg_dist_partition AS p ON p.logicalrelid::pg_catalog.oid = a.oid,
    pg_catalog.pg_class AS b LEFT JOIN pg_catalog.pg_dist_partition AS q ON q.logicalrelid::pg_catalog.oid = b.oid
  WHERE a.oid = $1::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid
    AND b.oid = $2::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid]]

--- Whether each node has the rows of the second table that have the values of its rows of the first.
---@param conn pghost.Connection
---@param from { relation: string, column: string } quoted name
---@param to { relation: string, column: string }
---@return boolean
function M.are_together(conn, from, to)
  return conn:query(together_query, from.relation, to.relation, from.column, to.column)[1].yes or false
end

--- Whether the tables of a schema are all on one node, because the schema is distributed.
---@param conn pghost.Connection
---@param schema string
---@return boolean
function M.is_distributed_schema(conn, schema)
  return conn:query([[
    SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_dist_schema AS s JOIN pg_catalog.pg_namespace AS n ON n.oid = s.schemaid
      WHERE n.nspname = $1) AS yes]], schema)[1].yes
end

--- Whether the rows of a table are in other tables, on this node or others.
---@param conn pghost.Connection
---@param quoted string name
---@return boolean
function M.has_elsewhere(conn, quoted)
  return conn:query([[
    SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_dist_partition AS p
      WHERE p.logicalrelid::pg_catalog.oid = $1::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid) AS yes]],
    quoted)[1].yes
end

--- Whether this server coordinates the cluster: only there are tables distributed.
---@param conn pghost.Connection
---@return boolean
function M.is_coordinator(conn)
  return conn:query("SELECT pg_catalog.citus_is_coordinator() AS yes")[1].yes
end

-- As create_distributed_table asks: the default hash operator class of the type, of what it is over, or of its kind.
local hash_query = [[
  SELECT pg_catalog.to_regtype($1) IS NULL OR EXISTS (
    SELECT 1 FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_opclass AS c ON c.opcdefault
      JOIN pg_catalog.pg_am AS m ON m.oid = c.opcmethod AND m.amname = 'hash'
    WHERE t.oid = pg_catalog.to_regtype($1)::pg_catalog.oid AND (
      c.opcintype IN (t.oid, t.typbasetype)
      OR c.opcintype = CASE WHEN t.typtype = 'e' THEN 3500::pg_catalog.oid -- anyenum
        WHEN t.typtype = 'r' THEN 3831::pg_catalog.oid -- anyrange
        WHEN t.typcategory = 'A' THEN 2277::pg_catalog.oid END -- anyarray
      OR EXISTS (SELECT 1 FROM pg_catalog.pg_cast AS s WHERE s.castsource = t.oid AND s.casttarget = c.opcintype
        AND s.castmethod = 'b' AND s.castcontext = 'i'))) AS yes]]

--- Whether values of a type can be distributed by.
---@param conn pghost.Connection
---@param type_name string SQL
---@return boolean
function M.has_hash(conn, type_name)
  return conn:query(hash_query, type_name)[1].yes
end

return M
