-- Checks declared before a run loads: what they name is compared with the columns that each load will give its tables,
-- and table contracts are decided, before the first record is read.

local lookup = require "pghost.checks.lookup"
local contract = require "pghost.checks.contract"
local definition = require "pghost.checks.definition"
local errors = require "pghost.lib.errors"
local json = require "pghost.lib.json"
local lists = require "pghost.lib.lists"
local nearest = require "pghost.lib.nearest"
local project = require "pghost.run.project"
local scripted_tables = require "pghost.run.scripted_tables"
local verdict = require "pghost.checks.verdict"

local M = {}

-- Tables that neither the project makes nor the database has. Where it is not certain what the project makes, they
-- are found when the checks run.
local function require_tables(run, list)
  local found = lookup.new(run)
  local made = scripted_tables.of(project.script())
  for _, check in ipairs(made and list or {}) do
    for _, one in ipairs(check.needs) do
      if not made[one.table] and not found:has(one.table) then
        found:raise_unknown(one.table, ("check '%s'"):format(check.name), lists.sorted_keys(made))
      end
    end
  end
end

--- Reads a list of checks; a mistake in one is raised, and a table that there will not be.
---@param run pghost.Run
---@param list (pghost.Check|table)[]
---@return pghost.Check[]
function M.of(run, list)
  if type(list) ~= "table" then
    errors.raise("run:expect: list of checks expected, got " .. type(list), "usage", { exit = 1 })
  end
  local checks = lists.map(list, definition.of)
  require_tables(run, checks)
  return checks
end

local function require_columns(check, table_name, names)
  local known = { _file_id = true, _line = true, _loaded_at = true, _valid_from = true, _valid_to = true,
    _deleted_at = true }
  for _, name in ipairs(names) do
    known[name] = true
  end
  for _, one in ipairs(check.needs) do
    if one.table == table_name and one.column and not known[one.column] then
      errors.raise(("check '%s': no column '%s' in table '%s'%s"):format(check.name, one.column, table_name,
        nearest.hint(one.column, names)), "42703", { exit = 1 })
    end
  end
end

-- A contract set to stop does so now, and is recorded.
local function hold_contract(run, check, columns)
  local differences, severity = contract.judge(check, contract.differences(run.conn, check.expected, columns))
  if severity ~= "error" or check.severity == "warn" then
    return -- what it warns of is said when the checks run
  end
  local samples = lists.map(differences, json.encode)
  verdict.keep(run, check, { state = "error", violations = #differences, samples = samples, seconds = 0 })
  errors.raise(("check '%s' failed before anything was loaded: %s"):format(check.name,
    contract.describe(differences)), "check")
end

local function hold_against(run, table_name, columns)
  local names = lists.pluck(columns, "name")
  for _, check in ipairs(run.expected or {}) do
    require_columns(check, table_name, names)
    if check.kind == "columns" and check.table == table_name then
      hold_contract(run, check, columns)
    end
  end
end

--- Holds the checks that a run expects against a load that is about to begin.
---@param run pghost.Run
---@param plan pghost.Plan
function M.check_plan(run, plan)
  if plan.targets.clean and plan.clean_columns then
    hold_against(run, plan.name, plan.clean_columns)
  end
  if plan.targets.raw and plan.raw_columns then
    local columns = lists.map(plan.raw_columns, function(name)
      return { name = name, type = "text" }
    end)
    hold_against(run, plan.name .. "_raw", columns)
  end
end

return M
