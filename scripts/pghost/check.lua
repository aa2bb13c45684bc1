-- Checks: assertions on tables that hold before anything is published. docs/CHECKS.md describes each.
--
-- A check is data. check.NAME(subject, ..., options) makes one for each kind of pghost.checks.kinds; one that is written as
-- a plain table is { name =, severity = "warn"|"error", sql = }, a SELECT that returns what violates it, with plain table
-- names and named parameters (:as_of). Every check is recorded, the passed ones too.

local definition = require "pghost.checks.definition"
local errors = require "pghost.lib.errors"
local evaluation = require "pghost.checks.evaluation"
local kinds = require "pghost.checks.kinds"
local log = require "pghost.lib.log"
local outcome = require "pghost.checks.outcome"

local M = {}

for _, kind in ipairs(kinds.list) do
  M[kind.name] = function(subject, ...)
    return definition.new(kind, subject, ...)
  end
end

--- Records and logs the outcome of a check that was made elsewhere; a failed one of severity error is kept for
--- raise_failed.
---@param run pghost.Run
---@param check { name: string, severity: "warn"|"error" }
---@param count integer violations
---@param samples string[] JSON texts
---@param seconds number
function M.record(run, check, count, samples, seconds)
  outcome.keep(run, check, { violations = count, samples = samples, seconds = seconds,
    state = count == 0 and "passed" or check.severity })
end

--- Runs one check and records it.
---@param run pghost.Run
---@param check pghost.Check
function M.evaluate(run, check)
  evaluation.run(run, { check })
end

--- Raises code "check" when a check of severity error has failed in this run.
---@param run pghost.Run
function M.raise_failed(run)
  if #run.failed_checks > 0 then
    errors.raise(("%s failed, nothing is published: %s"):format(log.counted(#run.failed_checks, "check"),
      table.concat(run.failed_checks, "; ")), "check")
  end
end

--- Runs all checks of a list, then raises if one of severity error failed, now or before.
---@param run pghost.Run
---@param list pghost.Check[]
function M.run(run, list)
  evaluation.run(run, list)
  M.raise_failed(run)
end

return M
