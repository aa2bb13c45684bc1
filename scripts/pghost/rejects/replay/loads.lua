-- Running the rejects of a run again, after its rules were edited: what `pghost replay` sets going.
--
-- The pipeline's script runs as ever, but its loads read the original bytes of the open rejects in
-- the place of the files, and build the published table together with what passes now. Checks,
-- analytics and publish are the script's; the state of each reject is written in the transaction
-- that publishes. source.lua gives the records, tables.lua makes the tables, outcome.lua tells what
-- became of each record.

local account = require "pghost.load.accounts"
local cjson = require "cjson"
local columns = require "pghost.load.columns"
local errors = require "pghost.lib.errors"
local file_records = require "pghost.load.file_records"
local load_options = require "pghost.load.options"
local log = require "pghost.lib.log"
local modes = require "pghost.modes"
local native_load = require "pghost.native.load"
local outcome = require "pghost.rejects.replay.outcome"
local rules_compiler = require "pghost.native.rules"
local own_schema = require "pghost.catalog.own_schema"
local settings_of = require "pghost.run.settings"
local source = require "pghost.rejects.replay.sources"
local tables = require "pghost.rejects.replay.published"
local unchanged = require "pghost.rejects.replay.snapshot"

local M = {}

-- What Run calls in the place of pghost.stage.
---@class pghost.Replay
---@field of table the run that is replayed, from recorded.find
---@field only? string the one table that is replayed
---@field staged table<string, table> options of run:stage, for the run:clean that follows
---@field copied { name: string, hash: string }[] published tables that were taken over, see unchanged.lua
---@field added { name: string, query: string }[] those that are added to by key
---@field plans table[] one a table
local Replay = {}
Replay.__index = Replay

local current -- what the next pipeline of this process is to replay

--- Makes the next pipeline of this process a replay.
---@param run table from recorded.find
---@param only? string
function M.prepare(run, only)
  current = setmetatable({ of = run, only = only, staged = {}, copied = {}, added = {}, plans = {} }, Replay)
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
    errors.raise(("run %d is one of pipeline '%s', and this script starts '%s'"):format(replay.of.run_id,
      replay.of.pipeline, name), "usage")
  end
  settings_of.take_over(settings, { run_id = replay.of.run_id, config = cjson.decode(replay.of.config or "{}"),
    given = cjson.decode(replay.of.given or "[]") }, given)
  own_schema.refuse(replay.of.target_schema, "replay another run")
  settings.schema = replay.of.target_schema
  settings.publish = "together" -- with the state of the rejects, in one transaction
  settings.resume = false -- a killed run of the files is none to go on with
  return replay
end

-- One table --------------------------------------------------------------------------------------------

-- A later run that has built the table anew has its own rejects: those of this run are history.
local function check_not_replaced(run, plan)
  local later = run.conn:query([[
    SELECT n.run_id FROM pghost.runs AS n
    WHERE n.target_schema = $2 AND n.run_id > $3 AND (
      $5::boolean AND n.pipeline = $1 AND n.state = 'published' AND n.replay_of IS DISTINCT FROM $3 AND EXISTS (
        SELECT FROM pghost.steps AS s
        WHERE s.run_id = n.run_id AND s.kind IN ('load', 'stage', 'clean', 'replay') AND s.name = $4)
      OR EXISTS ( -- whatever its pipeline, and the mode now
        SELECT FROM pghost.files AS f
        WHERE f.run_id = n.run_id AND f.table_name = $4 AND f.mode = 'replace' AND f.published_at IS NOT NULL))
    ORDER BY 1 DESC LIMIT 1]], run.name, run.target, run.replay.of.run_id, plan.name, plan.mode == "replace")[1]
  if later then
    errors.raise(("run %d has built table '%s' anew since run %d: replay that one"):format(later.run_id, plan.name,
      run.replay.of.run_id), "usage", { exit = 1 })
  end
end

local function make_plan(run, name, rules, options, targets)
  local plan = { name = name, options = options, targets = targets }
  if targets.clean then
    plan.program = rules_compiler.compile(rules)
    plan.clean_columns = plan.program:columns()
    plan.key = #rules.key > 0 and rules.key or nil
  end
  modes.choose(run, plan)
  plan.missing = "keep" -- what is replayed is not all there is
  check_not_replaced(run, plan)
  table.insert(run.replay.plans, plan)
  tables.find(run, plan)
  return plan
