-- What the catalog says of the tables of a change: columns, how their values are compared, and what else acts on
-- rows that are written to them. SQL in, values out.

local qualified = require "pghost.modes.qualified"
local sql = require "pghost.lib.sql"

local M = {}

---@class pghost.modes.Column
---@field name string
---@field type string with its modifier, as the server writes it
---@field collation? string quoted, with its schema

---@class pghost.modes.KeyColumn
---@field name string
---@field equality string operator of the type's default btree order, with its schema
---@field exact boolean values that are equal are stored alike (the order's own promise: btree support function 4)
---@field collation? string of the published table, where the new rows have another one

local columns_query = qualified [[
SELECT a.attname::pg_catalog.text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
  c.collname::pg_catalog.text AS collation, m.nspname::pg_catalog.text AS collation_schema
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_collation AS c ON c.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace AS m ON m.oid = c.collnamespace
WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum]]

-- The base type of a domain, and the default btree operator class of it, by the server's own rules: the one of the
-- type, or of one it is stored alike, a preferred one first (GetDefaultOpClass in indexcmds.c).
local key_query = qualified [[
SELECT a.attname::pg_catalog.text AS name, o.operator_schema, o.operator,
  coalesce(o.exact AND (c.oid IS NULL OR c.collisdeterministic), false) AS exact
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_collation AS c ON c.oid = a.attcollation
CROSS JOIN LATERAL (
  WITH RECURSIVE base (oid, kind, of_type, element) AS (
    SELECT t.oid, t.typtype, t.typbasetype, t.typelem FROM pg_catalog.pg_type AS t WHERE t.oid = a.atttypid
    UNION ALL
    SELECT t.oid, t.typtype, t.typbasetype, t.typelem
    FROM base JOIN pg_catalog.pg_type AS t ON t.oid = base.of_type WHERE base.kind = 'd'
  )
  SELECT base.oid, base.kind, EXISTS (
    SELECT 1 FROM pg_catalog.pg_type AS e WHERE e.oid = base.element AND e.typarray = base.oid) AS is_array
  FROM base WHERE base.kind <> 'd'
) AS b
LEFT JOIN LATERAL (
  SELECT p.oprname::pg_catalog.text AS operator, n.nspname::pg_catalog.text AS operator_schema, EXISTS (
      SELECT 1 FROM pg_catalog.pg_amproc AS f WHERE f.amprocfamily = d.opcfamily AND f.amprocnum = 4
        AND f.amproclefttype = d.opcintype AND f.amprocrighttype = d.opcintype) AS exact
  FROM pg_catalog.pg_opclass AS d
  JOIN pg_catalog.pg_am AS h ON h.oid = d.opcmethod AND h.amname = 'btree'
  JOIN pg_catalog.pg_type AS i ON i.oid = d.opcintype
  JOIN pg_catalog.pg_amop AS s ON s.amopfamily = d.opcfamily AND s.amopstrategy = 3
    AND s.amoplefttype = d.opcintype AND s.amoprighttype = d.opcintype
  JOIN pg_catalog.pg_operator AS p ON p.oid = s.amopopr
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.oprnamespace
  WHERE d.opcdefault AND (d.opcintype = b.oid
    OR i.typname = CASE WHEN b.is_array THEN 'anyarray' WHEN b.kind = 'e' THEN 'anyenum'
      WHEN b.kind = 'r' THEN 'anyrange' WHEN b.kind = 'm' THEN 'anymultirange' WHEN b.kind = 'c' THEN 'record' END
    OR EXISTS (SELECT 1 FROM pg_catalog.pg_cast AS k
      WHERE k.castsource = b.oid AND k.casttarget = d.opcintype AND k.castmethod = 'b' AND k.castcontext = 'i'))
  ORDER BY (d.opcintype = b.oid) DESC, i.typispreferred DESC LIMIT 1
) AS o ON true
WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attname::pg_catalog.text = ANY ($2::pg_catalog.text[])]]

local function quoted(conn, schema, name)
  return name and conn:quote_identifier(schema) .. "." .. conn:quote_identifier(name) or nil
end

--- The columns of a table, in order and by name.
---@param conn pghost.Connection
---@param table_name string quoted, with its schema
---@return pghost.modes.Column[]
---@return table<string, pghost.modes.Column>
function M.columns(conn, table_name)
  local list, by_name = {}, {}
  for row in conn:query(columns_query, table_name):rows() do
    local column = { name = row.name, type = row.type,
      collation = quoted(conn, row.collation_schema, row.collation) }
    list[#list + 1], by_name[row.name] = column, column
  end
  return list, by_name
end

--- The columns of a key, in its order.
---@param conn pghost.Connection
---@param table_name string quoted
---@param key string[]
---@return pghost.modes.KeyColumn[]
function M.key(conn, table_name, key)
  local list, by_name = {}, {}
  for row in conn:query(key_query, table_name, sql.array(key)):rows() do
    by_name[row.name] = { name = row.name, exact = row.exact, equality = row.operator and ("OPERATOR(%s.%s)"):format(
      conn:quote_identifier(row.operator_schema), row.operator) }
  end
  for i, name in ipairs(key) do
    list[i] = by_name[name]
  end
  return list
end

local published_query = qualified [[
SELECT c.relkind::pg_catalog.text AS kind FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2]]

--- The kind of a relation (relkind), nil when there is none of that name.
---@param conn pghost.Connection
---@param schema string
---@param name string
---@return string?
function M.kind(conn, schema, name)
  local row = conn:query(published_query, schema, name)[1]
  return row and row.kind
end

-- Partitions have triggers and rules of their own; those of a foreign table are out of sight.
local actors_query = qualified [[
WITH RECURSIVE family AS (
  SELECT $1::pg_catalog.regclass::pg_catalog.oid AS oid
  UNION
  SELECT i.inhrelid AS oid FROM family JOIN pg_catalog.pg_inherits AS i ON i.inhparent = family.oid
)
SELECT pg_catalog.concat('trigger ''', t.tgname, '''') AS actor
FROM family JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = family.oid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
UNION
SELECT pg_catalog.concat('rule ''', r.rulename, '''')
FROM family JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = family.oid
WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D'
UNION
SELECT pg_catalog.concat('foreign table ''', c.relname, '''')
FROM family JOIN pg_catalog.pg_class AS c ON c.oid = family.oid
WHERE c.relkind = 'f'
ORDER BY 1]]

--- What may store other rows than those it is given: triggers, rules, foreign partitions.
---@param conn pghost.Connection
---@param table_name string quoted
---@return string[] "trigger 'x'", ...
function M.actors(conn, table_name)
  local list = {}
  for row in conn:query(actors_query, table_name):rows() do
    list[#list + 1] = row.actor
  end
  return list
end

--- How the statements of a change are best written; what they do does not depend on it. `few`: one table has less than
--- a thirtieth of the rows that another is said to have. `distributed`: tables may be on several servers, which plan
--- other shapes of queries than one server does.
---@param conn pghost.Connection
---@param table_name string quoted
---@param other string quoted
---@return { few: boolean, distributed: boolean }
function M.shape(conn, table_name, other)
  return conn:query((qualified [[
    SELECT (SELECT pg_catalog.count(*) FROM %s) OPERATOR(pg_catalog.*) 30 <= c.reltuples AS few,
      EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'citus') AS distributed
    FROM pg_catalog.pg_class AS c WHERE c.oid = $1::pg_catalog.regclass]]):format(table_name), other)[1]
end

return M
