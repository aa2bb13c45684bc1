-- Runs the checks of a pipeline over the published tables, without a run: nothing is built, locked or recorded.

local bare_run = require "pghost.run.bare_run"
local check = require "pghost.check"
local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.checking.Result
---@field name string
---@field severity "warn"|"error"
---@field passed boolean
---@field violations? integer nil: it could not be run
---@field message string what the log of a run says of it
---@field seconds number
---@field problem? pghost.Error why it could not be run

-- A log that keeps only the messages about checks.
local function new_listener()
  local listener = { quiet = true, format = "text", results = {} }
  function listener.event(_, _, kind, name, text, fields)
    if kind == "check" and fields and fields.severity then
      table.insert(listener.results, { name = name, severity = fields.severity, passed = fields.passed,
        violations = fields.violations, message = text, seconds = fields.seconds })
    end
  end
  for _, level in ipairs { "info", "warn", "error" } do
    listener[level] = function(self, ...)
      return self:event(level, ...)
    end
  end
  return listener
end

-- One after the other, where one of them cannot be run at all.
local function one_by_one(run, list, listener)
  listener.results = {}
  for _, one in ipairs(list) do
    local started = sys.clock()
    local done, problem = pcall(check.run, run, { one })
    if not done and not (errors.is(problem) and problem.code == "check") then
      if errors.is(problem) and problem.exit == 3 then
        error(problem, 0)
      end
      table.insert(listener.results, { name = type(one) == "table" and tostring(one.name) or "?",
        severity = type(one) == "table" and one.severity or "error", passed = false,
        message = tostring(problem):match "^[^\n]*", seconds = sys.clock() - started,
        problem = errors.is(problem) and problem or errors.new { message = tostring(problem) } })
    end
  end
end

--- Runs checks over the published tables of a pipeline; all of them, whatever fails.
---@param outline pghost.Outline
---@param list table[] checks
---@return pghost.checking.Result[]
---@return string schema
function M.run(outline, list)
  local conn <close> = connection.open()
  local listener = new_listener()
  local run = bare_run.new(outline, conn, listener, outline.settings.schema)
  local done, problem = pcall(check.run, run, list)
  if not done and not (errors.is(problem) and problem.code == "check") then
    one_by_one(run, list, listener)
  end
  return listener.results, run.target
end

return M
