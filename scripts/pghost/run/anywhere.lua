-- Whether the SQL of an answer gives the same over any connection, and beside other answers.
--
-- It does if it reads nothing but plain tables of the pipeline and its users, through functions of the server that look
-- at nothing else: what it reads is known then, whatever it looks like. Everything else (a view, a function of
-- somebody's own, random(), a temporary table, a setting of the session) runs by itself, over the control connection.

local M = {}

-- The numbers that the tree of a rule gives to fields of that name (pg_node_tree, as out functions of nodes write it).
local oids <const> = [[ARRAY(
  SELECT m.n[1]::pg_catalog.oid FROM pg_catalog.regexp_matches(w.tree, '%s ([0-9]+)', 'g') AS m (n))]]

local query <const> = [[
  WITH w AS MATERIALIZED (
    SELECT r.oid, r.ev_class, r.ev_action::pg_catalog.text AS tree FROM pg_catalog.pg_rewrite AS r
    WHERE r.ev_class OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.regclass)
  SELECT w.tree OPERATOR(pg_catalog.!~) ':hasForUpdate true'
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend AS d
      WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        AND d.objid OPERATOR(pg_catalog.=) w.oid
        AND d.refclassid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_class'::pg_catalog.regclass)
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
      WHERE c.oid OPERATOR(pg_catalog.=) ANY (]] .. oids:format(":relid") .. [[)
        AND c.oid OPERATOR(pg_catalog.<>) w.ev_class
        AND (c.relkind NOT IN ('r', 'p', 'm') OR c.relrowsecurity OR c.relpersistence OPERATOR(pg_catalog.=) 't'
          OR n.nspname IN ('pg_catalog', 'information_schema', 'pghost')))
    AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_proc AS p
      WHERE p.oid OPERATOR(pg_catalog.=) ANY (]] .. oids:format(":(?:funcid|opfuncid|aggfnoid|winfnoid)") .. [[)
        AND (p.provolatile OPERATOR(pg_catalog.=) 'v' OR p.proparallel OPERATOR(pg_catalog.<>) 's'
          OR p.proname OPERATOR(pg_catalog.~) '^(pg_|to_reg|has_|current_setting$)|_to_xml|_description$'))
    AS anywhere
  FROM w]]

--- Whether the SELECT that a view stands for can run over any connection.
---@param conn pghost.Connection
---@param view string quoted name
---@return boolean
function M.of_view(conn, view)
  local row = conn:query(query, view)[1]
  return row ~= nil and row.anywhere
end

return M
