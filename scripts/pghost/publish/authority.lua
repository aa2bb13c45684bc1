-- Finds code of other users that would run with this role's rights while tables are published; it is refused by name.
--
-- The server runs most of what others have written as its owner, in a security-restricted operation: index expressions,
-- statistics and REFRESH. So the built relations get their owners first. What it runs as the caller is looked at here:
-- CHECK constraints and generated columns of other users' tables, and their functions, views and casts that our own
-- objects reach. Trusted are this role and superusers. docs/PUBLISHING.md lists each kind.

local errors = require "pghost.lib.errors"
local session = require "pghost.publish.session"
local sql = require "pghost.lib.sql"
local trust = require "pghost.catalog.trust"

local M = {}

-- What runs with the rights of a trusted role is a `root`; `reach` follows it through functions, operators, domains,
-- views and policies to what others can change.
local reach = [[
reach (name, what, classid, objid) AS (
  SELECT name, what, classid, objid FROM root
  UNION
  SELECT r.name, r.what, o.classid, o.objid FROM reach AS r CROSS JOIN LATERAL (
    SELECT d.refclassid, d.refobjid FROM pg_depend AS d
    WHERE d.classid = r.classid AND d.objid = r.objid AND (
      d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
        AND (r.classid <> 'pg_class'::regclass OR EXISTS (SELECT FROM pg_index WHERE indexrelid = r.objid))
      OR d.refclassid = 'pg_class'::regclass AND r.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass))
    UNION ALL
    SELECT 'pg_rewrite'::regclass, w.oid FROM pg_rewrite AS w JOIN pg_class AS c ON c.oid = w.ev_class
    WHERE r.classid = 'pg_class'::regclass AND w.ev_class = r.objid AND c.relkind = 'v'
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
    WHERE r.classid = 'pg_class'::regclass AND p.polrelid = r.objid AND c.relrowsecurity
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint AS k
    WHERE r.classid = 'pg_type'::regclass AND k.contypid = r.objid
  ) AS o (classid, objid)
)
SELECT DISTINCT format('%s of ''%s'' uses %s, which belongs to ''%s'' and would run with the rights of ''%s'': '
    'give that a trusted owner (this role or a superuser), or drop what uses it',
  r.what, r.name, pg_describe_object(r.classid, r.objid, 0), pg_get_userbyid(o.owner), current_user) AS message
FROM reach AS r JOIN LATERAL (
  SELECT proowner FROM pg_proc WHERE r.classid = 'pg_proc'::regclass AND oid = r.objid
  UNION ALL
  SELECT t.typowner FROM pg_type AS t WHERE r.classid = 'pg_type'::regclass AND t.oid = r.objid AND t.typtype = 'd'
    AND EXISTS (SELECT FROM pg_constraint WHERE contypid = t.oid AND contype = 'c')
  UNION ALL
  SELECT c.relowner FROM pg_class AS c WHERE r.classid = 'pg_class'::regclass AND c.oid = r.objid
    AND (c.relkind = 'v' OR c.relrowsecurity)
) AS o (owner) ON ]]

local in_order = "\nORDER BY 1"

-- $1 published tables, $2 views and materialized views over them.
local others_query = [[
WITH RECURSIVE trusted AS (SELECT oid FROM pg_roles WHERE rolsuper OR rolname = current_user),
subject AS (
  SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind, c.relispopulated AS populated,
    c.relowner IN (SELECT oid FROM trusted) AS is_ours
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.oid = ANY ($1::oid[]) OR c.oid = ANY ($2::oid[]) AND c.relkind = 'm'
),
root AS (
  SELECT 'pg_constraint'::regclass::oid AS classid, k.oid AS objid, s.name, format('constraint %L', k.conname) AS what
  FROM pg_constraint AS k JOIN subject AS s ON s.oid = k.conrelid WHERE k.contype = 'c'
  UNION ALL
  SELECT 'pg_attrdef'::regclass, d.oid, s.name, format('generated column %L', a.attname)
  FROM pg_attrdef AS d JOIN subject AS s ON s.oid = d.adrelid
  JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated <> ''
  UNION ALL
  SELECT 'pg_class'::regclass, i.indexrelid, s.name, format('index %L', c.relname)
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN subject AS s ON s.oid = i.indrelid AND s.is_ours
  UNION ALL
  SELECT 'pg_statistic_ext'::regclass, x.oid, s.name, format('statistics %L', x.stxname)
  FROM pg_statistic_ext AS x JOIN subject AS s ON s.oid = x.stxrelid AND s.is_ours
  UNION ALL
  SELECT 'pg_rewrite'::regclass, w.oid, s.name, 'its query'
  FROM pg_rewrite AS w JOIN subject AS s ON s.oid = w.ev_class AND s.is_ours AND s.relkind = 'm' AND s.populated
),
]] .. reach .. "o.owner NOT IN (SELECT oid FROM trusted)" .. in_order

