-- What else acts on rows that are written to the tables of a change, and how large these are. Columns and keys are
-- those of catalog/columns.lua.

local qualified = require "pghost.modes.qualified"

local M = {}

-- Partitions have triggers and rules of their own; those of a foreign table are out of sight.
local actors_query = qualified [[
WITH RECURSIVE family AS (
  SELECT $1::pg_catalog.regclass::pg_catalog.oid AS oid
  UNION
  SELECT i.inhrelid AS oid FROM family JOIN pg_catalog.pg_inherits AS i ON i.inhparent = family.oid
)
SELECT pg_catalog.concat('trigger ''', t.tgname, '''') AS actor
FROM family JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = family.oid
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
UNION
SELECT pg_catalog.concat('rule ''', r.rulename, '''')
FROM family JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = family.oid
WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D'
UNION
SELECT pg_catalog.concat('foreign table ''', c.relname, '''')
FROM family JOIN pg_catalog.pg_class AS c ON c.oid = family.oid
WHERE c.relkind = 'f'
ORDER BY 1]]

--- What may store other rows than those it is given: triggers, rules, foreign partitions.
---@param conn pghost.Connection
---@param table_name string quoted
---@return string[] "trigger 'x'", ...
function M.actors(conn, table_name)
  local list = {}
  for row in conn:query(actors_query, table_name):rows() do
    list[#list + 1] = row.actor
  end
  return list
end

--- Whether one table has less than a thirtieth of the rows that another has by its statistics: how the statements of a
--- change are best written depends on it, not what they do.
---@param conn pghost.Connection
---@param table_name string quoted
---@param other string quoted
---@return boolean
function M.is_few(conn, table_name, other)
  return conn:query((qualified [[
    SELECT (SELECT pg_catalog.count(*) FROM %s) OPERATOR(pg_catalog.*) 30 <= c.reltuples AS few
    FROM pg_catalog.pg_class AS c WHERE c.oid = $1::pg_catalog.regclass]]):format(table_name), other)[1].few
end

return M
