-- Running the rejects of a run again, after its rules were edited: what `pghost replay` starts.
--
-- The pipeline's script runs as usual, but its loads read the original bytes of the open rejects instead of the files,
-- and build the published table together with what passes now. Checks, analytics and publish are the script's; the
-- state of each reject is written in the transaction that publishes. into_staging.lua is the target of the load,
-- sources.lua gives the records, published.lua makes the tables, outcome.lua records what happened to each record.

local check = require "pghost.check"
local cjson = require "cjson"
local corrections = require "pghost.rejects.corrections"
local errors = require "pghost.lib.errors"
local into_staging = require "pghost.rejects.replay.into_staging"
local lists = require "pghost.lib.lists"
local load = require "pghost.load"
local load_options = require "pghost.load.options"
local log = require "pghost.lib.log"
local outcome = require "pghost.rejects.replay.outcome"
local own_schema = require "pghost.catalog.own_schema"
local settings_of = require "pghost.run.settings"
local snapshot = require "pghost.rejects.replay.snapshot"

local M = {}

-- What Run calls instead of load/steps.lua.
---@class pghost.Replay
---@field of table the run that is replayed, from recorded.find
---@field fixes? table<integer, pghost.rejects.Fix> by reject_id: these rejects alone, as they are corrected
---@field only? string the one table that is replayed
---@field staged table<string, table> options of run:stage, for the run:clean that follows
---@field copied { name: string, hash: string }[] published tables that were taken over, see snapshot.lua
---@field added { name: string, query: string, is_unique: boolean }[] those that are added to by key
---@field plans table[] one a table
---@field run_id? integer the run that it became, once that publishes
local Replay = {}
Replay.__index = Replay

local current -- what the next pipeline of this process is to replay

--- Makes the next pipeline of this process a replay.
---@param run table from recorded.find
---@param only? string
---@param fixes? table<integer, pghost.rejects.Fix>
---@return pghost.Replay
function M.prepare(run, only, fixes)
  current = setmetatable({ of = run, only = only, fixes = fixes, staged = {}, copied = {}, added = {}, plans = {} },
    Replay)
  return current
end

--- The replay that the pipeline `name` is to be; nil: it is an ordinary run. Takes over from the
--- replayed run its schema and the settings that its command line gave.
---@param name string
---@param settings table
---@param given table<string, boolean> settings from the command line, which stand
---@return pghost.Replay?
function M.take(name, settings, given)
  local replay = current
  if not replay then
    return nil
  elseif replay.of.pipeline ~= name then
    errors.raise(("run %d is of pipeline '%s', but this script starts '%s'"):format(replay.of.run_id,
      replay.of.pipeline, name), "usage")
  end
  settings_of.take_over(settings, { run_id = replay.of.run_id, config = cjson.decode(replay.of.config or "{}"),
    given = cjson.decode(replay.of.given or "[]") }, given)
  own_schema.refuse(replay.of.target_schema, "replay another run")
  settings.schema = replay.of.target_schema
  settings.publish = "together" -- with the state of the rejects, in one transaction
  settings.resume = false -- a killed run of the files cannot be resumed by a replay
  return replay
end

-- One table --------------------------------------------------------------------------------------------

local function summary(counts)
  local corrected = counts.corrected > 0 and (", %s corrected"):format(log.count(counts.corrected)) or ""
  local text = ("%s again: %s loaded%s, %s still rejected"):format(log.counted(counts.records, "reject"),
    log.count(counts.loaded), corrected, log.count(counts.rejected))
  if counts.filtered > 0 then
    text = ("%s, %s left out"):format(text, log.count(counts.filtered))
  end
  return text
end

local function replay_table(run, name, rules, options, targets)
  run:step("replay", name, function()
    local target = into_staging.new(run, name, targets)
    local _, plan = load.run(target, target:sink(), nil, rules, options)
    table.insert(run.replay.plans, plan)
    if target.reading.without > 0 then
      run.log:warn("replay", name, ("%s without original bytes: they stay open"):format(log.counted(
        target.reading.without, "reject")), { without = target.reading.without })
    end
    return target.counts, summary(target.counts)
  end)
end

local function is_wanted(run, name)
  local fixes = run.replay.fixes
  local open = fixes and corrections.touch(fixes, name) or not fixes and run.conn:query([[
    SELECT EXISTS (
      SELECT 1 FROM pghost.rejects WHERE run_id = $1 AND table_name = $2 AND state = 'open'
    ) AS present]], run.replay.of.run_id, name)[1].present
  return open and (run.replay.only == nil or run.replay.only == name)
end

local function replay(run, name, rules, options, targets)
  if is_wanted(run, name) then
    replay_table(run, name, rules, options, targets)
    check.evaluate(run, check.not_empty(targets.clean and name or name .. "_raw"))
  else
    run.log:info("replay", name, "nothing to do: the published table stays as it is")
  end
end

-- Whether the replayed run did such a step.
local function did(run, kind, name)
  return run.conn:query([[
    SELECT EXISTS (SELECT FROM pghost.steps WHERE run_id = $1 AND kind = $2 AND name = $3) AS present]],
    run.replay.of.run_id, kind, name)[1].present
end

--- In the place of the functions of these names in load/steps.lua; the files are not read.
function Replay.load(run, name, _, rules, options)
  options = load_options.of_step("load", name, options)
  replay(run, name, rules, options, { raw = true, clean = true })
end

function Replay.stage(run, name, _, rules, options)
  options = load_options.of_step("stage", name, options)
  if did(run, "clean", name) then
    run.replay.staged[name] = options -- the clean that follows does both
  else
    replay(run, name, rules, options, { raw = true })
  end
end

function Replay.clean(run, name, rules, options)
  local all = lists.merged(run.replay.staged[name], load_options.of_step("clean", name, options))
  replay(run, name, rules, all, { raw = did(run, "stage", name), clean = true })
end

-- Raises when a published table is no longer what it was when the replay read it.
local function check_unchanged(run)
  for _, plan in ipairs(run.replay.plans) do
    into_staging.check_not_replaced(run, plan)
  end
  snapshot.check(run)
end

--- Calls fn(), which makes the tables visible, in the transaction that publishes; writes what became of each reject
--- before it, so that nobody waits for that.
---@generic T
---@param run pghost.Run
---@param fn fun(): T
---@return T
function Replay.publish(run, fn)
  run.replay.run_id = run.id
  outcome.record(run)
  check_unchanged(run)
  return snapshot.adding(run, fn)
end

return M
