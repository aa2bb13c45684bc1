-- Error budgets: how many records may be rejected before a run gives up and publishes nothing.
--
-- Numbers, and shares once they say something, are enforced by the engine while it loads: of the table, of
-- each file, of each rule, of the run. All are looked at again when a table is done, and the run's share
-- when all are. Duplicates of a key, which only the server can count, are not counted as rejected, as in
-- the accounts, but have a rule of their own, `key`.

local budget_options = require "pghost.load.budget_options"
local errors = require "pghost.lib.errors"
local feed = require "pghost.load.feed"
local keys = require "pghost.load.keys"
local load_report = require "pghost.load.remarks"
local log = require "pghost.lib.log"

local M = {}

local function stops(run, plan)
  budget_options.check_on_error(plan.options.on_error)
  return (plan.options.on_error or run.settings.on_error) == "stop"
end

local function of_run(run)
  return budget_options.read(run.settings.max_rejects, "max_rejects")
end

-- What earlier steps of this run have rejected: of one table, or of all.
local function rejected_before(run, name)
  local sum = 0
  for table_name, counts in pairs(run.rejected) do
    sum = sum + ((name == nil or name == table_name) and counts.rejected or 0)
  end
  return sum
end

-- An allowance as the engine takes it, less what has been used of it.
local function for_engine(allowed, used)
  return { limit = allowed.count and math.max(0, allowed.count - used),
    share = allowed.percent and allowed.percent / 100 }
end

local function least(...)
  local smallest
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    smallest = value and math.min(value, smallest or value) or smallest
  end
  return smallest
end

local function enforce_rules(run, plan)
  local before = run.rejected[plan.name]
  local rules = {}
  for rule, allowed in pairs(plan.budget.rules) do
    rules[rule] = for_engine(allowed, before and before.rules[rule] or 0)
  end
  return rules
end

--- Puts what the engine has to enforce into the options of its rejects stream, and of each file.
---@param run pghost.Run
---@param plan pghost.Plan
---@param rejects table of native load.open
---@return table rejects
function M.enforce(run, plan, rejects)
  plan.budget = budget_options.of(plan.options)
  local of_table = for_engine(plan.budget.table, rejected_before(run, plan.name))
  rejects.limit = least(stops(run, plan) and 0 or nil, of_table.limit,
    for_engine(of_run(run), rejected_before(run)).limit)
  rejects.share = of_table.share
  rejects.rules = enforce_rules(run, plan)
  rejects.expected_bytes = feed.size(plan.files)
  for _, file in ipairs(plan.files) do
    file.rejects = for_engine(plan.budget.per_file, 0)
  end
  return rejects
end

-- What is over -----------------------------------------------------------------------------------------

-- How much an allowance is exceeded, for people; nil: it is not.
local function excess(allowed, rejected, records)
  if allowed.count and rejected > allowed.count then
    return log.count(allowed.count)
  elseif allowed.percent and records and rejected * 100 > allowed.percent * records then
    return ("%g%% (%.3g%% it is)"):format(allowed.percent, 100 * rejected / math.max(records, 1))
  end
end

local function raise(run, text)
  errors.raise(("%s: nothing is published; `pghost rejects %d` lists them"):format(text, run.id), "budget")
end

local function raise_over(run, where, rejected, records, what, allowed)
  raise(run, ("%s: %s of %s rejected, %s allows %s"):format(where, log.count(rejected),
    log.counted(records, "record"), what, allowed))
end

-- Rejects of a table of this run as the server has them: total, per file, per rule.
local function count(run, name)
  local total, files, rules = 0, {}, {}
  local rows = run.conn:query([[
    SELECT coalesce(file_id, 0) AS file_id, rule, count(*) AS records FROM pghost.rejects
    WHERE run_id = $1 AND table_name = $2 GROUP BY 1, 2]], run.id, name)
  for row in rows:rows() do
    rules[row.rule] = (rules[row.rule] or 0) + row.records
    if row.rule ~= "key" then
      total = total + row.records
      files[row.file_id] = (files[row.file_id] or 0) + row.records
    end
  end
  return total, files, rules
end

