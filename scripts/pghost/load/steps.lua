-- Files into tables of the build schema: run:load, run:stage and run:clean.
--
-- Plans first (planning.lua), then loads raw and clean side by side (filling.lua), then makes the key
-- (keys.lua), and last proves that nothing was lost (account.lua).

local account = require "pghost.load.accounts"
local budget = require "pghost.load.budget"
local columns = require "pghost.load.columns"
local errors = require "pghost.lib.errors"
local filling = require "pghost.load.tables"
local keys = require "pghost.load.keys"
local ledger = require "pghost.ledger"
local load_report = require "pghost.load.remarks"
local log = require "pghost.lib.log"
local modes = require "pghost.modes"
local originals = require "pghost.rejects.originals"
local planning = require "pghost.load.plan"
local raw_table = require "pghost.load.raw_table"
local resume = require "pghost.run.resume"

local M = {}

local function check_clean(run, plan, counts, message, code)
  if code == "budget" then
    budget.raise_stopped(run, plan, message)
  end
  errors.check(counts, message, code)
end

local function make_key(run, plan)
  if not plan.key then
    if plan.position then
      run.conn:query(("ALTER TABLE %s DROP COLUMN _file_id, DROP COLUMN _line"):format(run:qualified(plan.clean_table)))
    end
    return
  end
  run:transaction(function(conn)
    plan.duplicates_by_file, plan.duplicates, plan.left_by_file = keys.apply(conn, run, plan,
      plan.raw_source ~= nil)
  end)
end

local function summary(plan, counts)
  local parts = {}
  for _, word in ipairs { "loaded", "rejected", "filtered", "duplicates" } do
    if word == "loaded" or (counts[word] or 0) > 0 then
      parts[#parts + 1] = ("%s %s"):format(log.count(counts[word]),
        counts[word] == 1 and word == "duplicates" and "duplicate" or word)
    end
  end
  local from = #plan.files > 0 and " in " .. log.counted(#plan.files, "file") or ""
  return ("%s%s: %s"):format(log.counted(counts.records, "record"), from, table.concat(parts, ", "))
end

-- Raw tables are looked up and counted, not joined: a tenth of the usual sample costs a tenth of the time.
local function analyse_raw(run, plan)
  run.conn:transaction(function(conn)
    conn:query("SET LOCAL default_statistics_target = 10")
    conn:query("ANALYZE " .. run:qualified(plan.raw_table))
  end)
end

local function finish(run, plan)
  local targets = plan.targets
  if targets.clean and not plan.complete then
    make_key(run, plan)
    run.conn:query("ANALYZE " .. run:qualified(plan.clean_table))
  end
  if targets.raw and plan.first and not plan.complete then
    analyse_raw(run, plan)
  end
  modes.built(run, plan)
  local counts = account.settle(run, plan)
  load_report.repairs(run, plan)
  originals.fill(run, plan.name, plan.options)
  return counts, summary(plan, counts)
end

-- All files were left out: the published table stays as it is.
local function finish_nothing(run, plan)
  ledger.save_skipped(run, plan)
  return { records = 0, loaded = 0, rejected = 0, filtered = 0, duplicates = 0, bytes = 0, files = 0,
    skipped = #plan.skipped }, "nothing new"
end

local function stage(run, kind, name, spec, rules, options, targets)
  local plan
  run:step(kind, name, function()
    plan = planning.make(run, name, spec, rules, options, targets)
    if #plan.files == 0 then
      return finish_nothing(run, plan)
    end
    resume.apply(run, plan, rules)
    plan.position = plan.key ~= nil or plan.resumable
    if #plan.to_load > 0 then
      filling.fill(run, plan, resume.groups(run, plan), function(load, group)
        filling.files(run, plan, load, group)
      end)
    end
    ledger.check(run, plan)
    ledger.save_skipped(run, plan)
    return finish(run, plan)
  end)
  if plan.totals then
    load_report.rejects(run, name)
    budget.check(run, plan)
  end
  account.check_not_empty(run, targets.clean and name or name .. "_raw")
end

--- Files into name_raw and, through the rules, into name, in one pass.
---@param run pghost.Run
---@param name string
---@param spec string|string[]
---@param rules table
---@param options? pghost.StageOptions
function M.load(run, name, spec, rules, options)
  stage(run, "load", name, spec, rules, options, { raw = true, clean = true })
end

--- Files into name_raw alone. With rules their columns come first, and must all be there.
---@param rules? table
function M.stage(run, name, spec, rules, options)
  stage(run, "stage", name, spec, rules, options, { raw = true })
end

--- Runs rules over name_raw, which may be of this run or published by an earlier one.
function M.clean(run, name, rules, options)
  local targets, plan = { clean = true }, nil
  run:step("clean", name, function()
    plan = planning.make(run, name, nil, rules, options, targets)
    plan.raw_source = raw_table.find(run, plan)
    plan.position = plan.key ~= nil
    filling.fill(run, plan, { {} }, function(load)
      check_clean(run, plan, raw_table.feed(run, load, name, plan.raw_source, columns.names(plan.clean_columns)))
    end)
    return finish(run, plan)
  end)
  load_report.rejects(run, name)
  budget.check(run, plan)
  account.check_not_empty(run, name)
end

return M
