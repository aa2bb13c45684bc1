-- The table that `pghost load` loads into: its name as given, and what the catalog says about it.

local cjson = require "cjson"
local errors = require "pghost.lib.errors"
local own_schema = require "pghost.catalog.own_schema"
local qualified = require "pghost.modes.qualified"
local relations = require "pghost.catalog.relations"

local M = {}

---@class pghost.load.RelationColumn
---@field name string
---@field declared string type as the table has it: "booking_status"
---@field type string the same with domains replaced by what they are over: "character varying(20)"
---@field built_in boolean the type is one of the server's own
---@field ask string SQL that has the server read a text `v` as COPY would
---@field labels? string[] of an enum
---@field generated boolean GENERATED ALWAYS AS (...) STORED: no file may give it
---@field required boolean NOT NULL, and no trigger replaces a null
---@field needed boolean the same, and nothing but the file can give a value

---@class pghost.load.Relation
---@field schema string
---@field name string
---@field kind string as pg_class.relkind has it
---@field qualified string schema and name, quoted where SQL needs it: for statements and messages
---@field columns pghost.load.RelationColumn[] in the table's order
---@field can_analyse boolean a table, and ours
---@field guarded boolean the server may refuse rows of the right types
---@field after_insert boolean triggers look at rows, or foreign keys, at the end of a statement
---@field decided { corrections: boolean, taken_in: boolean } tables of the history with decisions on rejects that this
--- role may read
---@field of_statement boolean a trigger sees all rows of a COPY, or a foreign key is to the table itself: it cannot be
--- done in parts

---@class pghost.load.Name a table as somebody named it
---@field schema? string
---@field name string
---@field quoted string

--- The name of a table as SQL has it: t, s.t, "S"."T".
---@param text string
---@param default_schema? string for a name without one
---@return pghost.load.Name
function M.name(text, default_schema)
  local schema, name = relations.parse(text, default_schema)
  own_schema.refuse(schema, "name another schema")
  return { schema = schema, name = name, quoted = relations.quoted(schema, name) }
end

--- Raises when a new table without a schema would be made in pghost's own.
---@param conn pghost.Connection
---@param schema? string
function M.check_creation(conn, schema)
  local first = schema or conn:query("SELECT pg_catalog.current_schema() AS name")[1].name
  own_schema.refuse(first, "it is the first on the search_path, so give --schema")
end

-- A BEFORE trigger of the table or of a partition may give the values that a file does not.
local relation_query = qualified [[
  SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS qualified,
    c.relkind IN ('r', 'p') AND pg_catalog.pg_has_role(c.relowner, 'USAGE') AS can_analyse,
    coalesce(acts.before_insert, false) AS before_insert, coalesce(acts.after_insert, false) AS after_insert,
    coalesce(acts.of_statement, false) AS of_statement,
    c.relkind <> 'r' OR c.relispartition OR c.relchecks > 0 OR c.relhastriggers OR c.relhasindex OR EXISTS (
      SELECT FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND (y.typtype = 'd' OR a.atttypmod >= 0)
    ) OR pg_catalog.getdatabaseencoding() <> 'UTF8' AS guarded,
    ARRAY(
      SELECT h.relname::text FROM pg_catalog.pg_class AS h
        JOIN pg_catalog.pg_namespace AS s ON s.oid = h.relnamespace
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = h.oid AND a.attname = 'reverted_at'
      WHERE s.nspname = 'pghost' AND h.relname IN ('corrections', 'taken_in') AND h.relkind = 'r'
        AND pg_catalog.has_schema_privilege(s.oid, 'USAGE') AND pg_catalog.has_table_privilege(h.oid, 'SELECT')
        AND pg_catalog.pg_relation_size(h.oid) > 0
    )::text AS decided
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
      SELECT pg_catalog.bool_or(NOT t.tgisinternal AND t.tgtype & 7 = 7) AS before_insert,
        pg_catalog.bool_or(t.tgtype::integer & 7 = 5) AS after_insert,
        pg_catalog.bool_or(t.tgtype::integer & 4 = 4 AND (t.tgtype::integer & 1 = 0 OR t.tgnewtable IS NOT NULL
          OR t.tgconstrrelid OPERATOR(pg_catalog.=) t.tgrelid)) AS of_statement
      FROM pg_catalog.pg_trigger AS t
      WHERE t.tgenabled <> 'D' AND (t.tgrelid = c.oid
        OR t.tgrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))
    ) AS acts
  WHERE c.oid = pg_catalog.to_regclass($1::text)::pg_catalog.oid]]

