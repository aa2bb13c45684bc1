-- Partitions of clean tables: what a load asks of this room. docs/PARTITIONS.md says what users see.
--
-- A load goes into one table, whatever is declared; then its records are routed into partitions (tree.lua), in the
-- build schema. Nothing here knows how records are read.

local backfill = require "pghost.partitions.backfill"
local declaration = require "pghost.partitions.declaration"
local distribute = require "pghost.distribute"
local errors = require "pghost.lib.errors"
local published = require "pghost.partitions.existing"
local rejected = require "pghost.partitions.rejected"
local relations = require "pghost.catalog.relations"
local retention = require "pghost.partitions.retention"
local tree = require "pghost.partitions.tree"

local M = {}

local undone = {} -- ends a transaction

-- Whether the server can partition by values of that type: it is asked, before anything is loaded.
local function check_type(run, name, declared)
  local column = declared.column
  if declared.way.types then
    return
  end
  local _, problem = pcall(run.conn.transaction, run.conn, function()
    run.conn:query(("CREATE TABLE %s (%s %s) PARTITION BY %s (%s)"):format(run:qualified "pghost_tried",
      relations.quote(column.name), column.full_type, declared.way.strategy, relations.quote(column.name)))
    error(undone, 0)
  end)
  if problem == undone then
    return
  elseif not errors.is(problem) or problem.code ~= "42704" then
    error(problem, 0)
  end
  errors.raise(("table '%s': partition: column '%s' is %s, which PostgreSQL cannot partition by %s: %s"):format(name,
    column.name, column.full_type, declared.way.name, problem.message), "data", { exit = 1 })
end

-- What is loaded becomes a new table, which nobody distributes or gives its settings to.
local function check_alone(run, request)
  local what = distribute.is_placed(run, request.clean_table) and "a distributed table"
    or run.settings.table_created and "the setting table_created"
  if what then
    errors.raise(("table '%s': partition cannot be combined with %s"):format(request.name, what), "usage", { exit = 1 })
  end
end

--- What a load declares, checked against its rules and the table that it adds to; nil: no partitions.
---@param run pghost.Run
---@param request table draft of a plan
---@return pghost.partitions.Declared?
function M.of(run, request)
  local declared = declaration.of(request)
  if declared and declared.keep and request.mode == "replace" then
    errors.raise(("table '%s': partition: keep cannot be combined with mode 'replace', in which the files decide what "
      .. "there is: load with another mode"):format(request.name), "usage", { exit = 1 })
  end
  if declared then
    check_alone(run, request)
    check_type(run, request.name, declared)
  end
  if declared and not request.first then
    published.check(run.conn, { name = request.name, mode = request.mode, partition = declared },
      relations.quoted(run.target, request.name))
    if request.mode == "partitions" and not run.replay then
      backfill.check(run, request)
    end
  end
  return declared
end

--- Rejects the loaded records that have no partition.
---@param conn pghost.Connection in a transaction
---@param run pghost.Run
---@param plan pghost.Plan
---@param result pghost.Result
---@return integer rejected
function M.refuse(conn, run, plan, result)
  local counts, total = rejected.settle(conn, run, plan)
  result:refuse(counts, total)
  return total
end

---@class pghost.partitions.Told what the history keeps of the partitions that a load has built
---@field by string
---@field column string
---@field new integer
---@field replaced integer published ones whose place they take
---@field names string of the first ones

local most_names <const> = 20

local function told(plan, parts)
  local replaced, names = 0, {}
  for i, part in ipairs(parts) do
    replaced = replaced + (part.replaces and 1 or 0)
    names[i] = i <= most_names and part.name or nil
  end
  return { by = plan.partition.way.name, column = plan.partition.column.name, new = #parts - replaced,
    replaced = replaced, names = table.concat(names, ", ") .. (#parts > #names and ", ..." or "") }
end

--- Partitions what a load has built, and notes what becomes of old partitions when it publishes.
---@param run pghost.Run
---@param plan pghost.Plan
---@return pghost.partitions.Told? told nil: none was built
function M.build(run, plan)
  if not plan.partition or not plan.targets.clean then
    return
  elseif not plan.first then
    run.retentions[#run.retentions + 1] = retention.of(run, plan)
  end
  if plan.first and not plan.complete then
    return told(plan, tree.build(run, plan))
  elseif plan.mode == "partitions" and not plan.first then
    local exchange = backfill.build(run, plan)
    run.exchanges[#run.exchanges + 1] = exchange
    return told(plan, exchange.parts)
  end
end

return M
