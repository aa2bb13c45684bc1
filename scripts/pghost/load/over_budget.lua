-- Whether a table, or a run, is over its error budget: then it fails and publishes nothing.
--
-- Everything is checked when a table is done, the share of the whole run when all tables are. Duplicates of a key,
-- which only the server can count, do not count as rejected, as in the accounts, but have their own rule, `key`.

local budgets = require "pghost.load.budget"
local budget_options = require "pghost.load.budget_options"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local reject_counts = require "pghost.load.reject_counts"
local remarks = require "pghost.load.remarks"

local M = {}

local function raise(run, text)
  errors.raise(("%s: nothing is published; `pghost rejects %d` lists them"):format(text, run.id), "budget")
end

local function raise_over(run, where, rejected, records, what, allowed)
  raise(run, ("%s: %s of %s rejected, %s allows %s"):format(where, log.count(rejected),
    log.counted(records, "record"), what, allowed))
end

-- Records read per file: of this run's files, else from the raw table.
local function records_by_file(run, plan, result)
  local records, names, total = {}, {}, 0
  local rows = run.conn:query([[
    SELECT file_id, name, records FROM pghost.files WHERE run_id = $1 AND table_name = $2 AND records IS NOT NULL]],
    run.id, plan.name)
  for row in rows:rows() do
    records[row.file_id], names[row.file_id], total = row.records, row.name, total + row.records
  end
  if #rows == 0 and result.raw_by_file then
    records, total = result.raw_by_file, result.totals.records
  end
  return records, total, names
end

local function check_files(run, plan, budget, rejected, records, names)
  for _, id in ipairs(lists.sorted_keys(rejected)) do
    local allowed = budgets.excess(budget.per_file, rejected[id], records[id])
    if allowed then
      raise_over(run, ("table '%s': file '%s'"):format(plan.name, names[id] or id), rejected[id], records[id] or 0,
        "the budget of a file", allowed)
    end
  end
end

local function check_rules(run, plan, budget, rejected, records)
  for _, rule in ipairs(lists.sorted_keys(budget.rules)) do
    local allowed = budgets.excess(budget.rules[rule], rejected[rule] or 0, records)
    if allowed then
      raise_over(run, ("table '%s': rule '%s'"):format(plan.name, rule), rejected[rule], records, "its budget",
        allowed)
    end
  end
end

local function check_run(run, with_share)
  local rejected, records = 0, 0
  for _, counts in pairs(run.rejected) do
    rejected, records = rejected + counts.rejected, records + counts.records
  end
  local most = budget_options.of_run(run)
  local allowed = budgets.excess({ count = most.count, percent = with_share and most.percent or nil }, rejected,
    records)
  if allowed then
    raise_over(run, "all tables", rejected, records, "max_rejects", allowed)
  end
end

-- The first reject as an error that prints its position first.
local function raise_first(run, name)
  local first = run.conn:query([[
    SELECT r.reason, r.column_name, r.line, f.name AS file
    FROM pghost.rejects AS r LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
    WHERE r.run_id = $1 AND r.table_name = $2 AND r.state = 'open' ORDER BY r.file_id, r.line LIMIT 1]],
    run.id, name)[1]
  errors.raise(first.reason, "data", { file = first.file or name, line = first.line, column = first.column_name })
end

--- Looks at everything a table may be over, now that it is done; raises code "budget".
---@param run pghost.Run
---@param plan pghost.Plan
---@param budget pghost.load.Budget
---@param result pghost.Result
function M.check(run, plan, budget, result)
  local rejects = result.rejects
  local records, total, names = records_by_file(run, plan, result)
  run.rejected[plan.name] = { rejected = rejects.total, records = total, rules = rejects.by_rule }
  if budget.stop and rejects.total > 0 then
    raise_first(run, plan.name)
  end
  local allowed = budgets.excess(budget.table, rejects.total, total)
  if allowed then
    raise_over(run, ("table '%s'"):format(plan.name), rejects.total, total, "its budget", allowed)
  end
  check_files(run, plan, budget, rejects.by_file, records, names)
  check_rules(run, plan, budget, rejects.by_rule, total)
  check_run(run, false)
end

--- Looks at the share of all tables together, before anything is published.
---@param run pghost.Run
function M.check_all(run)
  check_run(run, true)
end

-- The first exceeded limit on a number: of what, the actual number, whose limit, the limit.
local function exceeded(plan, budget, result, rejects)
  local candidates = {
    { "", rejects.total, "its budget", budget.table.count },
    { nil, budget.used.run + rejects.total, "max_rejects", budget.run.count },
  }
  for _, file in ipairs(result.files) do
    candidates[#candidates + 1] = { (": file '%s'"):format(file.file.name), rejects.by_file[file.id] or 0,
      "the budget of a file", budget.per_file.count }
  end
  for _, rule in ipairs(lists.sorted_keys(budget.rules)) do
    candidates[#candidates + 1] = { (": rule '%s'"):format(rule), rejects.by_rule[rule] or 0, "its budget",
      budget.rules[rule].count }
  end
  for _, candidate in ipairs(candidates) do
    local where, number, what, allowed = table.unpack(candidate, 1, 4)
    if allowed and number > allowed then
      return where and ("table '%s'%s"):format(plan.name, where) or "all tables", number, what, allowed
    end
  end
end

--- For a load that the engine has stopped with code "budget": raises what was exceeded, or with
--- on_error "stop" the first reject.
---@param run pghost.Run
---@param plan pghost.Plan
---@param budget pghost.load.Budget
---@param result pghost.Result
---@param message string of the engine
function M.raise_stopped(run, plan, budget, result, message)
  if budget.stop then
    raise_first(run, plan.name)
  end
  local rejects = reject_counts.read(run, plan.name)
  remarks.rejects(run, plan.name, rejects.kinds)
  local where, number, what, allowed = exceeded(plan, budget, result, rejects)
  if not where then
    raise(run, ("table '%s': %s: stopped"):format(plan.name, message))
  end
  raise(run, ("%s: %s rejected so far, %s allows %s: stopped"):format(where, log.count(number), what,
    log.count(allowed)))
end

return M
