-- Whether reading a table by its name is only that. A view runs its query as whoever reads it, and so do policies of a
-- table: somebody who puts a view in the place of a table would have code run with our rights.
--
-- Not for queries that the user has written: those say what they read.

local errors = require "pghost.lib.errors"
local trust = require "pghost.catalog.trust"

local M = {}

-- Views and policies that reading $1 runs, with what they use.
local others_query = ([[
  WITH RECURSIVE reached (oid) AS (
    SELECT pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid
    UNION
    SELECT d.refobjid FROM reached AS r CROSS JOIN LATERAL (
      SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid AS class, w.oid
      FROM pg_catalog.pg_rewrite AS w JOIN pg_catalog.pg_class AS c ON c.oid = w.ev_class
      WHERE w.ev_class = r.oid AND c.relkind = 'v'
      UNION ALL
      SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass::pg_catalog.oid, p.oid
      FROM pg_catalog.pg_policy AS p WHERE p.polrelid = r.oid AND pg_catalog.row_security_active(r.oid)
    ) AS o JOIN pg_catalog.pg_depend AS d ON d.classid = o.class AND d.objid = o.oid
    WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
  ), found AS (
    SELECT 'view' AS what, c.relname AS name, c.relowner AS owner
    FROM reached AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.oid WHERE c.relkind = 'v'
    UNION ALL
    SELECT 'policy', p.polname, f.proowner
    FROM reached AS r JOIN pg_catalog.pg_policy AS p ON p.polrelid = r.oid
      JOIN pg_catalog.pg_depend AS d ON d.objid = p.oid
        AND d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass::pg_catalog.oid
        AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
      JOIN pg_catalog.pg_proc AS f ON f.oid = d.refobjid
    WHERE pg_catalog.row_security_active(r.oid)
  )
  SELECT f.what, f.name, pg_catalog.pg_get_userbyid(f.owner) AS owner, current_user AS role
  FROM found AS f WHERE NOT %s ORDER BY f.what, f.name LIMIT 1]]):format(trust.trusted "f.owner")

--- Raises when reading a table or view would run what an untrusted role has written, with this role's rights.
---@param conn pghost.Connection
---@param qualified string quoted name with its schema
---@param otherwise string what the user can do instead
function M.check(conn, qualified, otherwise)
  local found = conn:query(others_query, qualified)[1]
  if found then
    errors.raise(("reading %s would run code of '%s' with the rights of '%s' (%s '%s'): %s"):format(qualified,
      found.owner, found.role, found.what, found.name, otherwise), "42501", { exit = 1 })
  end
end

--- Likewise, and nobody can put something else there until the transaction ends: parsing a query locks what it reads,
--- and runs none of it.
---@param conn pghost.Connection in a transaction
---@param qualified string quoted name with its schema
---@param otherwise string what the user can do instead
function M.hold(conn, qualified, otherwise)
  conn:query(("PREPARE pghost_reads AS SELECT 1 FROM %s"):format(qualified))
  conn:query "DEALLOCATE pghost_reads"
  M.check(conn, qualified, otherwise)
end

return M
