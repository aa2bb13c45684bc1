-- A helper: what a script gets from pipeline.start with --join, instead of a run. It loads files of the run that is in
-- progress, and does nothing else: that run checks, answers and publishes.
--
-- run:load and run:stage return once the load of that name is complete, run:publish once the run has ended. SQL of the
-- script is refused: it would run twice. A helper that finds the holder dead takes the run over: the script starts
-- again, as the holder.

local budget = require "pghost.load.budget"
local errors = require "pghost.lib.errors"
local into_build = require "pghost.load.into_build"
local into_shared = require "pghost.share.into_shared"
local lists = require "pghost.lib.lists"
local load = require "pghost.load"
local lock = require "pghost.run.lock"
local log = require "pghost.lib.log"
local plans = require "pghost.load.plan"
local results = require "pghost.load.result"
local retry = require "pghost.run.retry"
local shipped = require "pghost.share.shipped"
local sinks = require "pghost.load.sinks"
local sys = require "pghost.native.sys"
local loads = require "pghost.share.shared_loads"
local work = require "pghost.share.work"

local M = {}

---@class pghost.Helper
---@field run pghost.Run connections and settings; it is not recorded
---@field owner string
---@field files integer loaded here
---@field records integer
local Helper = { __name = "pghost.Helper" }

local poll <const> = 0.3 -- seconds between two looks at the run

local facts_query <const> = [[
  SELECT r.state, r.error, pg_catalog.to_char(r.as_of, 'YYYY-MM-DD HH24:MI:SS.US') AS as_of
  FROM pghost.runs AS r WHERE r.run_id = $1]]

-- How the run is: its state, and whether somebody holds it.
local function look(self)
  local run = self.run
  local facts = run.conn:query(facts_query, run.id)[1] or { state = "gone" }
  facts.held = facts.state ~= "running" or lock.is_held(run.conn, run.name, run.target)
  return facts
end

-- Ends the script: the host starts it again, as the holder (joining.lua).
local function take_over(self)
  local run = self.run
  local text = "the holder of run %d is gone: start the script with --share yes to resume it"
  local problem = errors.new { message = text:format(run.id), code = "holder_gone", exit = 1 }
  if retry.can_start_again() then
    problem.retry = { wait = 0, run = run.id, say = function()
      run.log:warn("share", run.name, ("the holder of run %d is gone: this process takes it over"):format(run.id))
    end }
  end
  error(problem, 0)
end

local ends = {
  published = { level = "info", text = "has published" },
  unpublished = { level = "info", text = "has ended without publishing" },
}

-- Says how the run has ended; one that failed ends the helper with exit code 1.
local function tell_end(self, facts)
  local run, known = self.run, ends[facts.state]
  local here = ("loaded here: %s, %s"):format(log.counted(self.files, "file"), log.counted(self.records, "record"))
  if not known then
    errors.raise(("run %d %s%s; %s"):format(run.id, facts.state == "gone" and "is no longer recorded"
      or "is " .. facts.state, facts.error and ": " .. facts.error:match "^[^\n]*" or "", here), "run_" .. facts.state,
      { exit = 1 })
  end
  if not self.ended then
    self.ended = true
    run.log:event(known.level, "done", run.name, ("run %d %s; %s"):format(run.id, known.text, here),
      { run = run.id, files = self.files, records = self.records })
  end
end

-- Looks now and then until `found` gives something, or the run has ended (nil).
local function wait_for(self, found)
  while true do
    local result = found()
    if result then
      return result
    end
    local facts = look(self)
    if facts.state ~= "running" then
      return nil, facts
    elseif not facts.held then
      take_over(self)
    end
    sys.sleep(poll)
  end
end

local function first_line(problem)
  return (tostring(problem):match "^[^\n]*")
end

local function named(items)
  return #items == 1 and items[1].plan.name or log.counted(#items, "file")
end