end

local function open_load(run, plan)
  local text = plan.program and plan.program:needs_text()
  local function stream(purpose, statement)
    return { conn = run:connection(purpose).native, copy = statement }
  end
  local clean = plan.targets.clean and stream("clean1", tables.copy(run, plan, "clean", text and "text" or "binary"))
  if clean then
    clean.position, clean.format = true, text and "text" or "binary"
  end
  local rejects = stream("rejects", tables.copy(run, plan, "rejects", "binary"))
  rejects.run_id, rejects.table = run.id, plan.name
  return errors.check(native_load.open {
    program = plan.program,
    workers = 1,
    raw = plan.targets.raw and stream("raw1", tables.copy(run, plan, "raw", "binary")) or nil,
    clean = clean or nil,
    rejects = rejects,
  })
end

local function feed(run, plan, load)
  source.each(run, plan, function(one, number, header)
    errors.check(load:file(one, {
      file_id = number,
      raw_map = plan.targets.raw and columns.raw_map(header, plan.raw_columns) or nil,
      clean_map = plan.program and columns.map(plan.name, header, plan.wanted, true) or nil,
    }))
  end)
end

local function fill(run, plan)
  local load <close> = open_load(run, plan)
  feed(run, plan, load)
  plan.totals = errors.check(load:finish())
  plan.cleaning = load:cleaning()
end

local function summary(counts)
  local text = ("%s again: %s loaded, %s still rejected"):format(log.counted(counts.records, "reject"),
    log.count(counts.loaded), log.count(counts.rejected))
  if counts.filtered > 0 then
    text = ("%s, %s left out"):format(text, log.count(counts.filtered))
  end
  return text
end

local function replay_table(run, name, rules, options, targets)
  run:step("replay", name, function()
    local plan = make_plan(run, name, rules, options, targets)
    tables.create(run, plan)
    fill(run, plan)
    local counts = tables.build(run, plan)
    file_records.save_cleaning(run, plan)
    if plan.without > 0 then
      run.log:warn("replay", name, ("%s without original bytes: they stay open"):format(log.counted(plan.without,
        "reject")), { without = plan.without })
    end
    return counts, summary(counts)
  end)
end

local function is_wanted(run, name)
  local open = run.conn:query([[
    SELECT EXISTS (
      SELECT FROM pghost.rejects WHERE run_id = $1 AND table_name = $2 AND state = 'open'
    ) AS present]], run.replay.of.run_id, name)[1].present
  return open and (run.replay.only == nil or run.replay.only == name)
end

local function options_of(name, options)
  return load_options.of(options, ("replay of '%s'"):format(name))
end

local function replay(run, name, rules, options, targets)
  if is_wanted(run, name) then
    replay_table(run, name, rules, options_of(name, options), targets)
    account.check_not_empty(run, targets.clean and name or name .. "_raw")
  else
    run.log:info("replay", name, "nothing to do: stays as it is published")
  end
end

-- Whether the replayed run did such a step.
local function did(run, kind, name)
  return run.conn:query([[
    SELECT EXISTS (SELECT FROM pghost.steps WHERE run_id = $1 AND kind = $2 AND name = $3) AS present]],
    run.replay.of.run_id, kind, name)[1].present
end

--- In the place of pghost.stage's functions of these names; the files are not read.
function Replay.load(run, name, _, rules, options)
  replay(run, name, rules, options, { raw = true, clean = true })
end

function Replay.stage(run, name, _, rules, options)
  if did(run, "clean", name) then
    run.replay.staged[name] = options_of(name, options) -- the clean that follows does both
  else
    replay(run, name, rules, options, { raw = true })
  end
end

function Replay.clean(run, name, rules, options)
  local all = {}
  for _, given in ipairs { run.replay.staged[name] or {}, options_of(name, options) } do
    for option, value in pairs(given) do
      all[option] = value
    end
  end
  replay(run, name, rules, all, { raw = did(run, "stage", name), clean = true })
end

--- Raises when a published table is not any more what it was when the replay read it. At the beginning
--- of the transaction that publishes.
---@param run pghost.Run
function Replay.check(run)
  for _, plan in ipairs(run.replay.plans) do
    check_not_replaced(run, plan)
  end
  unchanged.check(run)
end

--- Writes what became of each reject; in the transaction that publishes.
---@param run pghost.Run
function Replay.record(run)
  outcome.record(run)
end

return M
