-- Helpers for specs of rules and pipelines, which `pghost test` runs.
--
--   local test = require "pghost.test"
--   it("refuses 31 February", function()
--     test.values(r.date { format = "DD/MM/YYYY" }, { ["29/02/2024"] = "2024-02-29", ["31/02/2024"] = test.refused })
--   end)
--
-- A helper that finds a difference fails the test and shows it as a table. Those of rules need no database; the others
-- use the throw-away database of the spec file.

local column_rules = require "pghost.rules.column"
local columns = require "pghost.testing.expected"
local database = require "pghost.testing.database"
local known_keys = require "pghost.lib.known_keys"
local lists = require "pghost.lib.lists"
local nearest = require "pghost.lib.nearest"
local project = require "pghost.testing.project_runs"
local relations = require "pghost.catalog.relations"
local rules_module = require "pghost.rules"
local tables = require "pghost.testing.text_tables"

local M = {}

local own_source = debug.getinfo(1, "S").source

-- The level of the spec's line, as seen from the function that asks.
local function level_of_spec()
  local level = 2
  while (debug.getinfo(level, "S") or {}).source == own_source do
    level = level + 1
  end
  return level - 1
end

-- Ends the test as failed, at the line of the spec; outside of busted it is an error.
local function fail(format, ...)
  local text, level = format:format(...), level_of_spec()
  local busted = package.loaded["busted.core"] and require "busted"
  if busted and busted.fail then
    busted.fail(text, level)
  end
  error(text, level)
end

-- Rules ------------------------------------------------------------------------------------------------

--- In the place of a value: that it is refused. test.refused_by "range" says by which rule.
M.refused = columns.refused

--- In the place of a value: that it is refused, and by which rule.
--- Example: test.values(r.integer():range(0, 9), { ["10"] = test.refused_by "range" })
--- Errors: none.
---@param rule string "type", "required", "range", ...
---@return table
function M.refused_by(rule)
  return columns.refused_by(rule)
end

--- In the place of a value: NULL.
M.null = columns.null

--- Each text becomes the value beside it, is NULL (test.null), or is refused (test.refused, test.refused_by(rule)).
--- Example: test.values(r.date(), { ["2024-02-29"] = "2024-02-29", ["2023-02-29"] = test.refused })
--- Errors: the spec fails at the caller's line, with what was expected and what there is.
---@param column pghost.Column
---@param cases table<string, any>
function M.values(column, cases)
  if not column_rules.is(column) then
    error("values: a column's rules expected, such as r.date()", 2)
  end
  local wrong = columns.wrong(column, cases)
  if wrong then
    fail("%s", wrong)
  end
end

local function check_rules(rules, what)
  if not rules_module.is(rules) then
    error(("%s: the rules of a table expected, such as require \"rules.booking\""):format(what), 3)
  end
end

local function failure_text(failure)
  return ("%s%s (rule '%s')"):format(failure.column and failure.column .. ": " or "", failure.reason, failure.rule)
end

--- A record passes the rules, and then has these values; columns that `expected` does not name may be anything.
--- Example: test.passes(require "rules.users", { id = "1", name = " Ada " }, { name = "Ada" })
--- Errors: the spec fails at the caller's line, with what was expected and what there is.
---@param rules pghost.Rules
---@param record table<string, string|number|boolean>
---@param expected? table<string, any> test.null for NULL
function M.passes(rules, record, expected)
  check_rules(rules, "passes")
  local result, detail = rules:try(record, true)
  if not result then
    fail("%s: refused: %s", rules.name, failure_text(detail))
  end
  local wrong = columns.differing(rules, result, expected or {})
  if wrong then
    fail("%s: values differ from those expected\n%s", rules.name, wrong)
  end
end

--- The rules refuse a record, and for this: a part of the reason, or any of { column =, rule =, reason = }.
--- Example: test.refuses(require "rules.users", { id = "x" }, { column = "id", rule = "type" })
--- Errors: the spec fails at the caller's line, with what was expected and what there is.
---@param rules pghost.Rules
---@param record table<string, string|number|boolean>
---@param why? string|{ column?: string, rule?: string, reason?: string }
function M.refuses(rules, record, why)
  check_rules(rules, "refuses")
  local result, detail = rules:try(record)
  if result then
    fail("%s: the record passes", rules.name)
  end
  local wanted = type(why) == "string" and { reason = why } or why or {}
  for name, value in pairs(wanted) do
    local found = detail[name]
    local same = name == "reason" and found:find(value, 1, true) or found == value
    if not same then
      fail("%s: refused, but with %s '%s' and not '%s': %s", rules.name, name, tostring(found), value,
        failure_text(detail))
    end
  end
end

-- Pipelines --------------------------------------------------------------------------------------------

-- Tables are named as in the pipeline's own SQL.
local function look_into(schema)
  database.connection():query(("SET search_path = %s, public"):format(relations.quote(schema)))
end

