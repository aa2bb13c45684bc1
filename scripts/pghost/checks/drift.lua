-- What the last published runs loaded into a table, and whether this run's load is similar.

local cjson = require "cjson"
local log = require "pghost.lib.log"
local misuse = require "pghost.checks.misuse"
local nearest = require "pghost.lib.nearest"

local M = {}

local default_runs <const> = 10
local default_learn <const> = 3

---@class pghost.checks.Tolerance
---@field number number
---@field unit "%"|"sd"|"" share of the mean before, standard deviations of it, or the value itself
---@field text string as it was written

--- Reads a tolerance: "10%", "3 sd", 0.05; raises at the line that wrote it.
---@param value any
---@param where string
---@return pghost.checks.Tolerance
function M.tolerance(value, where)
  local digits, unit = tostring(value):match "^%s*(%d*%.?%d+)%s*(%D*)$"
  local number = tonumber(digits)
  unit = unit and unit:gsub("%s+$", "")
  if not number then
    misuse.raise("%s: '%s' is not a tolerance: write '10%%' (of the mean before), '3 sd' (standard deviations) or 0.05 "
      .. "(of the value itself)", where, tostring(value))
  elseif unit ~= "" and unit ~= "%" and unit ~= "sd" then
    misuse.raise("%s: unknown unit '%s' of a tolerance%s", where, unit,
      nearest.hint(unit, { "sd", "%" }) ~= "" and nearest.hint(unit, { "sd", "%" }) or " (has: %, sd)")
  end
  return { number = number, unit = unit, text = tostring(value) }
end

-- The runs that this one is compared with, latest first.
local runs_before <const> = [[
  SELECT r.run_id FROM pghost.runs AS r
  JOIN pghost.runs AS own ON own.run_id = $1 AND own.pipeline = r.pipeline AND own.target_schema = r.target_schema
  WHERE r.state = 'published' AND r.run_id < $1
    AND EXISTS (SELECT 1 FROM pghost.files AS f WHERE f.run_id = r.run_id AND f.table_name = $2
      AND f.state <> 'skipped')
  ORDER BY r.run_id DESC LIMIT $3]]

-- Values by run: { [run_id] = row }.
local function ask(c, check, query, ...)
  local ids, by_run = { c.run.id }, {}
  for row in c.conn:query(runs_before, c.run.id, check.table, check.runs or default_runs):rows() do
    ids[#ids + 1] = row.run_id
  end
  local text = "{" .. table.concat(ids, ",") .. "}"
  for row in c.conn:query(query, text, check.table, ...):rows() do
    by_run[row.run_id] = row
  end
  local own, before = by_run[c.run.id], {}
  for i = 2, #ids do
    before[#before + 1] = by_run[ids[i]]
  end
  return own, before
end

local function learning(check, count)
  local learn = math.max(check.learn or default_learn, check.tolerance and check.tolerance.unit == "sd" and 2 or 1)
  return count < learn and ("it learns: %d of %s"):format(count, log.counted(learn, "run")) or nil
end

local function mean_of(values)
  local sum, squares = 0, 0
  for _, value in ipairs(values) do
    sum = sum + value
  end
  local mean = sum / #values
  for _, value in ipairs(values) do
    squares = squares + (value - mean) ^ 2
  end
  return mean, #values > 1 and math.sqrt(squares / (#values - 1)) or 0
end

local function width_of(tolerance, mean, deviation)
  if tolerance.unit == "%" then
    return math.abs(mean) * tolerance.number / 100
  end
  return tolerance.unit == "sd" and deviation * tolerance.number or tolerance.number
end

--- Holds a number of this run against those of the runs before.
---@param c pghost.checks.Context
---@param check pghost.Check with tolerance, runs, learn
---@param query string SELECT run_id, value, total for the runs in the array $1 and the table $2
---@param ... any further parameters
---@return table[] violations
---@return nil
---@return { total?: integer, value?: string, vacuous?: string }
function M.compare(c, check, query, ...)
  local own, before = ask(c, check, query, ...)
  if not own or own.value == nil then
    return {}, nil, { total = own and own.total, vacuous = "this run has loaded nothing to compare" }
  end
  local values = {}
  for _, row in ipairs(before) do
    values[#values + 1] = row.value
  end
  local facts = { total = own.total or 0, value = ("%.15g"):format(own.value), vacuous = learning(check, #values) }
  if facts.vacuous then
    return {}, nil, facts
  end
  local mean, deviation = mean_of(values)
  local width = width_of(check.tolerance, mean, deviation)
  local broken = math.abs(own.value - mean) > width * (1 + 1e-12)
  return broken and { { now = own.value, before = mean, runs = #values, least = mean - width, most = mean + width } }
    or {}, nil, facts
end

local values_query <const> = [[
  SELECT run_id, details OPERATOR(pg_catalog.->>) 'values' AS list,
    details OPERATOR(pg_catalog.->>) 'all_values' = 'true' AND records > 0 AS whole, records AS total
  FROM pghost.profiles
  WHERE run_id = ANY ($1::pg_catalog.text::pg_catalog.int8[]) AND table_name = $2 AND column_name = $3]]

local function set_of(row)
  local set = {}
  for _, one in ipairs(cjson.decode(row.list)) do
    set[one.value] = one.count
  end
  return set
end

-- Values before, with the number of runs that had them.
local function seen_before(before)
  local seen, runs = {}, 0
  for _, row in ipairs(before) do
    if row.whole and row.list then
      runs = runs + 1
      for value in pairs(set_of(row)) do
        seen[value] = (seen[value] or 0) + 1
      end
    end
  end
  return seen, runs
end

local function worse(a, b)
  local severity = ({ stop = "error", warn = "warn" })[b]
  return a == "error" and a or severity or a
end

--- Values that no run before had, and those that every one had and this one has not.
---@param c pghost.checks.Context
---@param check pghost.Check with new, vanished, runs, learn
---@return table[] violations
---@return string? severity
---@return table facts
function M.values(c, check)
  local own, before = ask(c, check, values_query, check.columns[1])
  if not own then
    return {}, nil, { vacuous = "this run has no profile of the table" }
  elseif not own.whole or not own.list then
    return {}, nil, { total = own.total, vacuous = "the column has too many different values to compare, or none" }
  end
  local now, seen, runs = set_of(own), seen_before(before)
  local facts, found, severity = { total = own.total, vacuous = learning(check, runs) }, {}, "passed"
  local function add(what, value, reaction)
    if reaction ~= "evolve" then
      found[#found + 1], severity = { [what] = value }, worse(severity, reaction)
    end
  end
  for _, one in ipairs(not facts.vacuous and cjson.decode(own.list) or {}) do
    local _ = seen[one.value] or add("new", one.value, check.new or "warn")
  end
  for value, count in pairs(not facts.vacuous and seen or {}) do
    local _ = count < runs or now[value] or add("vanished", value, check.vanished or "warn")
  end
  table.sort(found, function(a, b)
    return (a.new or a.vanished) < (b.new or b.vanished)
  end)
  return found, severity, facts
end

return M