-- The last row of `base` for a column is the base type under all its domains.
local columns_query = qualified [[
  WITH RECURSIVE base (number, depth, type, modifier, has_default) AS (
    SELECT attnum, 0, atttypid, atttypmod, atthasdef OR attidentity <> '' FROM pg_catalog.pg_attribute
    WHERE attrelid = $1::bigint::oid AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT b.number, b.depth + 1, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.modifier END,
      b.has_default OR t.typdefault IS NOT NULL
    FROM base AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type WHERE t.typtype = 'd'
  ), last AS (
    SELECT DISTINCT ON (number) * FROM base ORDER BY number, depth DESC
  )
  SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS declared,
    pg_catalog.format_type(l.type, l.modifier) AS type, n.nspname = 'pg_catalog' AS built_in,
    pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.proname) AS input,
    p.pronargs::integer AS input_arguments, l.modifier,
    CASE WHEN t.typelem <> 0 THEN t.typelem ELSE t.oid END::bigint AS element,
    t.typtype IN ('r', 'm', 'c', 'e') AS polymorphic,
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) AS type_name,
    a.attgenerated <> '' AS generated, a.attnotnull AS not_null, l.has_default,
    (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum AS e
      WHERE e.enumtypid = t.oid)::text AS labels
  FROM last AS l JOIN pg_catalog.pg_attribute AS a ON a.attrelid = $1::bigint::oid AND a.attnum = l.number
    JOIN pg_catalog.pg_type AS t ON t.oid = l.type JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.typinput JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.pronamespace
  ORDER BY a.attnum]]

local loadable_kinds = { r = true, p = true, f = true, v = true }

local kind_names = { m = "a materialized view", i = "an index", I = "an index", S = "a sequence", c = "a type" }

-- SQL that reads a text `v` as COPY would: by the type's own input function, and not by a user-defined cast. Those of
-- ranges and composite types cannot be called by themselves.
local function ask_of(row)
  if row.polymorphic then
    return ("CAST(v AS %s)"):format(row.type_name)
  elseif row.input_arguments == 1 then
    return ("%s(pg_catalog.textout(v))"):format(row.input)
  end
  return ("%s(pg_catalog.textout(v), %d::pg_catalog.oid, %d)"):format(row.input, row.element, row.modifier)
end

local function read_columns(conn, relation)
  local columns = {}
  for row in conn:query(columns_query, relation.oid):rows() do
    local required = row.not_null and not row.generated and not relation.before_insert
    columns[#columns + 1] = {
      name = row.name,
      declared = row.declared,
      type = row.type,
      built_in = row.built_in,
      ask = ask_of(row),
      labels = row.labels and cjson.decode(row.labels),
      generated = row.generated,
      required = required,
      needed = required and not row.has_default,
    }
  end
  return columns
end

local lock_not_available = "55P03" -- SQLSTATE

local at_once <const> = "SAVEPOINT pghost_lock; %s; RELEASE SAVEPOINT pghost_lock"

-- Runs a statement in a savepoint, in one round trip.
local function try(conn, statement)
  local done, problem = pcall(conn.exec, conn, at_once:format(statement))
  if not done then
    conn:exec "ROLLBACK TO SAVEPOINT pghost_lock; RELEASE SAVEPOINT pghost_lock"
  end
  return done, problem
end

