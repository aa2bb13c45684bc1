-- The outcome of a check: judged by its thresholds, logged, recorded in pghost.checks.

local log = require "pghost.lib.log"
local recordable = require "pghost.run.recordable"
local sql = require "pghost.lib.sql"
local thresholds = require "pghost.checks.thresholds"

local M = {}

---@class pghost.checks.Outcome
---@field state "passed"|"warn"|"error"
---@field violations integer
---@field samples string[] JSON texts
---@field seconds number
---@field total? integer rows that were looked at
---@field value? string what was measured
---@field vacuous? string why it proves nothing
---@field query? string SELECT of all that breaks it

local function worse(a, b)
  return (a == "error" or b == "error") and "error" or (a == "warn" or b == "warn") and "warn" or "passed"
end

local function by_limits(check, value, total)
  return thresholds.reached(check.limits.error, value, total) and "error"
    or thresholds.reached(check.limits.warn, value, total) and "warn" or "passed"
end

--- The state that a check is in.
---@param kind pghost.checks.Kind
---@param check pghost.Check
---@param found { violations?: integer, total?: integer, value?: string, broken?: boolean, severity?: string }
---@return "passed"|"warn"|"error"
function M.judge(kind, check, found)
  if kind.measure then
    local state = found.broken and (check.severity or "error") or "passed"
    return check.given_limits and worse(state, by_limits(check, tonumber(found.value), found.total)) or state
  elseif found.severity then -- a contract says it for each difference
    return check.severity == "warn" and "warn" or found.severity
  end
  return by_limits(check, found.violations, found.total)
end

--- Why a check that passed proves nothing; nil: it does.
---@param kind pghost.checks.Kind
---@param check pghost.Check
---@param found { total?: integer, seen?: integer, vacuous?: string }
---@param c pghost.checks.Context
---@return string?
function M.vacuous(kind, check, found, c)
  if found.vacuous then
    return found.vacuous
  elseif kind.needs_run and not found.total then
    return "no file of the table was read in this run"
  elseif found.total == 0 and not kind.of_empty_tables then
    return check.where and "no row meets its where" or "the table is empty"
  elseif found.seen == 0 and not kind.of_empty_tables then
    return ("column '%s' is always null"):format(check.columns[1])
  end
  return kind.cannot_fail and kind.cannot_fail(c, check) or nil
end

local function level_of(outcome)
  return outcome.state == "passed" and "info" or outcome.state
end

local function describe(check, outcome)
  if outcome.state == "passed" then
    local text = outcome.violations > 0 and ("ok: %s, within its threshold"):format(log.counted(outcome.violations,
      "violation")) or "ok"
    return outcome.vacuous and ("%s, but proves nothing: %s"):format(text, outcome.vacuous) or text
  end
  local owner = check.owner and (" (owner: %s)"):format(check.owner) or ""
  local samples = #outcome.samples > 0 and ": " .. table.concat(outcome.samples, ", ") or ""
  return log.counted(outcome.violations, "violation") .. owner .. samples
end

local function severity_of(check, outcome)
  return outcome.state ~= "passed" and outcome.state or check.severity
    or check.limits and (check.limits.error and "error" or "warn") or "error"
end

local insert <const> = [[
  INSERT INTO pghost.checks (run_id, name, severity, passed, violations, samples, seconds, kind, table_name,
    column_names, rows_checked, measured, vacuous, query, description, tags, owner)
  VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10::text[], $11, $12, $13, $14, $15, $16::text[], $17)
  RETURNING check_id]]

local function array(conn, list)
  return list and sql.array(recordable.value(conn, list)) or nil
end

local function write(run, check, outcome, severity)
  local function hold(text)
    return recordable.text(run.conn, text)
  end
  return run.conn:query(insert, run.id, hold(check.name), severity, outcome.state == "passed", outcome.violations,
    #outcome.samples > 0 and outcome.violations > 0 and "[" .. table.concat(outcome.samples, ",") .. "]" or nil,
    outcome.seconds, check.kind, hold(check.table), array(run.conn, check.columns), outcome.total, outcome.value,
    hold(outcome.vacuous), hold(outcome.query), hold(check.description), array(run.conn, check.tags),
    hold(check.owner))[1].check_id
end

--- Records, logs and counts what became of a check.
---@param run pghost.Run
---@param check pghost.Check|{ name: string, severity: string }
---@param outcome pghost.checks.Outcome
---@return integer? check_id nil: not recorded, since this is not a run
function M.keep(run, check, outcome)
  local severity = severity_of(check, outcome)
  local id = run.id and write(run, check, outcome, severity) or nil -- `pghost check` is no run
  run.log:event(level_of(outcome), "check", check.name, describe(check, outcome), { severity = severity,
    violations = outcome.violations, passed = outcome.state == "passed", seconds = outcome.seconds })
  run:count_check({ name = check.name, severity = severity }, outcome.state == "passed" and 0 or outcome.violations)
  return id
end

return M