-- What a helper cannot load it gives back, with the reason: another one loads it, or the holder fails with that error.
-- Of several files it is not known which one it is.
local function failed(self, target, items, problem)
  local run = self.run
  run:drop_connections()
  if run.conn:status() ~= "idle" then
    error(problem, 0)
  elseif into_shared.is_interrupted(problem) then
    work.give_back(run.conn, target.load, items, self.owner)
    error(problem, 0)
  end
  local transient, reason = into_shared.is_transient(problem), first_line(problem)
  work.give_back(run.conn, target.load, items, self.owner, not transient and #items == 1 and reason or nil, transient)
  run.log:warn("share", target.name, ("%s: given back: %s"):format(named(items), reason),
    { file = items[1].plan.name, files = #items, reason = reason })
end

local function loader_of(self, target, plan, sink)
  local run = self.run
  return {
    batch = function(items)
      local batch = plans.batch { program = plan.program, files = lists.map(items, function(item)
        return shipped.file_of(item.plan, true)
      end) }
      local result = results.new(setmetatable({ files = batch.files }, { __index = plan }))
      load.batch(target, sink, plan, result, batch)
      self.files, self.records = self.files + #items, self.records + result.totals.records
      run.log:info("share", target.name, ("%s: %s"):format(named(items), log.counted(result.totals.records, "record")),
        { file = items[1].plan.name, files = #items, records = result.totals.records })
    end,
    failed = function(items, problem)
      failed(self, target, items, problem)
    end,
    idle = function()
      local facts = look(self)
      if facts.state == "running" and not facts.held then
        take_over(self)
      end
      return facts.state ~= "running"
    end,
  }
end

local function join(self, kind, name, rules, options)
  local run, step = self.run, { run_id = self.run.id, table = name, step = kind }
  local found, facts = wait_for(self, function()
    return loads.find(run.conn, step)
  end)
  if not found then
    tell_end(self, facts)
    return
  elseif found.state == "closed" then
    return
  end
  local plan = shipped.plan_of(run, found, rules, options, kind)
  local target = into_build.new(run, name, plan.targets)
  target.budget, target.made = budget.of_table(run, name, plan.options), true
  into_shared.over(target, step, self.owner)
  target.check_read = shipped.check_read
  into_shared.loop(target, loader_of(self, target, plan, sinks.into_table(run, name)))
end

function Helper:load(name, _, rules, options)
  join(self, "load", name, rules, options)
end

function Helper:stage(name, _, rules, options)
  join(self, "stage", name, rules, options)
end

-- The holder does it.
local function nothing() end

Helper.clean, Helper.expect, Helper.check, Helper.analyse = nothing, nothing, nothing, nothing

--- Waits until the run has ended.
function Helper:publish()
  local _, facts = wait_for(self, nothing)
  tell_end(self, facts)
end

--- Gives back what it has; a second call does nothing.
function Helper:close(problem)
  local run = self.run
  if run.closed then
    return
  end
  run.closed = true
  if problem ~= nil and not (errors.is(problem) and problem.retry) then
    retry.mark(run, problem)
  end
  run:drop_connections()
  run.conn:close()
end

Helper.__close = Helper.close

local passed <const> = lists.set { "name", "settings", "id", "started", "as_of", "target", "build", "log", "out" }

local own <const> = lists.set { "run", "owner", "files", "records", "ended" }

function Helper.__index(self, name)
  if rawget(Helper, name) then
    return Helper[name]
  elseif own[name] then
    return nil
  elseif passed[name] then
    return self.run[name]
  end
  errors.raise(("run.%s is not available with --join: a helper only loads; do it where run.joined is nil")
    :format(tostring(name)), "usage", { exit = 1 })
end

--- A helper of a run.
---@param run pghost.Run connected, and identified as the run that is in progress
---@return pghost.Helper
function M.new(run)
  return setmetatable({ run = run, owner = work.owner(run.conn), files = 0, records = 0, joined = true }, Helper)
end

return M
