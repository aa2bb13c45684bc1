-- run:load, run:stage and run:clean, as steps of a run.
--
-- What happens between run:load and COMMIT, in order: the target plans (build_plan.lua: rules, mode, files, ledger,
-- headers, what is built already), load/init.lua brings the records in (engine.lua), the target finishes
-- (into_build.lua: ledger, key, mode, accounts, original bytes), and here the table is held against its budget.

local accounts = require "pghost.load.accounts"
local budget = require "pghost.load.budget"
local expectations = require "pghost.checks.expectations"
local into_build = require "pghost.load.into_build"
local load = require "pghost.load"
local load_options = require "pghost.load.options"
local log = require "pghost.lib.log"
local remarks = require "pghost.load.remarks"
local sinks = require "pghost.load.sinks"
local totals = require "pghost.run.totals"

local M = {}

local function summary(plan, counts)
  local from = #plan.files > 0 and " in " .. log.counted(#plan.files, "file") or ""
  return ("%s%s: %s"):format(log.counted(counts.records, "record"), from, totals.text(counts))
end

local function told(plan, result)
  local counts = accounts.counts(plan, result)
  if #plan.files == 0 and not plan.raw_source then
    counts.skipped = #plan.skipped
    return counts, "nothing new"
  end
  return counts, summary(plan, counts)
end

local function step(run, kind, name, files, rules, options, targets)
  options = load_options.of(options, ("run:%s '%s'"):format(kind, name))
  local target, result, plan = into_build.new(run, name, targets), nil, nil
  function target.planned(plan_)
    expectations.check_plan(run, plan_)
  end
  run:step(kind, name, function()
    result, plan = load.run(target, sinks.into_table(run, name), files, rules, options)
    return told(plan, result)
  end)
  if result.rejects then
    remarks.rejects(run, name, result.rejects.kinds)
    budget.check(run, plan, target.budget, result)
  end
  accounts.check_not_empty(run, targets.clean and name or name .. "_raw")
end

--- Files into name_raw and, through the rules, into name, in one pass.
---@param run pghost.Run
---@param name string
---@param files string|string[]
---@param rules table
---@param options? pghost.LoadOptions
function M.load(run, name, files, rules, options)
  step(run, "load", name, files, rules, options, { raw = true, clean = true })
end

--- Files into name_raw alone. With rules their columns come first, and must all be there.
---@param rules? table
function M.stage(run, name, files, rules, options)
  step(run, "stage", name, files, rules, options, { raw = true })
end

--- Runs rules over name_raw, which may be of this run or published by an earlier one.
function M.clean(run, name, rules, options)
  step(run, "clean", name, nil, rules, options, { clean = true })
end

return M
