-- What may refuse a new row of a published table and is not among its certain constraints (constraints.lua): only the
-- server can say, when the row is written.

local qualified = require "pghost.modes.qualified"

local M = {}

-- $1: the published table, $2: whether its rows may conflict with others than the certain constraints compare
-- (conditions of unique() in constraints.lua), $3: whether the load sees to the partitions itself.
local found_query = qualified [[
  WITH RECURSIVE family AS (
    SELECT $1::pg_catalog.regclass::pg_catalog.oid AS oid, true AS is_root
    UNION
    SELECT i.inhrelid, false FROM family JOIN pg_catalog.pg_inherits AS i ON i.inhparent = family.oid
  )
  SELECT EXISTS (
    SELECT 1 FROM family JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = family.oid
    WHERE NOT t.tgisinternal AND NOT t.tgenabled IN ('D', 'R')
      AND t.tgtype::pg_catalog.int4 OPERATOR(pg_catalog.&) 20 > 0
  ) OR EXISTS (
    SELECT 1 FROM family JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = family.oid
    WHERE r.ev_type IN ('2', '3') AND r.ev_enabled <> 'D'
  ) OR EXISTS (
    SELECT 1 FROM family JOIN pg_catalog.pg_index AS i ON i.indrelid = family.oid
    WHERE i.indisexclusion OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
      OR (i.indisunique AND NOT i.indisprimary AND $2::pg_catalog.bool)
      OR (i.indisunique AND NOT is_root
        AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_inherits AS p WHERE p.inhrelid = i.indexrelid))
      OR (i.indisunique AND pg_catalog.strpos(pg_catalog.pg_get_indexdef(i.indexrelid), 'NULLS NOT DISTINCT') > 0)
      OR (i.indisunique AND EXISTS (
        SELECT 1 FROM pg_catalog.unnest(i.indclass) AS u (class) JOIN pg_catalog.pg_opclass AS o ON o.oid = u.class
        WHERE NOT o.opcdefault))
      OR (i.indisunique AND EXISTS (
        SELECT 1 FROM ROWS FROM (pg_catalog.unnest(i.indkey), pg_catalog.unnest(i.indcollation)) AS u (number, under)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.number
        WHERE a.attcollation <> u.under))
  ) OR EXISTS (
    SELECT 1 FROM family JOIN pg_catalog.pg_constraint AS k ON k.conrelid = family.oid
      LEFT JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
    WHERE (k.contype IN ('c', 'f') AND NOT k.convalidated)
      OR (k.contype = 'f' AND (k.confmatchtype <> 's' OR c.relrowsecurity))
      OR (k.contype = 'c' AND NOT is_root AND k.coninhcount = 0)
  ) OR EXISTS (
    SELECT 1 FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = $1::pg_catalog.regclass::pg_catalog.oid AND a.attgenerated <> ''
  ) OR EXISTS (
    SELECT 1 FROM pg_catalog.pg_class AS c
    WHERE c.oid = $1::pg_catalog.regclass::pg_catalog.oid AND c.relkind = 'p' AND NOT $3::pg_catalog.bool
  ) AS found]]

--- Whether anything may.
---@param conn pghost.Connection
---@param plan pghost.Plan
---@param published string quoted name
---@return boolean
function M.found(conn, plan, published)
  local conflicts = plan.mode == "history" or plan.missing ~= "keep"
  return conn:query(found_query, published, tostring(conflicts), tostring(plan.partition ~= nil))[1].found
end

local parents_query = qualified [[
  SELECT DISTINCT n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS name,
    k.confrelid = k.conrelid AS of_itself
  FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE k.conrelid = $1::pg_catalog.regclass AND k.contype = 'f']]

-- Tables that runs of this pipeline load, and this run has not yet.
local later_query = qualified [[
  SELECT DISTINCT f.table_name AS name FROM pghost.files AS f JOIN pghost.runs AS r USING (run_id)
  WHERE r.pipeline = $1 AND r.target_schema = $2 AND f.table_name <> $4 AND NOT EXISTS (
    SELECT 1 FROM pghost.files AS o WHERE o.run_id = $3 AND o.table_name = f.table_name)]]

--- What the published table refers to that is not as it will be: to itself, or to a table that this run replaces or
--- loads later. Then a foreign key may refuse rows now that it takes when the run publishes.
---@param run pghost.Run
---@param change pghost.modes.Change
---@return boolean pending
---@return boolean last the run replaces no table, and loads none after this one
function M.pending(run, change)
  local waiting, last = {}, #run.tables + #run.exchanges == 0
  for _, name in ipairs(run.tables) do
    waiting[name] = true
  end
  for _, exchange in ipairs(run.exchanges) do
    waiting[exchange.name] = true
  end
  for row in run.conn:query(later_query, run.name, run.target, run.id, change.name):rows() do
    waiting[row.name], last = true, false
  end
  for row in run.conn:query(parents_query, change.published):rows() do
    if row.of_itself or row.schema == run.target and waiting[row.name] then
      return true, last
    end
  end
  return false, last
end

local deferrable_query = qualified [[
  SELECT pg_catalog.format('%I.%I', n.nspname, k.conname) AS name
  FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_namespace AS n ON n.oid = k.connamespace
  WHERE k.conrelid = $1::pg_catalog.regclass AND k.condeferrable AND k.contype IN ('f', 'p', 'u', 'x')]]

--- The constraints of the published table that may wait for the COMMIT, without constraint triggers.
---@param conn pghost.Connection
---@param change pghost.modes.Change
---@return string[] quoted names
function M.deferrable(conn, change)
  local list = {}
  for row in conn:query(deferrable_query, change.published):rows() do
    list[#list + 1] = row.name
  end
  return list
end

return M
