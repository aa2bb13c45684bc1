-- Error budgets: how many records may be rejected before a load fails.
--
-- While loading, the engine enforces limits on numbers, and on shares once they are meaningful: per table, file, rule
-- and run. All are checked again when a table is done (over_budget.lua).

local budget_options = require "pghost.load.budget_options"
local corrections = require "pghost.rejects.corrections"
local input_files = require "pghost.input.files"
local log = require "pghost.lib.log"

local M = {}

---@class pghost.load.Budget
---@field stop? boolean the first reject ends the load
---@field table pghost.Allowance
---@field per_file pghost.Allowance
---@field rules table<string, pghost.Allowance>
---@field run pghost.Allowance of all tables together
---@field forgiving boolean there are corrections or waivers for the table
---@field spare integer rejects that may turn out to be corrected or waived, beyond what is allowed
---@field used { table: integer, run: integer, rules: table<string, integer> } by earlier steps of the run
local Budget = {}
Budget.__index = Budget

-- The rejects of earlier steps of this run, in all tables.
local function rejected_before(run)
  local sum = 0
  for _, counts in pairs(run.rejected) do
    sum = sum + counts.rejected
  end
  return sum
end

--- The budget of one table of a run.
---@param run pghost.Run
---@param name string
---@param options pghost.LoadOptions
---@return pghost.load.Budget
function M.of_table(run, name, options)
  local budget, before = budget_options.of(options), run.rejected[name] or { rejected = 0, rules = {} }
  budget_options.check_on_error(options.on_error)
  budget.run = budget_options.of_run(run)
  budget.stop = (options.on_error or run.settings.on_error) == "stop"
  budget.forgiving = corrections.in_force(run.conn, run.target, name) > 0
  budget.spare = 0
  budget.used = { table = before.rejected, run = rejected_before(run), rules = before.rules }
  return setmetatable(budget, Budget)
end

--- The budget of a load by itself.
---@param allowed? pghost.Allowance nil: none, the first reject ends the load
---@param spare? integer corrections and waivers that may apply
---@return pghost.load.Budget
function M.of_load(allowed, spare)
  return setmetatable({ stop = not allowed, table = allowed or {}, per_file = {}, rules = {}, run = {},
    forgiving = false, spare = spare or 0, used = { table = 0, run = 0, rules = {} } }, Budget)
end

--- No budget at all.
---@return pghost.load.Budget
function M.unlimited()
  return M.of_load {}
end

-- An allowance for the engine, less what has been used. If rejects may turn out to be corrected or waived, and so not
-- count, an overrun is only known at the end.
local function for_engine(allowed, used, budget)
  if budget.forgiving then
    return {}
  end
  return { limit = allowed.count and math.max(0, allowed.count - used) + budget.spare,
    share = budget.spare == 0 and allowed.percent and allowed.percent / 100 or nil }
end

local function least(...)
  local smallest
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    smallest = value and math.min(value, smallest or value) or smallest
  end
  return smallest
end

--- Puts what the engine has to enforce into the options of its rejects stream. A share is of all records together: it
--- is enforced where they come in one go, and known at the end in any case.
---@param rejects pghost.RejectsOptions
---@param files { size?: integer }[]|function of this COPY
---@param used integer rejects of the COPYs before
---@param alone boolean there is no other COPY
---@return pghost.RejectsOptions rejects
function Budget:enforce(rejects, files, used, alone)
  local of_table = for_engine(self.table, self.used.table + used, self)
  local of_run = for_engine(self.run, self.used.run + used, self)
  rejects.limit = least(self.stop and not self.forgiving and self.spare or nil, of_table.limit, of_run.limit)
  rejects.share = alone and of_table.share or nil
  rejects.rules = {}
  for rule, allowed in pairs(self.rules) do
    rejects.rules[rule] = for_engine(allowed, self.used.rules[rule] or 0, self)
  end
  rejects.expected_bytes = type(files) == "table" and input_files.size(files) or nil
  return rejects
end

--- What the engine has to enforce of each file.
---@return pghost.RejectBudget
function Budget:of_file()
  return for_engine(self.per_file, 0, self)
end

--- Whether the first reject ends the load, decided on before or not.
---@return boolean
function Budget:allows_none()
  local function none(allowed)
    return allowed.count == 0 or allowed.percent == 0
  end
  return not self.forgiving and (self.stop or none(self.table) or none(self.run)) or false
end

--- How much an allowance is exceeded, for people; nil: it is not.
---@param allowed pghost.Allowance
---@param rejected integer
---@param records? integer nil: a share is not looked at
---@return string?
function M.excess(allowed, rejected, records)
  if allowed.count and rejected > allowed.count then
    return log.count(allowed.count)
  elseif allowed.percent and records and rejected * 100 > allowed.percent * records then
    return ("%g%% (%.3g%% it is)"):format(allowed.percent, 100 * rejected / math.max(records, 1))
  end
end

return M
