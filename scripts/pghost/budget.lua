-- Error budgets: how many records may be rejected before a run gives up and publishes nothing.
--
-- A number is enforced by the engine while it loads, a share too, once it can tell. Both, and what
-- only the server can count (per rule), are looked at again when a table is done. Duplicates of a
-- key are not counted as rejected, as in the accounts, but have a rule of their own, `key`.

local account = require "pghost.account"
local errors = require "pghost.errors"
local keys = require "pghost.keys"
local log = require "pghost.log"

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

-- An allowance from what a script or config says: N, "N", "P%"; nil and "" allow everything.
local function allowance(value, where)
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

local function check_names(value, known, where)
  if type(value) ~= "table" then
    misuse(where, ("table expected, got %s"):format(type(value)))
  end
  for name in pairs(value) do
    if not known[name] then
      misuse(where, ("no such budget '%s'"):format(tostring(name)))
    end
  end
end

local function read_per_file(value)
  if type(value) ~= "table" then
    return allowance(value, "budget.per_file")
  end
  check_names(value, { rejects = true, share = true }, "budget.per_file")
  return both(allowance(value.rejects, "budget.per_file.rejects"), allowance(value.share, "budget.per_file.share"))
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
---@param options { max_rejects?: integer|string, budget?: pghost.BudgetOptions }
---@return pghost.Budget
function M.of(options)
  local given = options.budget or {}
  check_names(given, { rejects = true, share = true, per_file = true, rules = true }, "budget")
  local budget = { rules = {}, per_file = read_per_file(given.per_file) }
  budget.table = both(allowance(options.max_rejects, "max_rejects"),
    both(allowance(given.rejects, "budget.rejects"), allowance(given.share, "budget.share")))
  if given.rules ~= nil and type(given.rules) ~= "table" then
    misuse("budget.rules", ("table expected, got %s"):format(type(given.rules)))
  end
  for rule, value in pairs(given.rules or {}) do
    budget.rules[rule] = allowance(value, "budget.rules." .. tostring(rule))
  end
  return budget
end

local function check_on_error(value)
  if value ~= nil and value ~= "reject" and value ~= "stop" then
    errors.raise(("on_error: 'reject' or 'stop' expected, got '%s'"):format(tostring(value)), "usage")
  end
end

--- Checks the settings max_rejects and on_error of a run before it starts.
---@param settings table
function M.check_settings(settings)
  check_on_error(settings.on_error)
  local most = tostring(settings.max_rejects or "")
  local allowed, message = M.parse(most)
  if most ~= "" and not allowed then
    errors.raise("max_rejects: " .. message, "usage")
  end
end

local function stops(run, plan)
  check_on_error(plan.options.on_error)
  return (plan.options.on_error or run.settings.on_error) == "stop"
end

local function of_run(run)
  return allowance(run.settings.max_rejects, "max_rejects")
end

-- What earlier steps of this run have rejected: of one table, or of all.
local function rejected_before(run, name)
  local sum = 0
  for table_name, counts in pairs(run.rejected) do
    sum = sum + ((name == nil or name == table_name) and counts.rejected or 0)
  end
  return sum
end

