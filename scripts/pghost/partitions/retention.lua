-- Old partitions of a published table: those whose last moment is longer ago than the option `keep` says are detached
-- or dropped when a run publishes. Never without being asked; a dry run tells which.
--
-- How old one is depends on the run's as_of, in UTC, and on its bounds, never on its records.

local log = require "pghost.lib.log"
local published = require "pghost.partitions.existing"
local relations = require "pghost.catalog.relations"
local script = require "pghost.publish.script"
local session = require "pghost.publish.session"

local M = {}

---@class pghost.partitions.Retention
---@field name string of the published table
---@field published string quoted
---@field keep string "24 months"
---@field old "detach"|"drop"

--- What a load asks for.
---@param run pghost.Run
---@param plan pghost.Plan
---@return pghost.partitions.Retention?
function M.of(run, plan)
  local declared = plan.partition
  return declared.keep and { name = plan.name, published = relations.quoted(run.target, plan.name),
    keep = declared.keep, old = declared.old } or nil
end

-- Bounds are printed and read under the same settings. One without an end never gets old.
local old_query <const> = [[
  SELECT c.relname::text AS name, pg_catalog.format('%I.%I', n.nspname, c.relname) AS qualified
  FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
    SELECT substring(pg_catalog.pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']*)''\)$') AS end) AS b
  WHERE i.inhparent = $1::regclass::oid AND CASE (SELECT a.atttypid FROM pg_partitioned_table AS p
      JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] WHERE p.partrelid = i.inhparent)
    WHEN 'timestamptz'::regtype THEN pg_catalog.timezone('UTC', b.end::timestamptz) ELSE b.end::timestamp
  END <= $2::timestamp - $3::interval
  ORDER BY c.relname]]

--- The partitions that are too old.
---@param run pghost.Run
---@param one pghost.partitions.Retention
---@return { name: string, qualified: string }[]
function M.old(run, one)
  return session.transaction(run.conn, function()
    local list = {}
    for row in run.conn:query(old_query, one.published, run.as_of, one.keep):rows() do
      list[#list + 1] = { name = row.name, qualified = row.qualified }
    end
    return list
  end)
end

--- "2 partitions older than 24 months dropped: a, b"
---@param one pghost.partitions.Retention
---@param parts { name: string }[]
---@return string
function M.described(one, parts)
  return ("%s older than %s %s: %s"):format(log.counted(#parts, "partition"), one.keep,
    one.old == "drop" and "dropped" or "detached", published.names(parts))
end

--- Removes old partitions; must run at the end of the transaction that publishes, since readers wait from then on.
---@param run pghost.Run
---@param names table<string, true> tables that are published
---@param take fun(table_name: string, fn: fun()) locks a table without holding readers up for long, then calls fn
function M.apply(run, names, take)
  for _, one in ipairs(run.retentions) do
    local parts = names[one.name] and M.old(run, one) or {}
    if #parts > 0 then
      local list = script.new()
      for _, part in ipairs(parts) do
        list:add(("partition '%s'"):format(part.name), ("ALTER TABLE %s DETACH PARTITION %s"):format(one.published,
          part.qualified))
        if one.old == "drop" then
          list:add(("partition '%s'"):format(part.name), "DROP TABLE " .. part.qualified)
        end
      end
      take(one.published, function()
        list:run(run.conn, one.name)
      end)
      run.log:info("partitions", one.name, M.described(one, parts), { partitions = #parts })
    end
  end
end

return M
