-- How a run ends: its last line, and what an unpublished run leaves behind.

local build_schema = require "pghost.run.build_schema"
local errors = require "pghost.lib.errors"
local history = require "pghost.run.history"
local log = require "pghost.lib.log"
local resume = require "pghost.run.resume"
local sys = require "pghost.native.sys"
local totals = require "pghost.run.totals"

local M = {}

--- Writes the last line of a run: what became of its records, checks and warnings.
---@param run pghost.Run
---@param level "info"|"warn"|"error"
---@param state string as in pghost.runs
---@param text string
---@param more? table fields of the line
function M.say(run, level, state, text, more)
  local fields = run.totals:fields()
  fields.run, fields.state, fields.checks = run.id, state, run.checks
  fields.seconds = sys.clock() - run.clock
  fields.warnings = run.log.warnings + (level == "warn" and 1 or 0)
  for key, value in pairs(more or {}) do
    fields[key] = value
  end
  run.log:table(run.totals:table())
  local records = level == "info" and ": " or "; until then "
  records = run.totals.records == 0 and level ~= "info" and "" or ("%s%s: %s"):format(records,
    log.counted(run.totals.records, "record"), totals.text(run.totals))
  run.log:event(level, "done", run.name, ("%s%s; %s, %s"):format(text, records, log.counted(run.checks, "check"),
    log.counted(fields.warnings, "warning")), fields)
end

-- Says how the run ended, and what it has published before an error.
local function say_ended(run, state, problem)
  local published = #run.published > 0 and "published before that: " .. table.concat(run.published, ", ")
    or "nothing published"
  if problem then
    M.say(run, problem.retry and "warn" or "error", state, ("run %d %s, %s"):format(run.id, state, published),
      { reason = tostring(problem), code = problem.code })
  elseif run.settings.dry_run and state == "unpublished" then
    M.say(run, "info", state, ("run %d, a dry run, %s"):format(run.id, published))
  else
    M.say(run, "warn", state, ("run %d %s, %s"):format(run.id, state, published))
  end
end

--- Discards what was built and says how the run ended.
---@param run pghost.Run
---@param problem? any the error that ends it
function M.abandon(run, problem)
  local state = problem == nil and "unpublished" or "failed"
  if sys.interrupted() or (errors.is(problem) and problem.code == "interrupted") then
    state = "interrupted"
  end
  problem = problem ~= nil and not errors.is(problem) and errors.new { message = tostring(problem) } or problem
  run.conn:transaction(function()
    if not resume.stays(run, state) then
      build_schema.remove_own(run)
    end
    history.finish(run.conn, run.id, state, problem)
  end)
  say_ended(run, state, problem)
end

return M
