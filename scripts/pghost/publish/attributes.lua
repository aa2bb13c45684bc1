-- Column and storage attributes of a published table, view or materialized view, as statements for its replacement.

local errors = require "pghost.lib.errors"
local statements = require "pghost.publish.script"

local M = {}

-- $1 the published relation, $2 the new one (NULL: not there yet).
local columns_query = [[
SELECT a.attname::text AS name, quote_ident(a.attname) AS quoted, a.attnum AS position,
  format_type(a.atttypid, a.atttypmod) AS type,
  CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation::text ELSE '' END
    AS collation,
  b.attname IS NOT NULL AS found,
  a.attnotnull AS not_null, coalesce(b.attnotnull, false) AS new_not_null,
  quote_ident(o.conname) AS not_null_name, quote_ident(n.conname) AS new_not_null_name, -- from PostgreSQL 18
  pg_get_constraintdef(o.oid) AS not_null_definition,
  quote_literal(obj_description(o.oid, 'pg_constraint')) AS not_null_comment,
  a.attidentity::text AS identity, coalesce(b.attidentity::text, '') AS new_identity,
  a.attgenerated::text AS generated, coalesce(b.attgenerated::text, '') AS new_generated,
  pg_get_expr(d.adbin, d.adrelid) AS expression, coalesce(b.atthasdef, false) AS new_has_default,
  coalesce(a.attstattarget, -1) AS statistics, coalesce(b.attstattarget, -1) AS new_statistics,
  CASE WHEN a.attstorage <> coalesce(b.attstorage, t.typstorage) AND (b.atttypid IS NULL OR b.atttypid = a.atttypid)
    THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END
  END AS storage,
  CASE WHEN a.attcompression::text <> coalesce(b.attcompression::text, '')
    THEN CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END END AS compression,
  (SELECT string_agg(o, ', ') FROM unnest(a.attoptions) AS o
   WHERE split_part(o, '=', 1) IN ('n_distinct', 'n_distinct_inherited') -- others are the server's bookkeeping
     AND o <> ALL (coalesce(b.attoptions, '{}'))) AS options,
  quote_literal(col_description(a.attrelid, a.attnum)) AS comment,
  col_description(b.attrelid, b.attnum) AS new_comment
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attribute AS b ON b.attrelid = $2::oid AND b.attname = a.attname AND b.attnum > 0 AND NOT b.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_constraint AS o ON o.conrelid = a.attrelid AND o.contype = 'n' AND o.conkey = ARRAY[a.attnum]
LEFT JOIN pg_constraint AS n ON n.conrelid = b.attrelid AND n.contype = 'n' AND n.conkey = ARRAY[b.attnum]
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum]]

-- $1 the table, $2 its column's number, $3 schema that the new sequence is made in.
local identity_query = [[
SELECT format('SEQUENCE NAME %I.%I START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s',
  $3::text, c.relname, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
  CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) AS options
FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid JOIN pg_sequence AS s ON s.seqrelid = c.oid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
  AND d.refobjid = $1::oid AND d.refobjsubid = $2]]

local function add_identity(conn, list, subject, alter, column)
  if not column.new_not_null then
    list:add(("identity of column '%s'"):format(column.name), "%s SET NOT NULL", alter)
  end
  local options = conn:query(identity_query, subject.oid, column.position, subject.build)[1].options
  list:add(("identity of column '%s'"):format(column.name), "%s ADD GENERATED %s AS IDENTITY (%s)", alter,
    column.identity == "a" and "ALWAYS" or "BY DEFAULT", options)
end

local nothing_built = { not_null = {}, defaults = {} }

local not_null_text = "column '%s' is NOT NULL in the published table (if it need not be: alter table %s alter column "
  .. "%s drop not null)"