--- Puts what the engine has to enforce into the options of its rejects stream, and of each file.
---@param run pghost.Run
---@param plan pghost.Plan
---@param rejects table of native load.open
---@return table rejects
function M.enforce(run, plan, rejects)
  plan.budget = M.of(plan.options)
  local limits, bytes = {}, 0
  if stops(run, plan) then
    limits[1] = 0
  end
  if plan.budget.table.count then
    limits[#limits + 1] = math.max(0, plan.budget.table.count - rejected_before(run, plan.name))
  end
  if of_run(run).count then
    limits[#limits + 1] = math.max(0, of_run(run).count - rejected_before(run))
  end
  for _, file in ipairs(plan.files) do
    file.reject_limit = plan.budget.per_file.count
    bytes = bytes and file.size and bytes + file.size
  end
  rejects.limit = #limits > 0 and math.min(table.unpack(limits)) or nil
  rejects.share = plan.budget.table.percent and plan.budget.table.percent / 100
  rejects.expected_bytes = bytes
  return rejects
end

-- What is over -----------------------------------------------------------------------------------------

-- How much an allowance is exceeded, for people; nil: it is not.
local function excess(allowed, rejected, records)
  if allowed.count and rejected > allowed.count then
    return log.count(allowed.count)
  elseif allowed.percent and records and rejected * 100 > allowed.percent * records then
    return ("%g%% (%.3g%% it is)"):format(allowed.percent, 100 * rejected / math.max(records, 1))
  end
end

local function raise(run, text)
  errors.raise(("%s: nothing is published; `pghost rejects %d` lists them"):format(text, run.id), "budget")
end

local function raise_over(run, where, rejected, records, what, allowed)
  raise(run, ("%s: %s of %s rejected, %s allows %s"):format(where, log.count(rejected),
    log.counted(records, "record"), what, allowed))
end

-- Rejects of a table of this run as the server has them: total, per file, per rule.
local function count(run, name)
  local total, files, rules = 0, {}, {}
  local rows = run.conn:query([[
    SELECT coalesce(file_id, 0) AS file_id, rule, count(*) AS records FROM pghost.rejects
    WHERE run_id = $1 AND table_name = $2 GROUP BY 1, 2]], run.id, name)
  for row in rows:rows() do
    rules[row.rule] = (rules[row.rule] or 0) + row.records
    if row.rule ~= "key" then
      total = total + row.records
      files[row.file_id] = (files[row.file_id] or 0) + row.records
    end
  end
  return total, files, rules
end

-- Records read per file: of the files of this run, else as the raw table has them.
local function records_by_file(run, plan)
  local records, names, total = {}, {}, 0
  local rows = run.conn:query([[
    SELECT file_id, name, records FROM pghost.files WHERE run_id = $1 AND table_name = $2 AND records IS NOT NULL]],
    run.id, plan.name)
  for row in rows:rows() do
    records[row.file_id], names[row.file_id], total = row.records, row.name, total + row.records
  end
  if #rows == 0 and plan.raw_source then
    records, total = keys.count_by_file(run.conn, plan.raw_source, "_file_id")
  end
  return records, total, names
end

local function sorted(map)
  local list = {}
  for key in pairs(map) do
    list[#list + 1] = key
  end
  table.sort(list)
  return list
end

local function check_files(run, plan, rejected, records, names)
  for _, id in ipairs(sorted(rejected)) do
    local allowed = excess(plan.budget.per_file, rejected[id], records[id])
    if allowed then
      raise_over(run, ("table '%s': file '%s'"):format(plan.name, names[id] or id), rejected[id], records[id] or 0,
        "the budget of a file", allowed)
    end
  end
end

local function check_rules(run, plan, rejected, records)
  for _, rule in ipairs(sorted(plan.budget.rules)) do
    local allowed = excess(plan.budget.rules[rule], rejected[rule] or 0, records)
    if allowed then
      raise_over(run, ("table '%s': rule '%s'"):format(plan.name, rule), rejected[rule], records, "its budget", allowed)
    end
  end
end

local function check_run(run, with_share)
  local rejected, records = 0, 0
  for _, counts in pairs(run.rejected) do
    rejected, records = rejected + counts.rejected, records + counts.records
  end
  local most = of_run(run)
  local allowed = excess({ count = most.count, percent = with_share and most.percent or nil }, rejected, records)
  if allowed then
    raise_over(run, "all tables", rejected, records, "max_rejects", allowed)
  end
end

--- Looks at everything a table may be over, now that it is done; raises code "budget".
---@param run pghost.Run
---@param plan pghost.Plan
function M.check(run, plan)
  plan.budget = plan.budget or M.of(plan.options)
  local rejected, by_file, by_rule = count(run, plan.name)
  local records, total, names = records_by_file(run, plan)
  run.rejected[plan.name] = { rejected = rejected, records = total }
  local allowed = excess(plan.budget.table, rejected, total)
  if allowed then
    raise_over(run, ("table '%s'"):format(plan.name), rejected, total, "its budget", allowed)
  end
  check_files(run, plan, by_file, records, names)
  check_rules(run, plan, by_rule, total)
  check_run(run, false)
end

--- Looks at the share of all tables together, before anything is published.
---@param run pghost.Run
function M.check_all(run)
  check_run(run, true)
end

-- The first reject as an error that prints its position first.
local function raise_first(run, name)
  local first = run.conn:query([[
    SELECT r.reason, r.column_name, r.line, f.name AS file
    FROM pghost.rejects AS r LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
    WHERE r.run_id = $1 AND r.table_name = $2 ORDER BY r.file_id, r.line LIMIT 1]],
    run.id, name)[1]
  errors.raise(first.reason, "data", { file = first.file or name, line = first.line, column = first.column_name })
end

local function file_over_budget(plan, by_file)
  for _, file in ipairs(plan.files) do
    if excess(plan.budget.per_file, by_file[file.id] or 0) then
      return file
    end
  end
end


--- For a load that the engine has stopped with code "budget": raises what was exceeded, or with
--- on_error "stop" the first reject.
---@param run pghost.Run
---@param plan pghost.Plan
---@param file? table the one that was being read
---@param message string of the engine
function M.raise_stopped(run, plan, message)
  if stops(run, plan) then
    raise_first(run, plan.name)
  end
  account.report_rejects(run, plan.name)
  local rejected, by_file = count(run, plan.name)
  local most = of_run(run).count
  local where, number, what, allowed = ("table '%s'"):format(plan.name), rejected, "its budget", nil
  local file = file_over_budget(plan, by_file)
  if plan.budget.table.count and rejected > plan.budget.table.count then
    allowed = log.count(plan.budget.table.count)
  elseif most and rejected_before(run) + rejected > most then
    where, number, what, allowed = "all tables", rejected_before(run) + rejected, "max_rejects", log.count(most)
  elseif file then
    where, number = ("%s: file '%s'"):format(where, file.name), by_file[file.id]
    what, allowed = "the budget of a file", log.count(plan.budget.per_file.count)
  else
    raise(run, ("%s: %s, its budget allows %g%%: stopped"):format(where, message, plan.budget.table.percent))
  end
  raise(run, ("%s: %s rejected so far, %s allows %s: stopped"):format(where, log.count(number), what, allowed))
end

return M
