-- The partitions of a table that is published: of the built one, with what they replace, and of the published one.
--
-- A partition that both have keeps what users gave to it (owner, grants, comment, indexes, triggers, statistics), as a
-- table does.

local errors = require "pghost.lib.errors"

local M = {}

-- $1 built table, $2 published one or NULL, $3 build schema, $4 target schema.
local query <const> = [[
SELECT n.relname::text AS name, n.oid AS new, format('%I.%I', $4::text, n.relname) AS qualified,
  format('%I.%I', $3::text, n.relname) AS built, o.oid AS taken, o.relkind::text AS taken_kind,
  EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = o.oid AND i.inhparent = $2::oid) AS same_parent
FROM pg_inherits AS p JOIN pg_class AS n ON n.oid = p.inhrelid
LEFT JOIN pg_class AS o ON o.relname = n.relname
  AND o.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $4)
WHERE p.inhparent = $1::oid ORDER BY n.relname]]

--- Those of one table, as subjects of their own.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@param whole pghost.publish.Subject
---@return pghost.publish.Subject[]
function M.of(conn, options, whole)
  local list = {}
  for row in conn:query(query, whole.new, whole.oid, options.build, options.target):rows() do
    if row.taken and not (row.same_parent and row.taken_kind == "r") then
      errors.raise(("cannot publish '%s': its partition needs the name %s, which exists and is not a partition of it: "
        .. "rename that"):format(whole.qualified, row.qualified), "42P07")
    end
    list[#list + 1] = { name = row.name, qualified = row.qualified, built = row.built, build = options.build,
      kind = "r", oid = row.taken, new = row.new, row_security = false, part_of = whole }
  end
  return list
end

--- The oids of a published table's partitions, those below partitions too, that are not among these subjects.
---@param conn pghost.Connection
---@param oid string of the table
---@param parts pghost.publish.Subject[]
---@return string[]
function M.gone(conn, oid, parts)
  local list, replaced = {}, {}
  for _, part in ipairs(parts) do
    replaced[part.oid or ""] = true
  end
  for row in conn:query([[
      WITH RECURSIVE part AS (
        SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::oid
        UNION ALL SELECT i.inhrelid FROM part JOIN pg_inherits AS i ON i.inhparent = part.inhrelid
      ) SELECT inhrelid AS oid FROM part ORDER BY 1]], oid):rows() do
    list[#list + 1] = not replaced[row.oid] and row.oid or nil
  end
  return list
end

return M