-- NOT NULL; from PostgreSQL 18 it is a constraint with a name, a comment, and may not be valid yet.
local function add_not_null(list, subject, rel, alter, column)
  local was = subject.as_built or nothing_built
  local what, name = not_null_text:format(column.name, subject.qualified, column.quoted), column.not_null_name
  if column.new_not_null then
    if name and name ~= column.new_not_null_name then
      list:add(what, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", rel, column.new_not_null_name, name)
    end
  elseif column.identity ~= "" or was.not_null[column.name] then
    return
  elseif name then
    list:add(what, "ALTER TABLE %s ADD CONSTRAINT %s %s", rel, name, column.not_null_definition)
  else
    list:add(what, "%s SET NOT NULL", alter)
  end
  if column.not_null_comment then
    list:add(what, "COMMENT ON CONSTRAINT %s ON %s IS %s", name, rel, column.not_null_comment)
  end
end

local function add_value(conn, list, subject, rel, alter, column)
  local was = subject.as_built or nothing_built
  if column.identity ~= "" then
    if column.new_identity == "" then
      add_identity(conn, list, subject, alter, column)
    end
  elseif column.generated ~= "" then
    if column.new_generated == "" then
      statements.raise(errors.new {
        message = "it is generated in the published table and not in the built one: drop one of them",
        code = "42P16",
      }, subject.qualified, ("column '%s'"):format(column.name))
    end
  elseif column.expression and not column.new_has_default and column.new_identity == ""
    and not was.defaults[column.name] then
    list:add(("default of column '%s'"):format(column.name), "%s SET DEFAULT %s", alter, column.expression)
  end
  if column.not_null then
    add_not_null(list, subject, rel, alter, column)
  end
end

local function add_settings(list, alter, column)
  local what = ("settings of column '%s'"):format(column.name)
  if column.statistics ~= column.new_statistics then
    list:add(what, "%s SET STATISTICS %d", alter, column.statistics)
  end
  if column.storage then
    list:add(what, "%s SET STORAGE %s", alter, column.storage)
  end
  if column.compression then
    list:add(what, "%s SET COMPRESSION %s", alter, column.compression)
  end
  if column.options then
    list:add(what, "%s SET (%s)", alter, column.options)
  end
end

local function add_comment(list, rel, column)
  if column.comment and not column.new_comment then
    list:add(("comment on column '%s'"):format(column.name), "COMMENT ON COLUMN %s.%s IS %s", rel, column.quoted,
      column.comment)
  end
end

--- Defaults, NOT NULL, identities, statistics targets, storage and comments of columns. A generated
--- column that the built table does not have is added to it.
---@param conn pghost.Connection
---@param subject pghost.publish.Subject
---@param rel string quoted name of the new relation
---@param new? string its oid
---@return pghost.publish.Statements
---@return string[] gone columns that the new table does not have
function M.columns(conn, subject, rel, new)
  local list, gone = statements.new(), {}
  for column in conn:query(columns_query, subject.oid, new):rows() do
    local alter = ("ALTER TABLE %s ALTER COLUMN %s"):format(rel, column.quoted)
    if new and not column.found and column.generated ~= "" then
      list:add(("generated column '%s'"):format(column.name),
        "ALTER TABLE %s ADD COLUMN %s %s%s GENERATED ALWAYS AS (%s) %s%s", rel, column.quoted, column.type,
        column.collation, column.expression, column.generated == "v" and "VIRTUAL" or "STORED",
        column.not_null and " NOT NULL" or "")
      add_settings(list, alter, column)
      add_comment(list, rel, column)
    elseif new and not column.found then
      gone[#gone + 1] = column.name
    else
      add_value(conn, list, subject, rel, alter, column)
      if subject.kind ~= "v" then
        add_settings(list, alter, column)
      end
      add_comment(list, rel, column)
    end
  end
  return list, gone
end

local storage_query = [[
WITH relation AS (
  SELECT c.oid, c.relpersistence::text AS persistence, c.relam,
    (SELECT amname FROM pg_am WHERE oid = c.relam) AS method,
    coalesce(nullif(c.reltablespace, 0), (SELECT dattablespace FROM pg_database WHERE datname = current_database()))
      AS tablespace,
    ARRAY(SELECT unnest(c.reloptions) UNION ALL SELECT 'toast.' || unnest(t.reloptions)) AS options
  FROM pg_class AS c LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid
  WHERE c.oid IN ($1::oid, $2::oid)
)
SELECT o.persistence, n.persistence AS new_persistence,
  CASE WHEN o.relam <> n.relam THEN quote_ident(o.method) END AS method,
  CASE WHEN o.tablespace <> n.tablespace
    THEN (SELECT quote_ident(spcname) FROM pg_tablespace WHERE oid = o.tablespace) END AS tablespace,
  (SELECT string_agg(format('%s = %L', split_part(option, '=', 1), substr(option, strpos(option, '=') + 1)), ', ')
   FROM unnest(o.options) AS option
   WHERE split_part(option, '=', 1) NOT IN (SELECT split_part(own, '=', 1) FROM unnest(n.options) AS own)) AS options
FROM relation AS o, relation AS n WHERE o.oid = $1::oid AND n.oid = $2::oid]]

--- Storage parameters, tablespace, access method, logged or not. What the built table says of its
--- own parameters stays.
---@return pghost.publish.Statements
function M.storage(conn, subject, rel, new)
  local list = statements.new()
  local row = conn:query(storage_query, subject.oid, new)[1]
  if row.persistence ~= row.new_persistence and row.persistence ~= subject.as_built.logging then
    list:add("logging", "ALTER TABLE %s SET %s", rel, row.persistence == "u" and "UNLOGGED" or "LOGGED")
  end
  if row.method then
    list:add("access method", "ALTER TABLE %s SET ACCESS METHOD %s", rel, row.method)
  end
  if row.tablespace then
    list:add("tablespace", "ALTER TABLE %s SET TABLESPACE %s", rel, row.tablespace)
  end
  if row.options then
    list:add("storage parameters", "ALTER TABLE %s SET (%s)", rel, row.options)
  end
  return list
end

local kinds = { r = "TABLE", v = "VIEW", m = "MATERIALIZED VIEW" }

--- The comment on the relation, unless the new one has its own.
---@return pghost.publish.Statements
function M.comment(conn, subject, rel, new)
  local list = statements.new()
  list:add_rows(conn, [[
    SELECT 'comment' AS what, format('COMMENT ON %s %s IS %L', $3::text, $4::text,
      obj_description($1::oid, 'pg_class')) AS sql
    WHERE obj_description($1::oid, 'pg_class') IS NOT NULL
      AND coalesce(obj_description($2::oid, 'pg_class'), '') = '']], subject.oid, new, kinds[subject.kind], rel)
  return list
end

return M
