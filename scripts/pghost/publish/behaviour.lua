-- What acts on a published table (policies, triggers, rules, publications, its sequences), as
-- statements that run when the new table has its place and name.

local statements = require "pghost.publish.script"

local M = {}

-- $1 table, $2 its quoted name, $3 the policy alone, or NULL for all of the table.
local policies_query = [[
WITH policy AS (
  SELECT p.*, coalesce((SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ')
    FROM unnest(p.polroles) AS r), 'PUBLIC') AS roles,
    pg_get_expr(polqual, polrelid) AS visible, pg_get_expr(polwithcheck, polrelid) AS writable
  FROM pg_policy AS p WHERE polrelid = $1::oid AND ($3::oid IS NULL OR p.oid = $3::oid)
)
SELECT 1 AS step, format('policy %L', polname) AS what, format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', polname,
  $2::text, CASE WHEN polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
  CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
    ELSE 'ALL' END,
  roles) || coalesce(' USING (' || visible || ')', '') || coalesce(' WITH CHECK (' || writable || ')', '') AS sql
FROM policy
UNION ALL
SELECT 2, format('policy %L', polname), format('COMMENT ON POLICY %I ON %s IS %L', polname, $2::text,
  obj_description(oid, 'pg_policy'))
FROM policy WHERE obj_description(oid, 'pg_policy') IS NOT NULL
ORDER BY 1, 2]]

--- Row-level policies.
---@param only? string oid of the one policy that is wanted
---@return pghost.publish.Statements
function M.policies(conn, oid, name, only)
  local list = statements.new()
  list:add_rows(conn, policies_query, oid, name, only)
  return list
end

-- A trigger that a partition has from its table comes and goes with that one's.
local own_trigger = [[NOT tgisinternal AND NOT EXISTS (SELECT FROM pg_depend AS d
  WHERE d.classid = 'pg_trigger'::regclass AND d.objid = pg_trigger.oid AND d.deptype IN ('P', 'S'))]]

-- The definitions name the published table, which is the new one by then.
local triggers_query = [[
WITH trigger AS (SELECT * FROM pg_trigger WHERE tgrelid = $1::oid AND ]] .. own_trigger .. [[),
rule AS (SELECT * FROM pg_rewrite WHERE ev_class = $1::oid AND rulename <> '_RETURN')
SELECT 1 AS step, format('trigger %L', tgname) AS what, pg_get_triggerdef(oid) AS sql FROM trigger
UNION ALL
SELECT 2, format('trigger %L', tgname), format('ALTER TABLE %s %s TRIGGER %I', $2::text,
  CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, tgname)
FROM trigger WHERE tgenabled <> 'O'
UNION ALL
SELECT 2, format('trigger %L', tgname), format('COMMENT ON TRIGGER %I ON %s IS %L', tgname, $2::text,
  obj_description(oid, 'pg_trigger'))
FROM trigger WHERE obj_description(oid, 'pg_trigger') IS NOT NULL
UNION ALL
SELECT 1, format('rule %L', rulename), rtrim(pg_get_ruledef(oid), ';') FROM rule
UNION ALL
SELECT 2, format('rule %L', rulename), format('ALTER TABLE %s %s RULE %I', $2::text,
  CASE ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, rulename)
FROM rule WHERE ev_enabled <> 'O'
UNION ALL
SELECT 2, format('rule %L', rulename), format('COMMENT ON RULE %I ON %s IS %L', rulename, $2::text,
  obj_description(oid, 'pg_rewrite'))
FROM rule WHERE obj_description(oid, 'pg_rewrite') IS NOT NULL
ORDER BY 1, 2]]

--- Triggers and rules with their comments, switched off or on as they were.
---@return pghost.publish.Statements
function M.triggers(conn, oid, name)
  local list = statements.new()
  list:add_rows(conn, triggers_query, oid, name)
  return list
end

