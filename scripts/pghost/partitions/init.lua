-- Partitions of clean tables: what a load asks of this room. docs/PARTITIONS.md says what users see.
--
-- A load goes into one table, whatever is declared; then its records are routed into partitions (tree.lua), in the
-- build schema. Nothing here knows how records are read.

local backfill = require "pghost.partitions.backfill"
local declaration = require "pghost.partitions.declaration"
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

--- Partitions what a load has built, and notes what becomes of old partitions when it publishes.
---@param run pghost.Run
---@param plan pghost.Plan
function M.build(run, plan)
  if not plan.partition or not plan.targets.clean then
    return
  elseif not plan.first then
    run.retentions[#run.retentions + 1] = retention.of(run, plan)
  end
  if plan.first and not plan.complete then
    tree.build(run, plan)
  elseif plan.mode == "partitions" and not plan.first then
    run.exchanges[#run.exchanges + 1] = backfill.build(run, plan)
  end
end

return M
