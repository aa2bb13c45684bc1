-- run:load, run:stage and run:clean, as steps of a run. What happens between run:load and COMMIT, in this order:
--
--   options.lua          what the user says is checked                              (here)
--   sinks.lua            where rejects go
--   budget.lua           how many rejects are too many                              (into_build.lua: plan)
--   build_plan.lua       rules, modes/ (what becomes of the published table), distribute/ and partitions/ (where rows
--                        go), publish/adoption (whether it may be replaced), inputs.lua (files), ledger/ (which are
--                        loaded already), raw_columns.lua (the place of each column in each file), kept.lua (what a
--                        killed run has built), workers.lua (how many)
--   checks/expectations  whether the checks that were announced fit that plan
--   result.lua           empty: what the load finds out goes there                  (load/init.lua)
--   file_records.lua     the files of a batch are recorded                          (load/init.lua: per batch)
--   attempts.lua         one transaction, retried after a transient error:
--     tables.lua           the tables are created (distribute/), their COPYs opened
--     repeats.lua          keys that came before, profiles.lua values: collected while records pass
--     engine.lua           records go from the files into the COPYs, what is refused into the sink; COMMIT
--   cleaning.lua         what cleaning has changed is recorded; with the setting resume kept.lua marks the files
--   ledger/              what was read is held against what was planned             (into_build.lua: finish)
--   primary_key.lua      one record per key
--   profiles.lua         what the columns contain is recorded
--   rejects/reapply.lua  corrections and waivers of earlier runs
--   modes/               what was built is made ready to replace, or to be added
--   partitions/          partitions that the records need are created
--   accounts.lua         nothing is lost, nothing is there twice
--   file_records.lua     the accounts of the files are recorded
--   rejects/originals    rejects get their original bytes
--   over_budget.lua      too many rejects end the run                               (into_build.lua: judge)
--
-- Each module is entered once, except these:
--   inputs.lua        the ledger leaves files out by their bytes, before the headers of the others are read
--   ledger/           a file can change after it was chosen, so what was read is held against the choice
--   modes/            the names of the tables are chosen before they are created, their views are created after
--   file_records.lua  records have the id of their file, whose counts are known only after them
--   distribute/       a table is distributed after it is created, and each transaction is told how to reach the nodes
--   partitions/       declared before, and created when the records show which are needed
--   profiles.lua      counts while records pass, and is saved after them
--
-- The COMMIT that users see is that of publish/. spec/one_way_spec.lua holds both lists against what is called.

local into_build = require "pghost.load.into_build"
local load = require "pghost.load"
local load_options = require "pghost.load.options"
local log = require "pghost.lib.log"
local sinks = require "pghost.load.sinks"
local totals = require "pghost.run.totals"

local M = {}

local function summary(plan, counts)
  local from = #plan.files > 0 and " in " .. log.counted(#plan.files, "file") or ""
  return ("%s%s: %s"):format(log.counted(counts.records, "record"), from, totals.text(counts))
end

local function told(plan, result)
  local counts = result:counts()
  if #plan.files == 0 and not plan.raw_source then
    counts.skipped = #plan.skipped
    return counts, "nothing new"
  end
  return counts, summary(plan, counts)
end

local function step(run, kind, name, files, rules, options, targets)
  options = load_options.of_step(kind, name, options)
  local target, result, plan = into_build.new(run, name, targets), nil, nil
  run:step(kind, name, function()
    result, plan = load.run(target, sinks.into_table(run, name), files, rules, options)
    local counts, text = told(plan, result)
    counts.partitions = target.partitions
    return counts, text
  end)
  target:judge(plan, result)
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
