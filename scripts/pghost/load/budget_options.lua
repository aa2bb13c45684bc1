-- What scripts, settings and command lines say about error budgets: read and checked.

local errors = require "pghost.lib.errors"
local known_keys = require "pghost.lib.known_keys"
local reject_rules = require "pghost.load.reject_rules"

local M = {}

---@class pghost.Allowance count and percent may both be there: both hold
---@field count? integer
---@field percent? number

--- Reads "100" or "2%"; for options of a command line, so a message is returned.
---@param text string
---@return pghost.Allowance?
---@return string? message
function M.parse(text)
  local percent = text:match("^(%d+%.?%d*)%%$")
  if percent and tonumber(percent) <= 100 then
    return { percent = tonumber(percent) }
  end
  local count = text:find("^%d+$") and math.tointeger(tonumber(text))
  if not count then
    return nil, ("whole number or share as '2%%' expected, got '%s'"):format(text)
  end
  return { count = count }
end

local function misuse(where, message)
  errors.raise(where .. ": " .. message, "usage", { exit = 1 })
end

--- An allowance from what a script or config says: N, "N", "P%"; nil and "" allow everything.
---@param value? integer|string
---@param where string name of the option, for messages
---@return pghost.Allowance
function M.read(value, where)
  if value == nil or value == "" then
    return {}
  end
  local text = math.type(value) == "float" and math.tointeger(value) or value
  local parsed, message = M.parse(tostring(text))
  return parsed or misuse(where, message)
end

-- The stricter one of two, part by part.
local function both(a, b)
  local function smaller(x, y)
    return (x and y) and math.min(x, y) or x or y
  end
  return { count = smaller(a.count, b.count), percent = smaller(a.percent, b.percent) }
end

local function read_per_file(value)
  if type(value) ~= "table" then
    return M.read(value, "budget.per_file")
  end
  known_keys.check(value, { rejects = true, share = true }, "budget.per_file", "budget")
  return both(M.read(value.rejects, "budget.per_file.rejects"), M.read(value.share, "budget.per_file.share"))
end

---@class pghost.Budget
---@field table pghost.Allowance
---@field per_file pghost.Allowance
---@field rules table<string, pghost.Allowance>

---@class pghost.BudgetOptions
---@field rejects? integer|string of the table: N or "P%"
---@field share? string "P%"
---@field per_file? integer|string|{ rejects: integer, share: string }
---@field rules? table<string, integer|string> per rule

--- The budget of one table from the options of its step; raises what makes no sense.
---@param step { max_rejects?: integer|string, budget?: pghost.BudgetOptions }
---@return pghost.Budget
function M.of(step)
  local given = step.budget or {}
  known_keys.check(given, { rejects = true, share = true, per_file = true, rules = true }, "budget", "budget")
  local budget = { rules = {}, per_file = read_per_file(given.per_file) }
  budget.table = both(M.read(step.max_rejects, "max_rejects"),
    both(M.read(given.rejects, "budget.rejects"), M.read(given.share, "budget.share")))
  known_keys.check(given.rules, given.rules and reject_rules.names() or {}, "budget.rules", "rule")
  for rule, value in pairs(given.rules or {}) do
    budget.rules[rule] = M.read(value, "budget.rules." .. tostring(rule))
  end
  return budget
end

--- Raises for what is neither nil, "reject" nor "stop".
---@param value any
function M.check_on_error(value)
  if value ~= nil and value ~= "reject" and value ~= "stop" then
    errors.raise(("on_error: 'reject' or 'stop' expected, got '%s'"):format(tostring(value)), "usage")
  end
end

--- The budget of all tables of a run together.
---@param run pghost.Run
---@return pghost.Allowance
function M.of_run(run)
  return M.read(run.settings.max_rejects, "max_rejects")
end

return M
