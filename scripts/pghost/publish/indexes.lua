-- Constraints (foreign keys apart), indexes and extended statistics of a published table or materialized view, as
-- statements for its replacement.

local statements = require "pghost.publish.script"

local M = {}

-- $1 old, $2 new. The key of the new table stays; it only takes the name of the old key where it
-- has the same columns.
local primary_key_query = [[
WITH key AS (
  SELECT c.conrelid, quote_ident(c.conname) AS name, quote_ident(i.relname) AS index_name,
    pg_get_constraintdef(c.oid) AS definition
  FROM pg_constraint AS c JOIN pg_class AS i ON i.oid = c.conindid
  WHERE c.conrelid IN ($1::oid, $2::oid) AND c.contype = 'p'
)
SELECT o.name, o.index_name, o.definition, n.name AS new_name, n.index_name AS new_index_name,
  n.definition AS new_definition
FROM key AS o LEFT JOIN key AS n ON n.conrelid = $2::oid
WHERE o.conrelid = $1::oid]]

-- Carries over the primary key; returns whether the new table then has the key of the old one.
local function add_primary_key(conn, list, subject, rel, schema, new)
  local key = conn:query(primary_key_query, subject.oid, new)[1]
  if not key then
    return false
  elseif key.new_definition then
    if key.new_definition == key.definition and key.new_name ~= key.name then
      list:add(("primary key %s"):format(key.name), "ALTER INDEX %s.%s RENAME TO %s", schema, key.new_index_name,
        key.index_name)
    end
    return key.new_definition == key.definition
  elseif key.definition == subject.as_built.primary_key then
    return false -- the rules had a key and have none any more
  end
  list:add(("primary key %s"):format(key.name), "ALTER TABLE %s ADD CONSTRAINT %s %s", rel, key.name, key.definition)
  return true
end

local constraints_query = [[
SELECT format('constraint %L', c.conname) AS what,
  format('ALTER TABLE %s ADD CONSTRAINT %I %s', $3::text, c.conname, pg_get_constraintdef(c.oid)) AS sql
FROM pg_constraint AS c
WHERE c.conrelid = $1::oid AND c.contype IN ('c', 'u', 'x')
  AND NOT EXISTS (SELECT FROM pg_constraint AS n WHERE n.conrelid = $2::oid AND n.conname = c.conname)
  AND NOT ($4::boolean AND (c.conparentid <> 0 OR c.coninhcount > 0))
ORDER BY c.contype, c.conname]]

-- The text that pg_get_indexdef starts with, up to the table's name, is known exactly; so the name
-- can be replaced without reading SQL.
local indexes_query = [[
SELECT format('index %L', i.relname) AS what,
  format('CREATE %sINDEX %I ON %s', CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END, i.relname, $3::text)
    || substr(pg_get_indexdef(x.indexrelid), 1 + length(format('CREATE %sINDEX %I ON %s%I.%I',
      CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END, i.relname, CASE t.relkind WHEN 'p' THEN 'ONLY ' ELSE '' END,
      tn.nspname, t.relname))) AS sql
FROM pg_index AS x
JOIN pg_class AS i ON i.oid = x.indexrelid
JOIN pg_class AS t ON t.oid = x.indrelid JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE x.indrelid = $1::oid AND x.indisvalid AND NOT ($4::boolean AND i.relispartition)
  AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = x.indexrelid AND c.conrelid = $1::oid
    AND c.contype IN ('p', 'u', 'x'))
  AND NOT EXISTS (SELECT FROM pg_index AS nx JOIN pg_class AS ni ON ni.oid = nx.indexrelid
    WHERE nx.indrelid = $2::oid AND ni.relname = i.relname)
ORDER BY i.relname]]

