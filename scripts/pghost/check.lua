-- Checks: assertions on tables, each a SELECT that returns what violates them.
--
-- A check is data: { name =, severity = "warn"|"error", sql = }. Its SQL is written with plain table
-- names and may use named parameters (:as_of). Every check is recorded, the passed ones too.

local columns = require "pghost.catalog.columns"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local known_keys = require "pghost.lib.known_keys"
local recordable = require "pghost.run.recordable"
local relations = require "pghost.catalog.relations"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.Check
---@field name string what it asserts: "booking.user_id references users"
---@field severity "warn"|"error" error (default): nothing is published when it fails
---@field sql string|fun(conn: pghost.Connection): string SELECT that returns one row a violation; a function
--- is called within the transaction that runs it

---@class pghost.CheckOptions
---@field severity? "warn"|"error" default "error"
---@field name? string

local sample_count = 3

local quote = relations.quote

local function split(column)
  local table_name, name = column:match("^(.-)%.([^.]+)$")
  if not table_name then
    error(("column 'table.column' expected, got '%s'"):format(column), 3)
  end
  return table_name, name
end

local function make(name, text, options)
  known_keys.check(options, { severity = true, name = true }, ("check '%s'"):format(name))
  options = options or {}
  return { name = options.name or name, severity = options.severity or "error", sql = text }
end

--- Every value of a column is in another table: references("booking.user_id", "users.rn").
--- Example: check.references("booking.user_id", "users.rn", { severity = "warn" })
--- Errors: a name without its table, or an unknown option, raises at the caller's line; a table or column that there
--- is not is an error of the server when the check is run.
---@param column string
---@param referenced string
---@param options? pghost.CheckOptions
---@return pghost.Check
function M.references(column, referenced, options)
  local child, child_column = split(column)
  local parent, parent_column = split(referenced)
  return make(("%s references %s"):format(column, parent), function(conn)
    return ([[
    SELECT c.%s FROM %s AS c
    WHERE c.%s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s AS p WHERE %s)
    ORDER BY 1]]):format(quote(child_column), quote(child), quote(child_column), quote(parent), columns.equal(conn,
      { relation = quote(parent), column = parent_column, alias = "p" },
      { relation = quote(child), column = child_column, alias = "c" }))
  end, options)
end

--- No two rows of a table have the same values: unique("users.rn"), unique("users", {"a", "b"}).
--- Example: check.unique("users", { "email", "company" })
--- Errors: a name without its table, or an unknown option, raises at the caller's line; a table or column that there
--- is not is an error of the server when the check is run.
---@param table_or_column string
---@param names? string[]
---@param options? pghost.CheckOptions
---@return pghost.Check
function M.unique(table_or_column, names, options)
  local table_name = table_or_column
  if not names then
    table_name, names = split(table_or_column)
    names = { names }
  end
  local quoted = {}
  for i, name in ipairs(names) do
    quoted[i] = quote(name)
  end
  local list = table.concat(quoted, ", ")
  return make(("%s is unique by %s"):format(table_name, table.concat(names, ", ")),
    ("SELECT %s, pg_catalog.count(*) AS rows FROM %s GROUP BY %s HAVING pg_catalog.count(*) > 1 ORDER BY %s")
      :format(list, quote(table_name), list, list), options)
end

--- A column is never null.
--- Example: check.not_null("users.email")
--- Errors: a name without its table, or an unknown option, raises at the caller's line; a table or column that there
--- is not is an error of the server when the check is run.
---@param column string "table.column"
---@param options? pghost.CheckOptions
---@return pghost.Check
function M.not_null(column, options)
  local table_name, name = split(column)
  return make(column .. " is never null",
    ("SELECT * FROM %s WHERE %s IS NULL"):format(quote(table_name), quote(name)), options)
end

--- A table has at least one row.
--- Example: check.not_empty("users")
--- Errors: a name without its table, or an unknown option, raises at the caller's line; a table or column that there
--- is not is an error of the server when the check is run.
---@param table_name string
---@param options? pghost.CheckOptions
---@return pghost.Check
function M.not_empty(table_name, options)
  return make(table_name .. " is not empty",
    ("SELECT 'no rows' AS problem WHERE NOT EXISTS (SELECT 1 FROM %s)"):format(quote(table_name)), options)
end