-- Records read per file: of the files of this run, else as the raw table has them.
local function records_by_file(run, plan)
  local records, names, total = {}, {}, 0
  local rows = run.conn:query([[
    SELECT file_id, name, records FROM pghost.files WHERE run_id = $1 AND table_name = $2 AND records IS NOT NULL]],
    run.id, plan.name)
  for row in rows:rows() do
    records[row.file_id], names[row.file_id], total = row.records, row.name, total + row.records
  end
  if #rows == 0 and plan.raw_source then
    records, total = keys.count_by_file(run.conn, plan.raw_source, "_file_id")
  end
  return records, total, names
end

local function sorted(map)
  local list = {}
  for key in pairs(map) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

local function check_files(run, plan, rejected, records, names)
  for _, id in ipairs(sorted(rejected)) do
    local allowed = excess(plan.budget.per_file, rejected[id], records[id])
    if allowed then
      raise_over(run, ("table '%s': file '%s'"):format(plan.name, names[id] or id), rejected[id], records[id] or 0,
        "the budget of a file", allowed)
    end
  end
end

local function check_rules(run, plan, rejected, records)
  for _, rule in ipairs(sorted(plan.budget.rules)) do
    local allowed = excess(plan.budget.rules[rule], rejected[rule] or 0, records)
    if allowed then
      raise_over(run, ("table '%s': rule '%s'"):format(plan.name, rule), rejected[rule], records, "its budget", allowed)
    end
  end
end

local function check_run(run, with_share)
  local rejected, records = 0, 0
  for _, counts in pairs(run.rejected) do
    rejected, records = rejected + counts.rejected, records + counts.records
  end
  local most = of_run(run)
  local allowed = excess({ count = most.count, percent = with_share and most.percent or nil }, rejected, records)
  if allowed then
    raise_over(run, "all tables", rejected, records, "max_rejects", allowed)
  end
end

--- Looks at everything a table may be over, now that it is done; raises code "budget".
---@param run pghost.Run
---@param plan pghost.Plan
function M.check(run, plan)
  plan.budget = plan.budget or budget_options.of(plan.options)
  local rejected, by_file, by_rule = count(run, plan.name)
  local records, total, names = records_by_file(run, plan)
  run.rejected[plan.name] = { rejected = rejected, records = total, rules = by_rule }
  local allowed = excess(plan.budget.table, rejected, total)
  if allowed then
    raise_over(run, ("table '%s'"):format(plan.name), rejected, total, "its budget", allowed)
  end
  check_files(run, plan, by_file, records, names)
  check_rules(run, plan, by_rule, total)
  check_run(run, false)
end

--- Looks at the share of all tables together, before anything is published.
---@param run pghost.Run
function M.check_all(run)
  check_run(run, true)
end

-- The first reject as an error that prints its position first.
local function raise_first(run, name)
  local first = run.conn:query([[
    SELECT r.reason, r.column_name, r.line, f.name AS file
    FROM pghost.rejects AS r LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
    WHERE r.run_id = $1 AND r.table_name = $2 ORDER BY r.file_id, r.line LIMIT 1]],
    run.id, name)[1]
  errors.raise(first.reason, "data", { file = first.file or name, line = first.line, column = first.column_name })
end

-- The first allowance of a number that is exceeded: of what, how many there are, whose it is, the number.
local function exceeded(run, plan)
  local rejected, by_file, by_rule = count(run, plan.name)
  local candidates = {
    { "", rejected, "its budget", plan.budget.table.count },
    { nil, rejected_before(run) + rejected, "max_rejects", of_run(run).count },
  }
  for _, file in ipairs(plan.files) do
    candidates[#candidates + 1] = { (": file '%s'"):format(file.name), by_file[file.id] or 0, "the budget of a file",
      plan.budget.per_file.count }
  end
  for _, rule in ipairs(sorted(plan.budget.rules)) do
    candidates[#candidates + 1] = { (": rule '%s'"):format(rule), by_rule[rule] or 0, "its budget",
      plan.budget.rules[rule].count }
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
---@param message string of the engine
function M.raise_stopped(run, plan, message)
  if stops(run, plan) then
    raise_first(run, plan.name)
  end
  load_report.rejects(run, plan.name)
  local where, number, what, allowed = exceeded(run, plan)
  if not where then
    raise(run, ("table '%s': %s: stopped"):format(plan.name, message))
  end
  raise(run, ("%s: %s rejected so far, %s allows %s: stopped"):format(where, log.count(number), what,
    log.count(allowed)))
end

return M
