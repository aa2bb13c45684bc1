-- Which tables pghost may replace. An existing table that no run has published holds user data: it is not dropped
-- unless the user says so.
--
-- A table is known by its oid in pghost.published, so that one that was dropped and recreated by hand is not taken for
-- the published one. Dump and restore give new oids to all tables, to pghost.published too: rows written under another
-- oid of pghost.published are matched by the table's name.

local errors = require "pghost.lib.errors"
local sql = require "pghost.lib.sql"

local M = {}

local strangers_query = [[
SELECT c.relname::pg_catalog.text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
LEFT JOIN pghost.published AS p ON p.schema_name OPERATOR(pg_catalog.=) n.nspname::pg_catalog.text
  AND p.table_name OPERATOR(pg_catalog.=) c.relname::pg_catalog.text
WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.name
  AND c.relname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.text[])
  AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
  AND (p.relation IS NULL OR p.relation OPERATOR(pg_catalog.<>) c.oid
    AND p.history OPERATOR(pg_catalog.=) 'pghost.published'::pg_catalog.regclass::pg_catalog.oid)
ORDER BY c.relname]]

--- Raises when publishing would replace tables that pghost has not published, unless they may be adopted:
--- the setting or the option `adopt`.
---@param run pghost.Run
---@param names string[]
---@param adopt? boolean
function M.check(run, names, adopt)
  run.adopted = run.adopted or {}
  for row in run.conn:query(strangers_query, run.target, sql.array(names)):rows() do
    local name = row.name
    if not run.adopted[name] then
      if not (adopt or run.settings.adopt) then
        errors.raise(("table '%s.%s' was not published by pghost and would be dropped with its data: rename it, or "
          .. "hand it over with pghost adopt %s.%s, or adopt = true"):format(run.target, name, run.target,
          name), "42P07", { exit = 1 })
      end
      run.adopted[name] = true
      run.log:warn("adopt", name, ("'%s.%s' was not published by pghost and is replaced"):format(run.target, name))
    end
  end
end

--- Lets pghost replace a table that it has not published.
---@param conn pghost.Connection
---@param schema string
---@param name string
---@return integer records that it has, by the server's estimate; -1: not known
function M.adopt(conn, schema, name)
  local row = conn:query([[
    SELECT c.oid, c.relkind::pg_catalog.text AS kind, c.relpersistence::pg_catalog.text AS logging,
      c.reltuples::pg_catalog.int8 AS records
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.name
      AND c.relname OPERATOR(pg_catalog.=) $2::pg_catalog.name]], schema, name)[1]
  if not row then
    errors.raise(("no table '%s.%s'"):format(schema, name), "42P01", { exit = 1 })
  elseif row.kind ~= "r" and row.kind ~= "p" then
    errors.raise(("'%s.%s' is not a plain table: publishing cannot replace it"):format(schema, name), "42809",
      { exit = 1 })
  elseif schema == "pghost" then
    errors.raise(("'%s.%s' is pghost's own record of its runs"):format(schema, name), "usage", { exit = 1 })
  end
  conn:query([[
    INSERT INTO pghost.published (schema_name, table_name, relation, logging, not_null, defaults, history)
    VALUES ($1, $2, $3::pg_catalog.oid, $4, '{}', '{}', 'pghost.published'::pg_catalog.regclass::pg_catalog.oid)
    ON CONFLICT (schema_name, table_name) DO UPDATE SET relation = excluded.relation, logging = excluded.logging,
      primary_key = NULL, not_null = '{}', defaults = '{}', history = excluded.history]],
    schema, name, row.oid, row.logging)
  return row.records
end

-- Publications that send every table, or every one of the schema pghost.
local publications_query = [[
SELECT p.pubname::pg_catalog.text AS name FROM pg_catalog.pg_publication AS p
WHERE p.puballtables ORDER BY p.pubname]]

--- Warns, once per publication, of one that sends pghost's own tables too: a subscriber without them stops.
---@param run pghost.Run
function M.warn_of_publications(run)
  for row in run.conn:query(publications_query):rows() do
    local topic = "publication " .. row.name
    local is_new = run.conn:query("INSERT INTO pghost.told (topic) VALUES ($1) ON CONFLICT (topic) DO NOTHING", topic)
      .affected == 1
    if is_new then
      run.log:warn("publication", row.name, ("'%s' is for all tables: a subscriber stops at pghost.runs until it has "
        .. "the schema pghost too; see docs/PUBLISHING.md, Logical replication"):format(row.name))
    end
  end
end

return M