--- Does the same as M.lock if it need not wait; false: nothing has happened.
---@param conn pghost.Connection in a transaction
---@param into pghost.load.Name
---@return boolean
function M.lock_now(conn, into)
  return (try(conn, ("LOCK TABLE %s IN ROW EXCLUSIVE MODE NOWAIT"):format(into.quoted)))
end

--- Holds the definition of a table to the end of the transaction: its types are read after this. Who may only insert
--- into some columns may not LOCK, but EXPLAIN takes the lock too, and runs nothing.
---@param conn pghost.Connection in a transaction
---@param into pghost.load.Name
function M.lock(conn, into)
  for _, sql in ipairs { "LOCK TABLE %s IN ROW EXCLUSIVE MODE", "EXPLAIN INSERT INTO %s DEFAULT VALUES" } do
    local locked, problem = try(conn, sql:format(into.quoted))
    if locked then
      return
    elseif errors.is(problem) and problem.code == lock_not_available then
      error(problem, 0)
    end
  end
end

-- A key that refers to the table itself may need records that come later: that one is left to the COMMIT, and so are
-- constraint triggers, which are user code.
local deferred_query = [[
  SELECT DISTINCT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.conname) AS qualified
  FROM pg_catalog.pg_constraint AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.connamespace
  WHERE o.condeferred AND o.contype IN ('f', 'u', 'p', 'x') AND o.confrelid <> o.conrelid
    AND (o.conrelid = pg_catalog.to_regclass($1::text)::pg_catalog.oid OR o.conrelid IN (
      SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1::text))))
  ORDER BY 1]]

local triggers_query = [[
  SELECT DISTINCT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.conname) AS qualified
  FROM pg_catalog.pg_constraint AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.connamespace
  WHERE o.condeferred AND o.contype = 't'
    AND (o.conrelid = pg_catalog.to_regclass($1::text)::pg_catalog.oid OR o.conrelid IN (
      SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1::text))))
  ORDER BY 1]]

local function make_immediate(conn, query, relation)
  local names = {}
  for row in conn:query(query, relation.qualified):rows() do
    names[#names + 1] = row.qualified
  end
  if #names > 0 then
    conn:query(("SET CONSTRAINTS %s IMMEDIATE"):format(table.concat(names, ", ")))
  end
end

--- Has constraint triggers that wait for the COMMIT run now for the records there are, and from now on with each.
---@param conn pghost.Connection in a transaction
---@param relation pghost.load.Relation
function M.run_waiting_triggers(conn, relation)
  if relation.guarded then
    make_immediate(conn, triggers_query, relation)
  end
end

--- Has deferred constraints of a table checked with each record, so that their errors name file and line.
---@param conn pghost.Connection in a transaction
---@param relation pghost.load.Relation
function M.check_at_once(conn, relation)
  if relation.guarded then -- by a key or a trigger
    make_immediate(conn, deferred_query, relation)
  end
end

--- Asks the catalog for a table, view, partitioned or foreign table; raises when there is none.
---@param conn pghost.Connection
---@param into pghost.load.Name
---@return pghost.load.Relation
function M.find(conn, into)
  local quoted = into.quoted
  local relation = conn:query(relation_query, quoted)[1]
  own_schema.refuse(relation and relation.schema, ("the search_path finds %s there, so give --schema"):format(quoted))
  if not relation then
    errors.raise(("no table %s: give --create for a table of text columns, or create it first"):format(quoted), "42P01")
  elseif not loadable_kinds[relation.kind] then
    errors.raise(("%s is %s: nothing can be loaded into it"):format(relation.qualified,
      kind_names[relation.kind] or "no table"), "42809")
  end
  return {
    schema = relation.schema,
    name = relation.name,
    kind = relation.kind,
    qualified = relation.qualified,
    can_analyse = relation.can_analyse,
    guarded = relation.guarded,
    after_insert = relation.after_insert,
    of_statement = relation.of_statement,
    decided = { corrections = relation.decided:find("corrections", 1, true) ~= nil,
      taken_in = relation.decided:find("taken_in", 1, true) ~= nil },
    columns = read_columns(conn, relation),
  }
end

return M