local function ended(outcome, fails)
  if outcome.started then
    look_into(outcome.started.target)
  end
  local problem = outcome.problem
  if fails then
    if not problem then
      fail("the pipeline published, but should have failed with code '%s'", fails)
    elseif problem.code ~= fails then
      fail("the pipeline failed with code '%s' and not '%s': %s", problem.code, fails, tostring(problem))
    end
  elseif problem then
    fail("the pipeline failed: %s\n%s", tostring(problem), outcome.log)
  end
  return outcome
end

---@class pghost.test.PipelineOptions
---@field settings? table<string, string|number|boolean> settings and parameters, over those of config.lua
---@field fails? string the code of the error it must end with: "check", "budget", "data", an SQLSTATE, ...
local pipeline_options = { settings = true, fails = true }

--- Runs the project's pipeline over these files alone, into the throw-away database.
--- Example: test.pipeline({ ["users.csv"] = "id,name\n1,Ada\n" }, { settings = { max_rejects = "0" } })
--- Errors: an error of the pipeline fails the spec, unless `fails` names its code.
---@param files table<string, string> texts of the files by name; indented as a whole, the indent is left out
---@param options? pghost.test.PipelineOptions
---@return pghost.testing.Outcome
function M.pipeline(files, options)
  known_keys.check(options, pipeline_options, "test.pipeline")
  options = options or {}
  database.dsn()
  return ended(project.run(files, options.settings, project.chunk()), options.fails)
end

--- The same for a pipeline of the spec's own: fn gets the run; what it has built is published afterwards.
--- Example: test.run({ ["users.csv"] = "id\n1\n" }, function(run) run:load("users", "users.csv", rules) end)
--- Errors: an error of fn fails the spec, unless `fails` names its code.
---@param files table<string, string>
---@param fn fun(run: pghost.Run)
---@param options? pghost.test.PipelineOptions
---@return pghost.testing.Outcome
function M.run(files, fn, options)
  known_keys.check(options, pipeline_options, "test.run")
  options = options or {}
  database.dsn()
  local pipeline = require "pghost.pipeline"
  local outcome = project.run(files, options.settings, function()
    local run <close> = pipeline.start("spec", {})
    fn(run)
    if not run.finished then
      run:publish()
    end
  end)
  return ended(outcome, options.fails)
end

--- A connection to the throw-away database of this spec file.
--- Example: local conn = test.connection()
--- Errors: the spec fails where there is no server for the throw-away database.
---@return pghost.Connection
function M.connection()
  return database.connection()
end

-- Tables -----------------------------------------------------------------------------------------------

-- The rows of a query, each value as the server writes it.
local function read(query, names)
  local found = { columns = names }
  local list = lists.map(names, function(name)
    return ("%s::pg_catalog.text AS %s"):format(relations.quote(name), relations.quote(name))
  end)
  for row in database.connection():query(("SELECT %s FROM (%s\n) AS found"):format(table.concat(list, ", "), query))
    :rows() do
    local cells = {}
    for i in ipairs(names) do
      cells[i] = row[i] == nil and tables.null or row[i]
    end
    found[#found + 1] = cells
  end
  return found
end

local function check_columns(query, names)
  local conn = database.connection()
  local done, result = pcall(conn.query, conn, ("SELECT * FROM (%s\n) AS found LIMIT 0"):format(query))
  if not done then
    fail("%s", tostring(result))
  end
  local there = result:columns()
  local known = {}
  for _, name in ipairs(there) do
    known[name] = true
  end
  for _, name in ipairs(names) do
    if not known[name] then
      fail("no column '%s'%s (has: %s)", name, nearest.hint(name, there), table.concat(there, ", "))
    end
  end
end

local function compare(what, query, text, ordered)
  local expected = tables.parse(text)
  check_columns(query, expected.columns)
  local wrong = tables.difference(expected, read(query, expected.columns), ordered)
  if wrong then
    fail("%s: not as expected\n%s", what, wrong)
  end
end

--- A table or view has these rows, in any order; columns that are not named may be anything.
--- Example: test.table("users", "id | name\n1 | Ada")
--- Errors: the spec fails at the caller's line, with what was expected and what there is.
---@param name string as in SQL: "users", "public.users"
---@param expected string
function M.table(name, expected)
  compare(name, "SELECT * FROM " .. name, expected)
end

--- A query gives these rows; in this order if it says ORDER BY.
--- Example: test.query("SELECT count(*) AS n FROM users", "n\n1")
--- Errors: the spec fails at the caller's line, with what was expected and what there is.
---@param query string
---@param expected string
function M.query(query, expected)
  compare("the answer", query, expected, query:lower():find "order%s+by" ~= nil)
end

--- The rejects of the last run of the spec file: table_name, file, line, column_name, rule, reason.
--- Example: test.rejects("")
--- Errors: the spec fails at the caller's line, with what was expected and what there is.
---@param expected string "" for none
function M.rejects(expected)
  compare("the rejects", [[
    SELECT r.table_name, f.name AS file, r.line, r.column_name, r.rule, r.reason
    FROM pghost.rejects AS r LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
    WHERE r.run_id = (SELECT pg_catalog.max(run_id) FROM pghost.runs)]],
    expected:find "%S" and expected or "table_name | line")
end

return known_keys.strict(M, "pghost.test")