-- $1 tables that rows are added to, changed and removed in, and their partitions with them. All of this runs as whoever
-- does so, but for functions that run as their owner.
local added_query = [[
WITH RECURSIVE whole (oid) AS (
  SELECT unnest($1::regclass[]::oid[])
  UNION
  SELECT i.inhrelid FROM pg_inherits AS i JOIN whole AS w ON i.inhparent = w.oid
),
subject AS (
  SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN whole AS w ON w.oid = c.oid
),
root AS (
  SELECT 'pg_trigger'::regclass::oid AS classid, t.oid AS objid, s.name, format('trigger %L', t.tgname) AS what
  FROM pg_trigger AS t JOIN subject AS s ON s.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
  UNION ALL
  SELECT 'pg_rewrite'::regclass, w.oid, s.name, format('rule %L', w.rulename)
  FROM pg_rewrite AS w JOIN subject AS s ON s.oid = w.ev_class WHERE w.ev_enabled <> 'D'
  UNION ALL
  SELECT 'pg_constraint'::regclass, k.oid, s.name, format('constraint %L', k.conname)
  FROM pg_constraint AS k JOIN subject AS s ON s.oid = k.conrelid WHERE k.contype = 'c'
  UNION ALL
  SELECT 'pg_attrdef'::regclass, d.oid, s.name, format('default of column %L', a.attname)
  FROM pg_attrdef AS d JOIN subject AS s ON s.oid = d.adrelid
  JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  UNION ALL
  SELECT 'pg_class'::regclass, i.indexrelid, s.name, format('index %L', c.relname)
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN subject AS s ON s.oid = i.indrelid
  UNION ALL
  SELECT 'pg_type'::regclass, a.atttypid, s.name, format('column %L', a.attname)
  FROM pg_attribute AS a JOIN subject AS s ON s.oid = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped
),
]] .. reach:gsub("FROM pg_proc WHERE", "FROM pg_proc WHERE NOT prosecdef AND")
  .. "NOT " .. trust.trusted "o.owner" .. in_order


-- CHECKs and generated columns of tables of others: evaluated as the caller, so they may use nothing
-- but what comes with the server and cannot run SQL: immutable functions.
local authors_query = [[
WITH subject AS (
  SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, pg_get_userbyid(c.relowner) AS owner
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_roles AS r ON r.oid = c.relowner
  WHERE c.oid = ANY ($1::oid[]) AND NOT r.rolsuper AND r.rolname <> current_user
),
written AS (
  SELECT s.*, 'pg_constraint'::regclass AS classid, k.oid AS objid, format('constraint %L', k.conname) AS what,
    k.conbin::text AS tree
  FROM pg_constraint AS k JOIN subject AS s ON s.oid = k.conrelid WHERE k.contype = 'c'
  UNION ALL
  SELECT s.*, 'pg_attrdef'::regclass, d.oid, format('generated column %L', a.attname), d.adbin::text
  FROM pg_attrdef AS d JOIN subject AS s ON s.oid = d.adrelid
  JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated <> ''
)
SELECT format('%s of ''%s'' was written by its owner ''%s'' and would run with the rights of ''%s'': it may use '
  'built-in immutable functions alone; drop it, or: alter table %s owner to %I', what, name, owner, current_user, name,
  current_user) AS message
FROM written AS w
WHERE EXISTS (SELECT FROM pg_depend AS d LEFT JOIN pg_type AS t ON d.refclassid = 'pg_type'::regclass
      AND t.oid = d.refobjid
    WHERE d.classid = w.classid AND d.objid = w.objid AND (t.typtype <> 'e'
      OR d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)))
  OR EXISTS (SELECT FROM regexp_matches(w.tree, ':(funcid|opfuncid) (\d+)', 'g') AS m (found)
    LEFT JOIN pg_proc AS p ON p.oid = m.found[2]::oid
    WHERE m.found[2] <> '0' AND (p.oid IS NULL OR p.oid >= 16384 OR p.provolatile <> 'i'))
  OR EXISTS (SELECT FROM regexp_matches(w.tree, ':opno (\d+)', 'g') AS m (found)
    LEFT JOIN pg_operator AS o ON o.oid = m.found[1]::oid LEFT JOIN pg_proc AS p ON p.oid = o.oprcode
    WHERE p.oid IS NULL OR p.oid >= 16384 OR p.provolatile <> 'i')
ORDER BY 1]]

