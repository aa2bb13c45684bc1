-- Columns of a table, from the catalog: names and types, and how two values of a key compare.

local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local relations = require "pghost.catalog.relations"
local sql = require "pghost.lib.sql"
local trust = require "pghost.catalog.trust"

local M = {}

--- The most columns a table can have (MaxHeapAttributeNumber).
M.most = 1600

---@class pghost.catalog.Column
---@field name string
---@field number integer attnum
---@field type string with its modifier; of another schema than pg_catalog always with the schema, so
--- that it means the same under every search_path
---@field not_null boolean
---@field generated boolean GENERATED ALWAYS AS (...)
---@field collation? string quoted, with its schema

-- format_type leaves out the schema of a type that the search_path finds; an array has the schema of
-- its element's type.
local read_query = [[
  SELECT name, number, not_null, generated, collation_schema, collation_name,
    CASE WHEN schema = 'pg_catalog' OR pg_catalog.starts_with(type, prefix) THEN type
      ELSE pg_catalog.concat(prefix, type) END AS type
  FROM (
    SELECT a.attname AS name, a.attnum::pg_catalog.int8 AS number, a.attnotnull AS not_null,
      a.attgenerated <> '' AS generated, n.nspname AS schema,
      pg_catalog.concat(pg_catalog.quote_ident(n.nspname::pg_catalog.text), '.') AS prefix,
      pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
      m.nspname AS collation_schema, c.collname AS collation_name
    FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
      LEFT JOIN pg_catalog.pg_collation AS c ON c.oid = a.attcollation
      LEFT JOIN pg_catalog.pg_namespace AS m ON m.oid = c.collnamespace
    WHERE a.attrelid = $1::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid AND a.attnum > 0
      AND NOT a.attisdropped
  ) AS described
  ORDER BY number]]

