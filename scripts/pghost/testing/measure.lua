-- Coverage measured: over the specs while they run, over the project's own files, or over a recorded run.

local connection = require "pghost.connection"
local coverage = require "pghost.testing.coverage"
local database = require "pghost.testing.database"
local errors = require "pghost.lib.errors"
local fired_of = require "pghost.testing.fired"
local outlines = require "pghost.run.outline"
local project = require "pghost.testing.project_runs"
local recorded = require "pghost.run.recorded"
local rules_module = require "pghost.rules"
local watched = require "pghost.rules.watched"

local M = {}

---@class pghost.testing.Subject the rules and checks of a project
---@field pipeline string
---@field tables pghost.Rules[]
---@field checks table[]
---@field rules_of fun(table_name: string): string?

--- The rules and checks that a script uses.
---@param script string
---@return pghost.testing.Subject
function M.subject(script)
  local outline = outlines.complete(script)
  local tables, by_table, seen, checks = {}, {}, {}, {}
  for _, step in ipairs(outlines.steps(outline, "load", "clean")) do
    if rules_module.is(step.rules) then
      by_table[step.name] = step.rules.name
      if not seen[step.rules.name] then
        seen[step.rules.name] = true
        tables[#tables + 1] = step.rules
      end
    end
  end
  for _, step in ipairs(outlines.steps(outline, "check")) do
    table.move(step.list, 1, #step.list, #checks + 1, checks)
  end
  return { pipeline = outline.name, tables = tables, checks = checks, rules_of = function(name)
    return by_table[name] or seen[name] and name or nil
  end }
end

local function report(subject, fired, over)
  io.write(coverage.report(coverage.items(subject.tables, subject.checks, fired), over))
end

local function has_history(conn)
  return conn:query("SELECT pg_catalog.to_regclass('pghost.rejects') IS NOT NULL AS present")[1].present
end

--- Follows the specs that are about to run, and reports after the last.
---@param subject pghost.testing.Subject
---@return pghost.testing.Watcher
function M.of_specs(subject)
  local fired = fired_of.new(subject.tables)
  watched.set(function(...)
    fired:add_try(...)
  end)
  return {
    file_end = function()
      if database.is_made() and has_history(database.connection()) then
        fired:add_recorded(database.connection(), nil, subject.rules_of)
      end
    end,
    suite_end = function()
      report(subject, fired, "the specs")
    end,
  }
end

--- Runs the project over its own files, in a throw-away database, and reports.
---@param subject pghost.testing.Subject
function M.of_sample(subject)
  local _ <close> = setmetatable({}, { __close = database.drop })
  connection.lead(database.dsn, "pghost test")
  local outcome, fired = project.run(nil, nil, project.chunk()), fired_of.new(subject.tables)
  if not outcome.run then
    error(outcome.problem, 0)
  elseif outcome.problem then
    io.stderr:write(("the pipeline failed; what ran before that counts: %s\n"):format(tostring(outcome.problem)))
  end
  fired:add_recorded(database.connection(), outcome.run, subject.rules_of)
  report(subject, fired, "the project's files")
end

--- Reports over a run of the configured database, by the rules as they are now.
---@param subject pghost.testing.Subject
---@param run_id integer
function M.of_run(subject, run_id)
  local conn <close>, present = recorded.open()
  local run, fired = recorded.find(conn, present, run_id), fired_of.new(subject.tables)
  if run.pipeline ~= subject.pipeline then
    errors.raise(("run %d is of pipeline '%s', but this script starts '%s'"):format(run_id, run.pipeline,
      subject.pipeline), "usage", { exit = 1 })
  elseif run.state == "running" then
    errors.raise(("run %d is still running"):format(run_id), "usage", { exit = 1 })
  end
  fired:add_recorded(conn, run_id, subject.rules_of)
  report(subject, fired, ("run %d"):format(run_id))
end

return M