-- Foreign keys are checked as the caller, and convert values by the casts of their columns' types.
local casts_query = [[
WITH RECURSIVE key AS (
  SELECT k.oid, k.conname, k.conrelid, format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE k.contype = 'f' AND (k.conrelid = ANY ($1::regclass[]::oid[]) OR k.confrelid = ANY ($1::regclass[]::oid[]))
),
part (oid, type) AS (
  SELECT k.oid, a.atttypid FROM key JOIN pg_constraint AS k USING (oid)
  JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
    OR a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
  UNION
  SELECT p.oid, inner_type FROM part AS p JOIN pg_type AS t ON t.oid = p.type,
    unnest(ARRAY[t.typbasetype, t.typelem]) AS inner_type WHERE inner_type <> 0
)
SELECT DISTINCT format('foreign key ''%s'' of ''%s'' uses the cast %s, whose function belongs to ''%s'' and would run '
  'with the rights of ''%s'': drop the foreign key, or the cast', key.conname, key.name,
  pg_describe_object('pg_cast'::regclass, c.oid, 0), pg_get_userbyid(f.proowner), current_user) AS message
FROM part JOIN key USING (oid) JOIN pg_cast AS c ON c.castsource = part.type AND c.castcontext = 'i'
JOIN pg_proc AS f ON f.oid = c.castfunc JOIN pg_roles AS r ON r.oid = f.proowner
WHERE NOT r.rolsuper AND r.rolname <> current_user
ORDER BY 1]]

--- Raises, naming all of it, when publishing would run what others have written with our rights.
---@param conn pghost.Connection
---@param tables string oids of the published tables, as an array literal
---@param views string oids of the views over them, as an array literal
function M.check(conn, tables, views)
  local messages = {}
  local function note(query, ...)
    for row in conn:query(query, ...):rows() do
      messages[#messages + 1] = row.message
    end
  end
  local others = trust.others_have_code(conn)
  if others then
    note(others_query, tables, views)
  end
  note(authors_query, tables)
  if others then
    note(casts_query, tables)
  end
  if #messages > 0 then
    errors.raise("cannot publish: " .. table.concat(messages, "; "), "42501")
  end
end

--- Raises, naming all of it, when adding to some tables would run what others have written with our rights: functions
--- of their triggers, rules, constraints, defaults and indexes.
---@param conn pghost.Connection in a transaction
---@param names string[] quoted, with their schemas
function M.check_added(conn, names)
  if not trust.others_have_code(conn) then
    return
  end
  local messages, list = {}, sql.array(names)
  session.with(conn, function()
    for _, query in ipairs { added_query, casts_query } do
      for row in conn:query(query, list):rows() do
        messages[#messages + 1] = row.message
      end
    end
  end)
  if #messages > 0 and #names > 1 then
    for _, name in ipairs(names) do -- which one it is about
      M.check_added(conn, { name })
    end
  elseif #messages > 0 then
    errors.raise(("cannot add to %s: %s"):format(names[1], table.concat(messages, "; ")), "42501")
  end
end

return M
