-- What depends on published tables according to the server (pg_depend): views, materialized views and functions that
-- have to be recreated, policies of other tables; and what cannot be carried over, which is refused by name.

local errors = require "pghost.lib.errors"
local sql = require "pghost.lib.sql"

local M = {}

-- $1 published tables. Everything that depends on them, directly or indirectly. A view stands for its rule. The depth
-- (longest path) gives an order to make them in.
local reach = [[
WITH RECURSIVE reach (classid, objid, depth) AS (
  SELECT 'pg_class'::regclass::oid, t.oid, 0 FROM unnest($1::oid[]) AS t (oid)
  UNION
  SELECT o.classid, o.objid, r.depth + 1
  FROM reach AS r
  JOIN pg_depend AS d ON d.refclassid = r.classid AND d.refobjid = r.objid
  LEFT JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
  LEFT JOIN pg_class AS v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
  CROSS JOIN LATERAL (
    SELECT CASE WHEN v.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass::oid END, coalesce(v.oid, d.objid)
  ) AS o (classid, objid)
  WHERE (o.classid, o.objid) <> (r.classid, r.objid) AND r.depth < 100
),
reached AS (SELECT classid, objid, max(depth) AS depth FROM reach GROUP BY classid, objid)
]]

-- The relation that each one is a part of: nothing but parts of built tables, published tables and
-- the views found is let through.
local objects_query = reach .. [[
SELECT r.classid::regclass::text AS class, r.objid AS oid, r.depth,
  pg_describe_object(r.classid, r.objid, 0) AS description,
  c.relkind::text AS kind, n.nspname AS holder_schema, h.holder, k.contype::text AS contype,
  coalesce(g.tgisinternal, false) AS is_internal, k.confrelid AS referenced, p.prokind::text AS prokind
FROM reached AS r
LEFT JOIN pg_class AS c ON r.classid = 'pg_class'::regclass AND c.oid = r.objid
LEFT JOIN pg_constraint AS k ON r.classid = 'pg_constraint'::regclass AND k.oid = r.objid
LEFT JOIN pg_trigger AS g ON r.classid = 'pg_trigger'::regclass AND g.oid = r.objid
LEFT JOIN pg_proc AS p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid
LEFT JOIN pg_type AS t ON r.classid = 'pg_type'::regclass AND t.oid = r.objid
LEFT JOIN LATERAL (
  SELECT coalesce(
    CASE WHEN c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') THEN c.oid END,
    (SELECT indrelid FROM pg_index WHERE indexrelid = c.oid),
    (SELECT oid FROM pg_class WHERE reltoastrelid = c.oid),
    (SELECT d.refobjid FROM pg_depend AS d WHERE c.relkind = 'S' AND d.classid = 'pg_class'::regclass
       AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')),
    nullif(k.conrelid, 0), g.tgrelid,
    (SELECT adrelid FROM pg_attrdef WHERE r.classid = 'pg_attrdef'::regclass AND oid = r.objid),
    (SELECT ev_class FROM pg_rewrite WHERE r.classid = 'pg_rewrite'::regclass AND oid = r.objid),
    (SELECT polrelid FROM pg_policy WHERE r.classid = 'pg_policy'::regclass AND oid = r.objid),
    (SELECT prrelid FROM pg_publication_rel WHERE r.classid = 'pg_publication_rel'::regclass AND oid = r.objid),
    (SELECT stxrelid FROM pg_statistic_ext WHERE r.classid = 'pg_statistic_ext'::regclass AND oid = r.objid),
    nullif(t.typrelid, 0), (SELECT nullif(e.typrelid, 0) FROM pg_type AS e WHERE e.oid = t.typelem)
  ) AS holder
) AS h ON true
LEFT JOIN pg_class AS hc ON hc.oid = h.holder
LEFT JOIN pg_namespace AS n ON n.oid = hc.relnamespace
ORDER BY r.depth, r.objid]]

---@class pghost.publish.Object
---@field oid string
---@field kind "v"|"m"|"f"
---@field depth integer

---@class pghost.publish.Dependents
---@field objects pghost.publish.Object[] views, materialized views and functions, in an order to make them
---@field policies string[] oids of policies on tables that stay
---@field reached { classes: string, oids: string, relations: string } array literals: all that must not be depended on
--- any more; of it, tables, views, indexes and sequences

local view_kinds = { v = true, m = true }

-- Refuses or classifies one object that is not part of a replaced relation.
local function sort_outsider(found, row, published)
  if row.class == "pg_proc" and row.prokind ~= "a" then
    found.objects[#found.objects + 1] = { oid = row.oid, kind = "f", depth = row.depth }
  elseif row.class == "pg_policy" then
    found.policies[#found.policies + 1] = row.oid
  elseif row.class == "pg_constraint" and row.contype == "f" and published[row.referenced] then
    found.foreign_keys = true
  elseif not (row.class == "pg_trigger" and row.is_internal) then
    errors.raise(("cannot publish: %s depends on a published table and cannot be carried over: drop it first")
      :format(row.description), "2BP01")
  end
end

local function literal(list)
  return "{" .. table.concat(list, ",") .. "}"
end

--- Reads them; raises on what cannot be carried over.
---@param conn pghost.Connection
---@param oids string[] of the published tables
---@param build string schema that is left out
---@return pghost.publish.Dependents
function M.read(conn, oids, build)
  local found = { objects = {}, policies = {} }
  local published, replaced, classes, all, relations = {}, {}, {}, {}, {}
  for _, oid in ipairs(oids) do
    published[oid], replaced[oid] = true, true
  end
  local rows = conn:query(objects_query, literal(oids))
  for row in rows:rows() do
    if view_kinds[row.kind] and row.holder_schema ~= build then
      replaced[row.oid] = true
      found.objects[#found.objects + 1] = { oid = row.oid, kind = row.kind, depth = row.depth }
    end
  end
  for row in rows:rows() do
    local part = row.holder and (replaced[row.holder] or row.holder_schema == build or row.holder_schema == "pg_toast")
    if not part then
      sort_outsider(found, row, published)
    end
    if row.holder_schema ~= build then
      classes[#classes + 1], all[#all + 1] = '"' .. row.class .. '"', row.oid
      relations[#relations + 1] = row.kind and row.oid
    end
  end
  table.sort(found.objects, function(a, b)
    if a.depth ~= b.depth then
      return a.depth < b.depth
    end
    return math.tointeger(tonumber(a.oid)) < math.tointeger(tonumber(b.oid))
  end)
  found.reached = { classes = literal(classes), oids = literal(all), relations = literal(relations) }
  return found
end

-- Which versions of the catalog's rows say what these tables and their dependents are. Rows of the
-- build schema are left out: those change while it is being made ready.
local state_query = reach .. [[,
part AS (SELECT r.classid, r.objid FROM reached AS r
  WHERE NOT EXISTS (SELECT FROM pg_attrdef AS d JOIN pg_class AS c ON c.oid = d.adrelid
    WHERE r.classid = 'pg_attrdef'::regclass AND d.oid = r.objid AND c.relnamespace = (
      SELECT oid FROM pg_namespace WHERE nspname = $2))),
relation AS (SELECT objid AS oid FROM part WHERE classid = 'pg_class'::regclass),
version AS (
  SELECT classid, objid, 0 AS sub, '' AS version FROM part
  UNION ALL SELECT 'pg_class'::regclass, oid, 1, xmin::text FROM pg_class WHERE oid IN (SELECT oid FROM relation)
  UNION ALL SELECT 'pg_attribute'::regclass, attrelid, attnum, xmin::text FROM pg_attribute
    WHERE attrelid IN (SELECT oid FROM relation)
  UNION ALL SELECT 'pg_index'::regclass, indexrelid, 1, xmin::text FROM pg_index
    WHERE indrelid IN (SELECT oid FROM relation)
  UNION ALL SELECT 'pg_constraint'::regclass, oid, 1, xmin::text FROM pg_constraint
    WHERE conrelid IN (SELECT oid FROM relation)
      OR oid IN (SELECT objid FROM part WHERE classid = 'pg_constraint'::regclass)
  UNION ALL SELECT 'pg_sequence'::regclass, seqrelid, 1, xmin::text FROM pg_sequence
    WHERE seqrelid IN (SELECT oid FROM relation)
  UNION ALL SELECT 'pg_trigger'::regclass, oid, 1, xmin::text FROM pg_trigger
    WHERE tgrelid IN (SELECT oid FROM relation) AND NOT tgisinternal
  UNION ALL SELECT 'pg_policy'::regclass, oid, 1, xmin::text FROM pg_policy
    WHERE oid IN (SELECT objid FROM part WHERE classid = 'pg_policy'::regclass)
      OR polrelid IN (SELECT oid FROM relation)
  UNION ALL SELECT 'pg_rewrite'::regclass, oid, 1, xmin::text FROM pg_rewrite
    WHERE ev_class IN (SELECT oid FROM relation)
  UNION ALL SELECT 'pg_proc'::regclass, oid, 1, xmin::text FROM pg_proc
    WHERE oid IN (SELECT objid FROM part WHERE classid = 'pg_proc'::regclass)
  UNION ALL SELECT 'pg_description'::regclass, d.objoid, d.objsubid, d.xmin::text FROM pg_description AS d
    JOIN part AS p ON (d.classoid, d.objoid) = (p.classid, p.objid)
  UNION ALL SELECT 'pg_publication_rel'::regclass, oid, 1, xmin::text FROM pg_publication_rel
    WHERE prrelid IN (SELECT oid FROM relation)
  UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 1, xmin::text FROM pg_statistic_ext
    WHERE stxrelid IN (SELECT oid FROM relation)
)
SELECT md5(coalesce(string_agg(format('%s/%s/%s/%s', classid, objid, sub, version), ',' ORDER BY classid, objid, sub,
  version), '')) AS state
FROM version]]

--- A text that changes when the tables, or anything that depends on them, change.
---@param conn pghost.Connection
---@param oids string[]
---@param build string
---@return string
function M.state(conn, oids, build)
  return conn:query(state_query, literal(oids), build)[1].state
end

-- $1 relations, $2 all.
local quick_query = [[
SELECT md5(string_agg(version, ',' ORDER BY version)) AS state
FROM (
  SELECT format('c/%s/%s', oid, xmin) AS version FROM pg_class WHERE oid = ANY ($1::oid[])
  UNION ALL SELECT format('a/%s/%s/%s', attrelid, attnum, xmin) FROM pg_attribute WHERE attrelid = ANY ($1::oid[])
  UNION ALL SELECT format('i/%s/%s', indexrelid, xmin) FROM pg_index WHERE indrelid = ANY ($1::oid[])
  UNION ALL SELECT format('k/%s/%s', oid, xmin) FROM pg_constraint WHERE conrelid = ANY ($1::oid[])
  UNION ALL SELECT format('k/%s/%s', oid, xmin) FROM pg_constraint WHERE oid = ANY ($2::oid[])
  UNION ALL SELECT format('t/%s/%s', oid, xmin) FROM pg_trigger WHERE tgrelid = ANY ($1::oid[]) AND NOT tgisinternal
  UNION ALL SELECT format('o/%s/%s', oid, xmin) FROM pg_policy WHERE polrelid = ANY ($1::oid[])
  UNION ALL SELECT format('o/%s/%s', oid, xmin) FROM pg_policy WHERE oid = ANY ($2::oid[])
  UNION ALL SELECT format('r/%s/%s', oid, xmin) FROM pg_rewrite WHERE ev_class = ANY ($1::oid[])
  UNION ALL SELECT format('p/%s/%s', oid, xmin) FROM pg_proc WHERE oid = ANY ($2::oid[])
  UNION ALL SELECT format('d/%s/%s/%s', objoid, objsubid, xmin) FROM pg_description WHERE objoid = ANY ($2::oid[])
  UNION ALL SELECT format('x/%s/%s', oid, xmin) FROM pg_statistic_ext WHERE stxrelid = ANY ($1::oid[])
  UNION ALL SELECT format('s/%s/%s', seqrelid, xmin) FROM pg_sequence WHERE seqrelid = ANY ($1::oid[])
  UNION ALL SELECT format('u/%s/%s', oid, xmin) FROM pg_publication_rel WHERE prrelid = ANY ($1::oid[])
  UNION ALL SELECT format('n/%s/%s/%s', classid, objid, refobjid) FROM pg_depend
    WHERE refobjid = ANY ($2::oid[])
      AND refclassid IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass)
) AS part]]

--- The same by what was reached then, which takes a tenth of the time: readers wait for it.
---@param conn pghost.Connection
---@param reached { oids: string, relations: string }
---@return string
function M.quick_state(conn, reached)
  return conn:query(quick_query, reached.relations, reached.oids)[1].state
end

--- What publishing locks: the published tables, and those with foreign keys to or from them.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@return string oids as an array literal
function M.lockable(conn, options)
  local oids = {}
  for row in conn:query([[
      WITH subject AS (
        SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]))
      SELECT oid FROM subject
      UNION SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid IN (SELECT oid FROM subject)
      UNION SELECT confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid IN (SELECT oid FROM subject)]],
      options.target, sql.array(options.tables)):rows() do
    oids[#oids + 1] = row.oid
  end
  return literal(oids)
end

M.literal = literal

return M
