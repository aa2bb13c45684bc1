-- Checks that need their own statement, samples of their violations, and the SQL that shows all of these.

local errors = require "pghost.lib.errors"
local expressions = require "pghost.checks.expressions"
local json = require "pghost.lib.json"
local lists = require "pghost.lib.lists"
local relations = require "pghost.catalog.relations"
local sql = require "pghost.lib.sql"

local M = {}

--- The SELECT of what breaks a check; nil: its kind has none.
---@param kind pghost.checks.Kind
---@param c pghost.checks.Context
---@param check pghost.Check
---@return string?
function M.query(kind, c, check)
  if kind.violates then
    return ("SELECT * FROM %s AS t WHERE %s"):format(c.source(check.table), kind.violates(c, check))
  elseif kind.rows then
    return kind.rows(c, check)
  end
end

--- Raises what is wrong with the condition of a check, with its place in the text as it was written.
---@param c pghost.checks.Context
---@param check pghost.Check
function M.try_condition(c, check)
  for _, condition in ipairs { check.where or false, check.condition or false } do
    if condition then
      local statement = sql.parse(condition, "check '" .. check.name .. "'")
      local text, values, places = c.run:bind(statement)
      local whole = ("SELECT 1 FROM %s AS t WHERE (%s\n) LIMIT 0"):format(c.relation(check.table), text)
      c.run:transaction(function()
        statement:send(c.conn, whole, text, places, values)
      end)
    end
  end
end

-- A query around another loses the order of the rows on Citus, unless that one is run by itself first.
local function in_order(c, check, text)
  return c.run.cluster and check.kind ~= "sql" and text .. "\nOFFSET 0" or text
end

-- The rows of a query with their number (an aggregate over them), and the first few of them as JSON; its text is
-- named in errors.
local function look(c, check, query, most, number)
  local statement = sql.parse(query, "check '" .. check.name .. "'")
  local text, values, places = c.run:bind(statement)
  local whole = ([[SELECT %s OVER () AS n, pg_catalog.to_jsonb(violation) AS sample
FROM (%s
) AS violation LIMIT %d]]):format(number, in_order(c, check, text), math.max(1, most))
  local rows, samples = statement:send(c.conn, whole, text, places, values), {}
  for i = 1, math.min(#rows, most) do
    samples[i] = rows[i].sample
  end
  return #rows > 0 and math.tointeger(tonumber(rows[1].n)) or 0, samples
end

--- A few rows of what breaks a check whose number is known.
---@return string[] JSON texts
function M.samples(kind, c, check)
  local query = check.samples > 0 and M.query(kind, c, check)
  if not query then
    return {}
  end
  local statement = sql.parse(query, "check '" .. check.name .. "'")
  local text, values, places = c.run:bind(statement)
  local any = c.run.cluster and kind.violates -- rows without an order come from the nodes as they answer
  local whole = ("SELECT pg_catalog.to_jsonb(violation) AS sample FROM (%s\n) AS violation%s LIMIT %d"):format(
    in_order(c, check, text), any and " ORDER BY sample" or "", check.samples)
  return lists.pluck(statement:send(c.conn, whole, text, places, values), "sample")
end

-- The result of a Lua function: nil or true passes, false fails; a number is a count of violations, a table a list of
-- them.
local function said(check, result)
  if result == nil or result == true then
    return 0, {}
  elseif result == false then
    return 1, {}
  elseif math.type(result) == "integer" and result >= 0 then
    return result, {}
  elseif type(result) ~= "table" then
    errors.raise(("check '%s': the function returned '%s': true, false, a number of violations or a list of them "
      .. "expected"):format(check.name, tostring(result)), "usage", { exit = 1 })
  end
  local samples = {}
  for i = 1, math.min(#result, check.samples) do
    samples[i] = json.encode(result[i])
  end
  return #result, samples
end

---@class pghost.checks.OwnResult
---@field violations integer
---@field samples string[]
---@field total? integer
---@field severity? string
---@field value? string
---@field vacuous? string

--- Runs a check that has a scan of its own.
---@param kind pghost.checks.Kind
---@param c pghost.checks.Context
---@param check pghost.Check
---@return pghost.checks.OwnResult
function M.run(kind, c, check)
  if kind.needs_run and not c.run.id then
    return { violations = 0, samples = {} }
  elseif kind.call then
    local result, severity, facts = kind.call(c, check)
    local violations, samples = said(check, result)
    facts = facts or {}
    return { violations = violations, samples = samples, severity = severity, total = facts.total, value = facts.value,
      vacuous = facts.vacuous }
  elseif kind.amount then
    local row = c.conn:query(kind.amount(c, check))[1]
    local violations = row.violations or 0
    return { violations = violations, total = row.total,
      samples = violations > 0 and M.samples(kind, c, check) or {} }
  end
  local query, number = (kind.grouped or kind.rows)(c, check)
  local violations, samples = look(c, check, query, check.samples,
    kind.grouped and ("pg_catalog.sum(violation.%s)"):format(number) or "pg_catalog.count(*)")
  return { violations = violations, samples = samples }
end

--- The query for people: over the tables as they will be published, constants in the place of parameters.
---@param run pghost.Run
---@param query? string
---@return string?
function M.readable(run, query)
  if not query then
    return nil
  end
  local parameters, out = run:parameters(), {}
  for i, part in ipairs(sql.parse(query).parts) do
    local parameter = type(part) == "table" and parameters[part.parameter]
    out[i] = parameter and ("%s::%s"):format(expressions.literal(parameter.value), parameter.type) or part
  end
  local from, to = relations.quote(run.build) .. ".", relations.quote(run.target) .. "."
  return (table.concat(out):gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%"))))
end

--- Keeps every row that breaks a check.
---@param run pghost.Run
---@param id integer of the check
---@param query string
function M.store(run, id, query)
  local text, values = run:bind(sql.parse(query))
  run:transaction(function(conn)
    conn:query(("INSERT INTO pghost.check_rows (check_id, row) SELECT %d, pg_catalog.to_jsonb(violation) FROM (%s\n) "
      .. "AS violation"):format(id, text), table.unpack(values, 1, values.n))
  end)
end

return M