--- The columns of a table in its order, without dropped and system ones.
---@param conn pghost.Connection
---@param relation string its quoted name
---@return pghost.catalog.Column[]
---@return table<string, pghost.catalog.Column> by_name
function M.read(conn, relation)
  local list, by_name = {}, {}
  for row in conn:query(read_query, relation):rows() do
    local column = { name = row.name, number = row.number, type = row.type, not_null = row.not_null,
      generated = row.generated,
      collation = row.collation_name and relations.quoted(row.collation_schema, row.collation_name) }
    list[#list + 1], by_name[row.name] = column, column
  end
  return list, by_name
end

--- The names of described columns.
---@param list { name: string }[]
---@return string[]
function M.names(list)
  return lists.map(list, function(column)
    return column.name
  end)
end

--- Their quoted names, for SQL.
---@param list { name: string }[]
---@param format? string with one "%s" for each name; default "%s"
---@return string
function M.list(list, format)
  return relations.list(M.names(list), format)
end

-- Key equality --------------------------------------------------------------------------------------
--
-- A primary key compares by the default btree operator class of its type. The same equality operator is used here, with
-- its schema: an unqualified `=` is whatever the search_path finds. Only a superuser can make an operator class, but
-- its function may belong to somebody else, who can replace it at any time.

-- The class of the type itself (of a domain: its base type); else that of its kind; else that of a type with the same
-- bytes (varchar: text). Support function 4 of its family (equalimage) is the promise that equal values are stored
-- alike.
local equality_query = [[
  WITH RECURSIVE base (name, number, type, collation_id, depth) AS (
    SELECT attname, attnum, atttypid, attcollation, 0 FROM pg_catalog.pg_attribute
    WHERE attrelid = $1::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT b.name, b.number, t.typbasetype, b.collation_id, b.depth + 1
    FROM base AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type WHERE t.typtype = 'd'
  ), last AS (
    SELECT DISTINCT ON (number) name, number, type, collation_id FROM base ORDER BY number, depth DESC
  ), kind AS (
    SELECT l.name, l.type, l.collation_id, CASE WHEN t.typtype = 'e' THEN 3500::pg_catalog.oid -- anyenum
      WHEN t.typtype = 'r' THEN 3831::pg_catalog.oid -- anyrange
      WHEN t.typtype = 'm' THEN 4537::pg_catalog.oid -- anymultirange
      WHEN t.typtype = 'c' THEN 2249::pg_catalog.oid -- record
      WHEN t.typelem <> 0::pg_catalog.oid AND t.typlen = -1 AND t.typcategory = 'A'
        THEN 2277::pg_catalog.oid -- anyarray
      END AS type_of_kind
    FROM last AS l JOIN pg_catalog.pg_type AS t ON t.oid = l.type
  )
  SELECT k.name, pg_catalog.format_type(k.type, NULL) AS type, chosen.*,
    k.collation_id = 0::pg_catalog.oid OR (
      SELECT l.collisdeterministic FROM pg_catalog.pg_collation AS l WHERE l.oid = k.collation_id) AS deterministic
  FROM kind AS k LEFT JOIN LATERAL (
    SELECT on_.nspname AS operator_schema, o.oprname AS operator, tn.nspname AS type_schema, t.typname AS compared_as,
      EXISTS (SELECT 1 FROM pg_catalog.pg_amproc AS f
        WHERE f.amprocfamily = c.opcfamily AND f.amprocnum = 4 AND f.amproclefttype = c.opcintype
          AND f.amprocrighttype = c.opcintype) AS alike,
      pg_catalog.pg_get_userbyid(p.proowner) AS owner, p.proowner AS owner_oid,
      ]] .. trust.surely_trusted "p.proowner" .. [[ AS trusted
    FROM pg_catalog.pg_opclass AS c
      JOIN pg_catalog.pg_am AS am ON am.oid = c.opcmethod AND am.amname = 'btree'
      JOIN pg_catalog.pg_amop AS ao ON ao.amopfamily = c.opcfamily AND ao.amopstrategy = 3
        AND ao.amoplefttype = c.opcintype AND ao.amoprighttype = c.opcintype
      JOIN pg_catalog.pg_operator AS o ON o.oid = ao.amopopr
      JOIN pg_catalog.pg_namespace AS on_ ON on_.oid = o.oprnamespace
      JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode::pg_catalog.oid
      JOIN pg_catalog.pg_type AS t ON t.oid = c.opcintype
      JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
      LEFT JOIN pg_catalog.pg_cast AS s ON s.castsource = k.type AND s.casttarget = c.opcintype
        AND s.castmethod = 'b' AND s.castcontext = 'i'
    WHERE c.opcdefault AND (c.opcintype = k.type OR c.opcintype = k.type_of_kind OR s.oid IS NOT NULL)
    ORDER BY c.opcintype = k.type DESC, c.opcintype = k.type_of_kind DESC NULLS LAST, t.typispreferred DESC, t.oid
    LIMIT 1
  ) AS chosen ON true]]

---@class pghost.catalog.KeyColumn
---@field name string
---@field type string without its modifier; of a domain what it is over
---@field operator string with its schema
---@field cast string what follows each operand: "", or "::" and a type
---@field exact boolean values that are equal are stored alike
---@field collation? string to compare by, where two tables differ in it

local function is_trusted(conn, row)
  return row.trusted or conn:query("SELECT " .. trust.trusted "$1::pg_catalog.oid" .. " AS yes", row.owner_oid)[1].yes
end

local function compared(conn, relation, row)
  if not row.operator then
    errors.raise(("column '%s' of %s: type %s has no equality, so it cannot be a key"):format(row.name, relation,
      row.type), "42883")
  elseif not is_trusted(conn, row) then
    errors.raise(("column '%s' of %s: type %s compares by a function of role '%s', which could change it at any time: "
      .. "have a superuser own that function, or use another type"):format(row.name, relation, row.type, row.owner),
      "42501")
  end
  local column = { name = row.name, type = row.type, exact = row.alike and row.deterministic }
  if row.operator_schema == "pg_catalog" and row.compared_as ~= "record" then
    column.cast, column.operator = "", ("OPERATOR(pg_catalog.%s)"):format(row.operator)
  else -- a cast makes it an exact match: nobody can put a better one into that schema
    column.cast = "::" .. relations.quoted(row.type_schema, row.compared_as)
    column.operator = ("OPERATOR(%s.%s)"):format(relations.quote(row.operator_schema), row.operator)
  end
  return column
end

--- How the columns of a key compare, as the primary key of the table has it. Raises where a type has no equality, or
--- one that a stranger could change.
---@param conn pghost.Connection
---@param relation string quoted name of a table with these columns
---@param key string[]
---@return pghost.catalog.KeyColumn[] columns in the order of `key`
function M.key(conn, relation, key)
  local found, list, is_wanted = {}, {}, {}
  for _, name in ipairs(key) do
    is_wanted[name] = true
  end
  for row in conn:query(equality_query, relation):rows() do
    if is_wanted[row.name] then
      found[row.name] = compared(conn, relation, row)
    end
  end
  for i, name in ipairs(key) do
    list[i] = found[name]
    if not list[i] then
      errors.raise(("no column '%s' in %s"):format(name, relation), "42703")
    end
  end
  return list
end

--- Whether a table's primary key is made of these columns, and no statement can break it for a while.
---@param conn pghost.Connection
---@param relation string quoted name
---@param key string[]
---@return boolean
function M.is_primary_key(conn, relation, key)
  return conn:query([[
    SELECT EXISTS (
      SELECT 1 FROM pg_catalog.pg_index AS i
      WHERE i.indrelid = $1::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid AND i.indisprimary AND i.indimmediate
        AND i.indisvalid AND i.indnkeyatts = pg_catalog.cardinality($2::pg_catalog.text[])
        AND i.indnkeyatts = (
          SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1])
            AND a.attname::pg_catalog.text = ANY ($2::pg_catalog.text[]))
    ) AS yes]], relation, sql.array(key))[1].yes
end

--- SQL for "rows a and b have the same key": `a."k" OPERATOR(pg_catalog.=) b."k"`. Key columns are never NULL.
---@param key pghost.catalog.KeyColumn[]
---@param a string alias of a row with the types of the key
---@param b string likewise
---@return string
function M.same_key(key, a, b)
  local parts = {}
  for i, column in ipairs(key) do
    local name, cast = relations.quote(column.name), column.cast
    local collation = column.collation and " COLLATE " .. column.collation or ""
    parts[i] = ("%s.%s%s%s %s %s.%s%s"):format(a, name, cast, collation, column.operator, b, name, cast)
  end
  return table.concat(parts, " AND ")
end

--- SQL for "the values of two columns are equal", of two tables and perhaps of two types.
---@param conn pghost.Connection
---@param left { relation: string, column: string, alias: string } relation: quoted name
---@param right { relation: string, column: string, alias: string }
---@return string
function M.equal(conn, left, right)
  local a = M.key(conn, left.relation, { left.column })[1]
  local b = M.key(conn, right.relation, { right.column })[1]
  local from = left.alias .. "." .. relations.quote(left.column)
  local to = right.alias .. "." .. relations.quote(right.column)
  if a.type ~= b.type then
    return ("%s OPERATOR(pg_catalog.=) %s"):format(from, to)
  end
  return ("%s%s %s %s%s"):format(from, a.cast, a.operator, to, b.cast)
end

return M
