-- The partitions of a table that is published: of the built one, with what they replace, and of the published one.
--
-- A partition that both have keeps what users gave to it (owner, grants, comment, indexes, triggers, statistics), as a
-- table does.

local errors = require "pghost.lib.errors"
local statements = require "pghost.publish.script"
local tree = require "pghost.partitions.tree"

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

local exchanged_query <const> = [[
SELECT n.oid AS new, format('%I.%I', $2::text, $4::text) AS qualified, format('%I.%I', $1::text, $4::text) AS built,
  o.oid, o.oid IS NOT DISTINCT FROM $5::oid AND (o.oid IS NULL OR EXISTS (
    SELECT FROM pg_inherits AS i WHERE i.inhrelid = o.oid AND i.inhparent = $3::oid)) AS same
FROM pg_class AS n LEFT JOIN pg_class AS o ON o.relname = n.relname
  AND o.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $2)
WHERE n.relname = $4 AND n.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)]]

--- Built partitions of a published table that stays, as subjects.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@param exchange pghost.partitions.Exchange
---@return pghost.publish.Subject[]
function M.exchanged(conn, options, exchange)
  local list = {}
  for i, part in ipairs(exchange.parts) do
    local row = conn:query(exchanged_query, options.build, options.target, exchange.oid, part.name, part.replaces)[1]
    if not row.same and not part.replaces then
      errors.raise(("cannot publish '%s': its partition needs the name %s, which exists: rename that"):format(
        exchange.published, row.qualified), "42P07")
    elseif not row.same then
      errors.raise(("cannot publish '%s': concurrent change of its partition %s: try again"):format(exchange.published,
        row.qualified), "changed")
    end
    list[i] = { name = part.name, qualified = row.qualified, built = row.built, build = options.build, kind = "r",
      oid = row.oid, new = row.new, row_security = false, partitioned = false, attach = part.bounds,
      part_of = { qualified = exchange.published, oid = exchange.oid } }
  end
  return list
end

--- The published tables that partitions are exchanged of, as names to lock: their other partitions are not.
---@param options pghost.publish.Options
---@return string[]
function M.wholes(options)
  local list = {}
  for i, exchange in ipairs(options.exchanges or {}) do
    list[i] = "ONLY " .. exchange.published
  end
  return list
end

--- Makes exchanged partitions parts of their tables. The server does not look at their records: a CHECK says what they
--- are, which then goes.
---@param subjects pghost.publish.Subject[]
---@return pghost.publish.Statements
function M.attach(subjects)
  local list = statements.new()
  for _, subject in ipairs(subjects) do
    if subject.attach then
      local what = ("partition '%s'"):format(subject.name)
      list:add(what, ("ALTER TABLE %s ATTACH PARTITION %s %s"):format(subject.part_of.qualified, subject.qualified,
        subject.attach))
      list:add(what, ("ALTER TABLE %s DROP CONSTRAINT %s"):format(subject.qualified, tree.bounds_check))
    end
  end
  return list
end

return M
