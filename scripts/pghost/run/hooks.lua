-- Functions of the config that are called when a run has ended: on_success, on_failure, on_reject_budget.
--
-- They run last, when everything has been released, and change nothing: an error in one is a warning in the log, and
-- the exit code is the run's. A run that is retried has not ended.

local cjson = require "cjson"
local errors = require "pghost.lib.errors"
local known_keys = require "pghost.lib.known_keys"
local lists = require "pghost.lib.lists"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.Outcome what a hook gets
---@field pipeline string
---@field schema string that is published into
---@field state "published"|"failed"|"interrupted"
---@field run? integer nil: it failed before it was recorded, as where the database cannot be reached
---@field replay_of? integer
---@field started? string by the server's clock, ISO 8601
---@field seconds number
---@field records integer read
---@field rejected integer records, of all tables
---@field rejects table<string, { records: integer, rejected: integer, rules: table<string, integer> }> by table
---@field tables string[] that are published
---@field checks integer
---@field warnings integer
---@field failed_checks string[]
---@field error? string one line
---@field code? string "check", "budget", "data", an SQLSTATE, ...
---@field exit integer exit code of the process
local Outcome = {}
Outcome.__index = Outcome
Outcome.__name = "pghost.Outcome"

local order <const> = { "pipeline", "schema", "state", "run", "replay_of", "started", "seconds", "records", "rejected",
  "rejects", "tables", "checks", "warnings", "failed_checks", "error", "code", "exit" }

local function encoded(value)
  if type(value) ~= "table" then
    return cjson.encode(value)
  elseif value[1] ~= nil or next(value) == nil then
    return "[" .. table.concat(lists.map(value, cjson.encode), ",") .. "]"
  end
  return "{" .. table.concat(lists.map(lists.sorted_keys(value), function(key)
    return cjson.encode(key) .. ":" .. encoded(value[key])
  end), ",") .. "}"
end

--- All of it as one JSON object on one line, its keys in the order above.
---@return string
function Outcome:json()
  local members = {}
  for _, key in ipairs(order) do
    if key == "rejects" and next(self.rejects) == nil then
      members[#members + 1] = '"rejects":{}'
    elseif self[key] ~= nil then
      members[#members + 1] = cjson.encode(key) .. ":" .. encoded(self[key])
    end
  end
  return "{" .. table.concat(members, ",") .. "}"
end

--- One line for people: "bookings: run 7 published 6 tables, 21,012 records read, 70 rejected".
---@return string
function Outcome:text()
  local head = self.run and ("%s: run %d"):format(self.pipeline, self.run) or self.pipeline .. ":"
  if self.state == "published" then
    return ("%s published %d tables, %d records read, %d rejected"):format(head, #self.tables, self.records,
      self.rejected)
  end
  return ("%s %s: %s"):format(head, self.state, self.error or "")
end

known_keys.strict_class("an outcome has", Outcome, lists.set(order))

local function rejects_of(run)
  local copy, sum = {}, 0
  for name, counts in pairs(run.rejected) do
    copy[name] = { records = counts.records, rejected = counts.rejected, rules = counts.rules }
    sum = sum + counts.rejected
  end
  return copy, sum
end

local function outcome_of(run, problem)
  local rejects, sum = rejects_of(run)
  local known = errors.is(problem)
  local interrupted = known and problem.code == "interrupted" or sys.interrupted() ~= nil
  return setmetatable({
    pipeline = run.name, schema = run.target, run = run.id, started = run.started,
    replay_of = run.replay and run.replay.of.run_id or nil,
    state = problem == nil and "published" or interrupted and "interrupted" or "failed",
    seconds = sys.clock() - run.clock, records = run.totals.records, rejected = sum, rejects = rejects,
    tables = table.move(run.published, 1, #run.published, 1, {}), checks = run.checks, warnings = run.warnings,
    failed_checks = table.move(run.failed_checks, 1, #run.failed_checks, 1, {}),
    error = problem ~= nil and tostring(problem):match "^[^\n]*" or nil, code = known and problem.code or nil,
    exit = problem == nil and 0 or interrupted and 128 + (sys.interrupted() or 2) or known and problem.exit or 1,
  }, Outcome)
end

-- A hook that ends the process would decide the exit code.
local function refuse_exit()
  error("os.exit was called: the exit code is the run's", 2)
end

local function call(run, name, outcome)
  local hook = run.settings[name]
  if not hook or run.hooks == false then
    return
  end
  local exit, started = os.exit, sys.clock()
  os.exit = refuse_exit -- luacheck: ignore 122
  local done, problem = pcall(hook, outcome)
  os.exit = exit -- luacheck: ignore 122
  local facts = { seconds = sys.clock() - started }
  if done then
    run.log:info("hook", name, "done", facts)
  else
    run.log:warn("hook", name, ("failed; the run is not affected: %s"):format(tostring(problem)), facts)
  end
end

--- The run has published.
---@param run pghost.Run
function M.succeeded(run)
  call(run, "on_success", outcome_of(run))
end

--- The run has ended with an error, and is not retried.
---@param run pghost.Run
---@param problem any
function M.failed(run, problem)
  local outcome = outcome_of(run, problem)
  if outcome.code == "budget" then
    call(run, "on_reject_budget", outcome)
  end
  call(run, "on_failure", outcome)
end

return M
