-- pghost lint: reports everything wrong with a project, without loading anything.
--
-- The script runs with a recording run (run/outline.lua) and lenient modules (lenient.lua), so that it continues after
-- mistakes. Then each of its steps is checked against the files and the database.

local broken = require "pghost.lint.broken"
local connection = require "pghost.connection"
local findings_of = require "pghost.lint.mistakes"
local lenient = require "pghost.lint.lenient"
local loads_of = require "pghost.lint.load_calls"
local nearest = require "pghost.lib.nearest"
local outlines = require "pghost.run.outline"
local project = require "pghost.run.project"
local rules_module = require "pghost.rules"
local run_script = require "pghost.run.script_runner"
local settings = require "pghost.lint.config"
local sources = require "pghost.lint.lua_files"
local statements = require "pghost.lint.planned_sql"
local workspace = require "pghost.lint.workspace"

local M = {}

local methods <const> = { "load", "stage", "clean", "expect", "check", "analyse", "publish", "query", "transaction",
  "close" }

local function hooks_of(findings, folder)
  local hooks
  hooks = {
    settings = function(name, config, place)
      local found, given, sure = settings.of(findings, folder, place, name, config)
      hooks.knows_data = sure
      return found, given
    end,
    unknown = function(key, file, line)
      findings:add(file, line, ("a run has no '%s'%s"):format(key, nearest.hint(key, methods)))
      return function() end
    end,
  }
  return hooks
end

local function tell_end(findings, outline, path)
  if outline.problem ~= nil then
    findings:add_problem(outline.problem, path)
  elseif not outline.name then
    findings:add(path, nil, "the script starts no pipeline (pipeline.start)")
  elseif outline.asked then
    findings:add(outline.asked.file, outline.asked.line,
      ("the script queries the database here (run.%s): nothing after this is checked"):format(outline.asked.what),
      "warn")
  end
end

-- In the order of the script, since a step sees the tables of those before it.
local function check_steps(session, outline, loads)
  for _, step in ipairs(outline.steps) do
    if loads[step] then
      workspace.make_tables(session, loads[step])
    elseif step.kind == "check" and type(step.list) == "table" then
      statements.check_checks(session, step, (broken.without(step.list)))
    elseif step.kind == "check" then
      session.findings:add(step.file, step.line, "run:check: list of checks expected, got " .. type(step.list))
    elseif step.kind == "analyse" then
      statements.check_answers(session, step)
    end
  end
end

--- Looks at a project.
---@param path string of its script
---@param options { offline?: boolean } the database is not asked
---@return pghost.lint.Findings
---@return any problem why SQL and checks were not all looked at: no database, or no right to temporary tables
function M.project(path, options)
  local findings = findings_of.new()
  local script = run_script.use(path)
  local folder = project.folder(script)
  local places, incomplete = lenient.install(findings)
  sources.check_syntax(findings, folder)
  sources.soften_require(findings)
  local hooks = hooks_of(findings, folder)
  local outline = outlines.of(path, {}, hooks)
  tell_end(findings, outline, path)
  sources.load_rules(findings, folder, rules_module.is)
  if not outline.settings then
    return findings
  end
  local loads = loads_of.check(findings, places, outlines.steps(outline, "load", "stage", "clean"),
    hooks.knows_data and outline.settings.data or nil)
  if options.offline then
    return findings
  end
  local open, conn = pcall(connection.open)
  if not open then
    return findings, conn
  end
  local _ <close> = conn
  local context = { findings = findings, places = places, incomplete = incomplete }
  local done, problem = pcall(workspace.open, conn, outline, context, function(session)
    check_steps(session, outline, loads)
  end)
  return findings, not done and problem or nil
end

return M