-- What indexes carry beside their definition, those of constraints too, and comments on constraints.
local details_query = [[
WITH index AS (
  SELECT x.*, i.relname, format('%s.%I', $3::text, i.relname) AS place, i.reloptions, i.reltablespace,
    EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.oid AND c.contype IN ('p', 'u', 'x')) AS is_constraint
  FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
  WHERE x.indrelid = $1::oid AND x.indisvalid AND ($4::boolean OR NOT x.indisprimary)
)
SELECT format('index %L', relname) AS what, format('ALTER INDEX %s SET (%s)', place,
  (SELECT string_agg(format('%s = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ')
   FROM unnest(reloptions) AS o)) AS sql
FROM index WHERE is_constraint AND reloptions IS NOT NULL
UNION ALL
SELECT format('index %L', relname), format('ALTER INDEX %s SET TABLESPACE %I', place,
  (SELECT spcname FROM pg_tablespace WHERE oid = reltablespace))
FROM index WHERE reltablespace <> 0
UNION ALL
SELECT format('index %L', relname), format('COMMENT ON INDEX %s IS %L', place, obj_description(indexrelid, 'pg_class'))
FROM index WHERE obj_description(indexrelid, 'pg_class') IS NOT NULL
UNION ALL
SELECT format('index %L', relname), format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', place, a.attnum,
  a.attstattarget)
FROM index JOIN pg_attribute AS a ON a.attrelid = indexrelid AND a.attstattarget >= 0
UNION ALL
SELECT 'clustering', format('ALTER TABLE %s CLUSTER ON %I', $2::text, relname) FROM index WHERE indisclustered
UNION ALL
SELECT 'replica identity', format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', $2::text, relname)
FROM index WHERE indisreplident
UNION ALL
SELECT 'replica identity', format('ALTER TABLE %s REPLICA IDENTITY %s', $2::text,
  CASE relreplident WHEN 'n' THEN 'NOTHING' ELSE 'FULL' END)
FROM pg_class WHERE oid = $1::oid AND relreplident IN ('n', 'f') AND relkind = 'r'
UNION ALL
SELECT format('comment on constraint %L', conname), format('COMMENT ON CONSTRAINT %I ON %s IS %L', conname, $2::text,
  obj_description(oid, 'pg_constraint'))
FROM pg_constraint
WHERE conrelid = $1::oid AND (contype IN ('c', 'u', 'x') OR contype = 'p' AND $4::boolean)
  AND obj_description(oid, 'pg_constraint') IS NOT NULL]]

--- Check, unique and exclusion constraints, indexes, cluster and replica identity settings, and
--- their comments. The primary key of the built table stays.
---@param conn pghost.Connection
---@param subject pghost.publish.Subject
---@param rel string quoted name of the new relation
---@param schema string quoted schema of the new relation
---@param new? string its oid
---@return pghost.publish.Statements
function M.indexes(conn, subject, rel, schema, new)
  local list, same_key, inherits = statements.new(), false, subject.part_of ~= nil
  if subject.kind == "r" then
    same_key = add_primary_key(conn, list, subject, rel, schema, new)
    list:add_rows(conn, constraints_query, subject.oid, new, rel, inherits)
  end
  list:add_rows(conn, indexes_query, subject.oid, new, rel, inherits)
  list:add_rows(conn, details_query, subject.oid, rel, schema, same_key)
  return list
end

local statistics_query = [[
WITH statistic AS (
  SELECT s.*, format('%s.%I', coalesce($3::text, quote_ident(n.nspname)), s.stxname) AS place
  FROM pg_statistic_ext AS s JOIN pg_namespace AS n ON n.oid = s.stxnamespace WHERE s.stxrelid = $1::oid
)
SELECT 1 AS step, format('statistics %L', stxname) AS what, format('CREATE STATISTICS %s%s ON %s FROM %s', place,
  (SELECT coalesce(' (' || string_agg(CASE kind WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies'
    WHEN 'm' THEN 'mcv' END, ', ') FILTER (WHERE kind <> 'e') || ')', '') FROM unnest(stxkind) AS kind),
  pg_get_statisticsobjdef_columns(oid), $2::text) AS sql
FROM statistic
UNION ALL
SELECT 2, format('statistics %L', stxname), format('ALTER STATISTICS %s SET STATISTICS %s', place, stxstattarget)
FROM statistic WHERE stxstattarget >= 0
UNION ALL
SELECT 3, format('statistics %L', stxname), format('COMMENT ON STATISTICS %s IS %L', place,
  obj_description(oid, 'pg_statistic_ext'))
FROM statistic WHERE obj_description(oid, 'pg_statistic_ext') IS NOT NULL
ORDER BY 1, 2, 3]]

--- Extended statistics, made in `schema` (nil: where the old ones are).
---@return pghost.publish.Statements
function M.statistics(conn, subject, rel, schema)
  local list = statements.new()
  list:add_rows(conn, statistics_query, subject.oid, rel, schema)
  return list
end

--- Moves those made in the build schema to where the old ones were, and to their owners.
---@return pghost.publish.Statements
function M.place_statistics(conn, subject, schema)
  local list = statements.new()
  list:add_rows(conn, [[
    SELECT format('statistics %L', s.stxname) AS what, format('ALTER STATISTICS %s.%I SET SCHEMA %I', $2::text,
      s.stxname, n.nspname) AS sql
    FROM pg_statistic_ext AS s JOIN pg_namespace AS n ON n.oid = s.stxnamespace
    WHERE s.stxrelid = $1::oid AND $2::text IS NOT NULL ORDER BY s.stxname]], subject.oid, schema)
  list:add_rows(conn, [[
    SELECT format('statistics %L', s.stxname) AS what, format('ALTER STATISTICS %I.%I OWNER TO %I',
      n.nspname, s.stxname, pg_get_userbyid(s.stxowner)) AS sql
    FROM pg_statistic_ext AS s JOIN pg_namespace AS n ON n.oid = s.stxnamespace
    WHERE s.stxrelid = $1::oid AND pg_get_userbyid(s.stxowner) <> current_user ORDER BY s.stxname]], subject.oid)
  return list
end

return M