--- A table has between `least` and `most` rows (nil: no limit).
--- Example: check.row_count("users", 1000, 2000)
--- Errors: a name without its table, or an unknown option, raises at the caller's line; a table or column that there
--- is not is an error of the server when the check is run.
---@param table_name string
---@param least? integer
---@param most? integer
---@param options? pghost.CheckOptions
---@return pghost.Check
function M.row_count(table_name, least, most, options)
  local conditions = {}
  if least then
    conditions[#conditions + 1] = ("pg_catalog.count(*) < %d"):format(least)
  end
  if most then
    conditions[#conditions + 1] = ("pg_catalog.count(*) > %d"):format(most)
  end
  if #conditions == 0 then
    error("row_count needs a lower or an upper limit", 2)
  end
  local range = least and most and ("%d to %d"):format(least, most) or least and ("at least %d"):format(least)
    or ("at most %d"):format(most)
  return make(("%s has %s rows"):format(table_name, range), ("SELECT pg_catalog.count(*) AS rows FROM %s HAVING %s")
    :format(quote(table_name), table.concat(conditions, " OR ")), options)
end

--- A condition holds (or is unknown) for every row: holds("booking", "booking_id > 0").
--- Example: check.holds("booking", "starts <= ends")
--- Errors: a name without its table, or an unknown option, raises at the caller's line; a table or column that there
--- is not is an error of the server when the check is run.
---@param table_name string
---@param condition string SQL
---@param options? pghost.CheckOptions
---@return pghost.Check
function M.holds(table_name, condition, options)
  return make(("%s: %s"):format(table_name, condition),
    ("SELECT * FROM %s WHERE NOT (%s)"):format(quote(table_name), condition), options)
end

-- The rows that violate a check; an error of the server's names the check and the place in its SQL.
local function violations_of(conn, check, parameters)
  local statement = sql.parse(type(check.sql) == "function" and check.sql(conn) or check.sql,
    "check '" .. check.name .. "'")
  local text, values, places = statement:bind(parameters)
  local whole = ([[SELECT pg_catalog.count(*) OVER () AS n, pg_catalog.to_jsonb(violation) AS sample
FROM (%s
) AS violation LIMIT %d]]):format(text, sample_count)
  return statement:send(conn, whole, text, places, values)
end

-- Number of violations and a few of them as JSON texts, in one pass.
local function find_violations(run, check)
  local rows = run:transaction(function(conn)
    return violations_of(conn, check, run:parameters())
  end)
  local samples = {}
  for i, row in ipairs(rows) do
    samples[i] = row.sample
  end
  return #rows > 0 and rows[1].n or 0, samples
end

local function log_outcome(run, check, count, samples, seconds)
  local fields = { severity = check.severity, violations = count, passed = count == 0, seconds = seconds }
  if count == 0 then
    run.log:info("check", check.name, "ok", fields)
    return
  end
  local level = check.severity == "error" and "error" or "warn"
  run.log:event(level, "check", check.name, ("%s: %s"):format(log.counted(count, "violation"),
    table.concat(samples, ", ")), fields)
end

--- Records and logs the outcome of a check; a failed one of severity error is kept for raise_failed.
---@param run pghost.Run
---@param check { name: string, severity: "warn"|"error" }
---@param count integer violations
---@param samples string[] JSON texts
---@param seconds number
---@package
function M.record(run, check, count, samples, seconds)
  local hold = function(text)
    return recordable.text(run.conn, text)
  end
  if run.id then -- `pghost check` is no run
    run.conn:query([[
      INSERT INTO pghost.checks (run_id, name, severity, passed, violations, samples, seconds)
      VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7)]], run.id, hold(check.name), check.severity, count == 0, count,
      count > 0 and "[" .. table.concat(samples, ",") .. "]" or nil, seconds)
  end
  log_outcome(run, check, count, samples, seconds)
  run:count_check(check, count)
end

--- Runs one check and records it.
---@param run pghost.Run
---@param check pghost.Check
---@package
function M.evaluate(run, check)
  known_keys.check(check, { name = true, severity = true, sql = true }, ("check '%s'"):format(tostring(check.name)))
  local severity = check.severity or "error"
  if severity ~= "error" and severity ~= "warn" then
    errors.raise(("check '%s': severity must be 'warn' or 'error', not '%s'"):format(check.name, severity), "usage",
      { exit = 1 })
  end
  local started = sys.clock()
  local count, samples = find_violations(run, check)
  M.record(run, { name = check.name, severity = severity }, count, samples, sys.clock() - started)
end

--- Raises code "check" when a check of severity error has failed in this run.
---@param run pghost.Run
---@package
function M.raise_failed(run)
  if #run.failed_checks > 0 then
    errors.raise(("%s failed, nothing is published: %s"):format(log.counted(#run.failed_checks, "check"),
      table.concat(run.failed_checks, "; ")), "check")
  end
end

--- Runs all checks of a list, then raises if one of severity error failed, now or before.
---@param run pghost.Run
---@param list pghost.Check[]
---@package
function M.run(run, list)
  for _, check in ipairs(list) do
    M.evaluate(run, check)
  end
  M.raise_failed(run)
end

return M