--- Drops policies, triggers and rules, which may use views and functions that go before the table.
---@return pghost.publish.Statements
function M.drop(conn, oid, name)
  local list = statements.new()
  list:add_rows(conn, [[
    SELECT format('policy %L', polname) AS what, format('DROP POLICY %I ON %s', polname, $2::text) AS sql
    FROM pg_policy WHERE polrelid = $1::oid
    UNION ALL
    SELECT format('trigger %L', tgname), format('DROP TRIGGER %I ON %s', tgname, $2::text)
    FROM pg_trigger WHERE tgrelid = $1::oid AND ]] .. own_trigger .. [[
    UNION ALL
    SELECT format('rule %L', rulename), format('DROP RULE %I ON %s', rulename, $2::text)
    FROM pg_rewrite WHERE ev_class = $1::oid AND rulename <> '_RETURN'
    ORDER BY 1]], oid, name)
  return list
end

--- Whether row-level security is on, and whether for the owner too.
---@return pghost.publish.Statements
function M.row_security(conn, oid, name)
  local list = statements.new()
  list:add_rows(conn, [[
    SELECT 'row level security' AS what, format('ALTER TABLE %s %s ROW LEVEL SECURITY', $2::text, word) AS sql
    FROM pg_class, LATERAL (VALUES (relrowsecurity, 'ENABLE'), (relforcerowsecurity, 'FORCE')) AS v (is_on, word)
    WHERE oid = $1::oid AND is_on]], oid, name)
  return list
end

--- Memberships of publications, with column lists and row filters.
---@return pghost.publish.Statements
function M.publications(conn, oid, name)
  local list = statements.new()
  list:add_rows(conn, [[
    SELECT format('publication %L', p.pubname) AS what, format('ALTER PUBLICATION %I ADD TABLE %s', p.pubname, $2::text)
      || coalesce((SELECT ' (' || string_agg(quote_ident(a.attname), ', ' ORDER BY n) || ')'
        FROM unnest(r.prattrs::int2[]) WITH ORDINALITY AS k (attnum, n)
        JOIN pg_attribute AS a ON a.attrelid = r.prrelid AND a.attnum = k.attnum), '')
      || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', '') AS sql
    FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid
    WHERE r.prrelid = $1::oid ORDER BY p.pubname]], oid, name)
  return list
end

-- Sequences that belong to a column: an identity's (recreated) or one that was given to it (kept).
local sequences_query = [[
SELECT s.oid, format('%I.%I', n.nspname, s.relname) AS name, quote_ident(s.relname) AS own_name,
  d.deptype::text AS deptype, quote_ident(a.attname) AS column_name, b.attname IS NOT NULL AS found,
  quote_literal(obj_description(s.oid, 'pg_class')) AS comment
FROM pg_depend AS d
JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace AS n ON n.oid = s.relnamespace
JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_attribute AS b ON b.attrelid = $2::oid AND b.attname = a.attname AND NOT b.attisdropped
  AND (d.deptype = 'a' OR b.attidentity <> '')
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
  AND d.refobjid = $1::oid AND d.refobjsubid > 0
ORDER BY s.relname]]

--- What keeps sequences: first before the old table goes, then when the new one has its place.
---@param conn pghost.Connection
---@param subject pghost.publish.Subject
---@param rights fun(oid: string, name: string): pghost.publish.Statements
---@return pghost.publish.Statements before
---@return pghost.publish.Statements after
function M.sequences(conn, subject, rights)
  local before, after = statements.new(), statements.new()
  for row in conn:query(sequences_query, subject.oid, subject.new):rows() do
    local what = ("sequence %s"):format(row.name)
    if row.found and row.deptype == "a" then
      before:add(what, "ALTER SEQUENCE %s OWNED BY NONE", row.name)
      after:add(what, "ALTER SEQUENCE %s OWNED BY %s.%s", row.name, subject.qualified, row.column_name)
    elseif row.found then
      local new = conn:query([[
        SELECT format('%I.%I', n.nspname, s.relname) AS name
        FROM pg_depend AS d JOIN pg_class AS s ON s.oid = d.objid JOIN pg_namespace AS n ON n.oid = s.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
          AND s.relkind = 'S' AND d.refobjid = $1::oid AND quote_ident(a.attname) = $2]],
        subject.new, row.column_name)[1].name
      before:add(what, "SELECT setval('%s', last_value, is_called) FROM %s", new:gsub("'", "''"), row.name)
      after:append(rights(row.oid, row.name))
      if row.comment then
        after:add(what, "COMMENT ON SEQUENCE %s IS %s", row.name, row.comment)
      end
    end
  end
  return before, after
end

return M
