-- Checks: assertions on tables that hold before anything is published. docs/CHECKS.md describes each.
--
-- A check is data. check.NAME(subject, ..., options) makes one for each kind of pghost.checks.kinds; one that is
-- written as a plain table is { name =, severity = "warn"|"error", sql = }: a SELECT that returns what violates it,
-- with plain table names and named parameters (:as_of). Every check is recorded, the passed ones too.

local definition = require "pghost.checks.definition"
local errors = require "pghost.lib.errors"
local evaluation = require "pghost.checks.evaluation"
local kinds = require "pghost.checks.kinds"
local known_keys = require "pghost.lib.known_keys"
local log = require "pghost.lib.log"
local verdict = require "pghost.checks.verdict"

-- luacheck: ignore 631 (a type on one line)
---@class pghost.CheckModule
--- Errors: a mistake in the arguments, an unknown option, and a threshold that is none raise at the line that writes
--- the check; a table or column that is not there is told, with the nearest name, before any check runs.
---@field not_null fun(column: string, options?: pghost.CheckOptions): pghost.Check a column is never null
--- Example: check.not_null("users.email")
---@field missing_share fun(column: string, most: string, options?: pghost.CheckOptions): pghost.Check
--- at most a share of a column is null
--- Example: check.missing_share("users.phone", "20%")
---@field not_blank fun(column: string, options?: pghost.CheckOptions): pghost.Check
--- a text is never empty or blank; NULL is not asked
--- Example: check.not_blank("users.name")
---@field accepted_values fun(column: string, values: any[], options?: pghost.CheckOptions): pghost.Check
--- a column has values of a list only
--- Example: check.accepted_values("booking.status", { "open", "done" })
---@field rejected_values fun(column: string, values: any[], options?: pghost.CheckOptions): pghost.Check
--- a column has no value of a list
--- Example: check.rejected_values("users.name", { "test", "unknown" })
---@field range fun(column: string, least?: number|string, most?: number|string, options?: pghost.CheckOptions): pghost.Check
--- a value is between two limits; option exclusive: the limits themselves are outside
--- Example: check.range("users.age", 0, 120)
---@field length fun(column: string, least?: integer, most?: integer, options?: pghost.CheckOptions): pghost.Check
--- a text has so many characters
--- Example: check.length("users.zip", 5, 5)
---@field pattern fun(column: string, pattern: string, options?: pghost.CheckOptions): pghost.Check
--- a text matches a regular expression of the server
--- Example: check.pattern("users.email", "^[^@]+@[^@]+$")
---@field not_pattern fun(column: string, pattern: string, options?: pghost.CheckOptions): pghost.Check
--- a text does not match one
--- Example: check.not_pattern("users.name", "[0-9]")
---@field compare fun(column: string, operator: string, other: string, options?: pghost.CheckOptions): pghost.Check
--- two columns of a row compare: <, <=, =, !=, >=, >
--- Example: check.compare("booking.starts_at", "<=", "ends_at")
---@field holds fun(table_name: string, condition: string, options?: pghost.CheckOptions): pghost.Check
--- a condition holds, or is unknown, for every row
--- Example: check.holds("booking", "booking_id > 0")
---@field row_count fun(table_name: string, least?: integer, most?: integer, options?: pghost.CheckOptions): pghost.Check
--- a table has so many rows
--- Example: check.row_count("users", 1000, 2000)
---@field sum fun(column: string, least?: number, most?: number, options?: pghost.CheckOptions): pghost.Check
--- the sum of a column is between two limits
--- Example: check.sum("booking.price", 0)
---@field avg fun(column: string, least?: number, most?: number, options?: pghost.CheckOptions): pghost.Check
--- so is its mean
--- Example: check.avg("booking.price", 10, 80)
---@field min fun(column: string, least?: number|string, most?: number|string, options?: pghost.CheckOptions): pghost.Check
--- so is its least value
--- Example: check.min("booking.created_at", "2020-01-01")
---@field max fun(column: string, least?: number|string, most?: number|string, options?: pghost.CheckOptions): pghost.Check
--- so is its greatest value
--- Example: check.max("booking.price", nil, 500)
---@field stddev fun(column: string, least?: number, most?: number, options?: pghost.CheckOptions): pghost.Check
--- so is its standard deviation (of a sample)
--- Example: check.stddev("booking.price", 0.1)
---@field avg_length fun(column: string, least?: number, most?: number, options?: pghost.CheckOptions): pghost.Check
--- so is the mean number of characters of its texts
--- Example: check.avg_length("booking.note", 5, 200)
---@field distinct_count fun(column: string, least?: integer, most?: integer, options?: pghost.CheckOptions): pghost.Check
--- so is the number of its different values
--- Example: check.distinct_count("users.country", 2, 30)
---@field quantile fun(column: string, fraction: number, least?: number, most?: number, options?: pghost.CheckOptions): pghost.Check
--- so is a quantile, interpolated
--- Example: check.quantile("booking.price", 0.95, nil, 300)
---@field freshness fun(column: string, age: string, options?: pghost.CheckOptions): pghost.Check
--- the newest value is at most so old, seen from as_of
--- Example: check.freshness("booking.created_at", "2 days")
---@field row_count_drift fun(table_name: string, tolerance: string|number, options?: pghost.CheckOptions): pghost.Check
--- the load has brought as many records as those of the last published runs; options runs (10), learn (3)
--- Example: check.row_count_drift("booking", "20%")
---@field missing_share_drift fun(column: string, tolerance: string|number, options?: pghost.CheckOptions): pghost.Check
--- so is its share of NULLs
--- Example: check.missing_share_drift("booking.status", 0.02)
---@field distinct_count_drift fun(column: string, tolerance: string|number, options?: pghost.CheckOptions): pghost.Check
--- so is the number of its different values
--- Example: check.distinct_count_drift("booking.user_id", "30%")
---@field avg_drift fun(column: string, tolerance: string|number, options?: pghost.CheckOptions): pghost.Check
--- so is its mean
--- Example: check.avg_drift("booking.price", "3 sd")
---@field quantile_drift fun(column: string, fraction: number, tolerance: string|number, options?: pghost.CheckOptions): pghost.Check
--- so is a quantile that profiles have
--- Example: check.quantile_drift("booking.price", 0.95, "3 sd")
---@field reject_share_drift fun(table_name: string, tolerance: string|number, options?: pghost.CheckOptions): pghost.Check
--- so is the share of records that were rejected; option rule: by this rule
--- Example: check.reject_share_drift("booking", 0.01, { rule = "type" })
---@field values_drift fun(column: string, options?: pghost.CheckOptions): pghost.Check
--- a column of few values has no new one, and none has vanished; options new, vanished: "evolve", "warn" or "stop"
--- Example: check.values_drift("booking.status", { new = "stop" })
---@field references fun(column: string, referenced: string, options?: pghost.CheckOptions): pghost.Check
--- every value of a column is in another table; NULL is not asked
--- Example: check.references("booking.user_id", "users.rn")
---@field unique fun(table_or_column: string, names?: string[], options?: pghost.CheckOptions): pghost.Check
--- no two rows of a table have the same values
--- Example: check.unique("users", { "email", "company" })
---@field duplicate_share fun(table_or_column: string, names?: any, most?: string, options?: pghost.CheckOptions): pghost.Check
--- at most a share of the rows has values that an earlier row has
--- Example: check.duplicate_share("users", { "email" }, "1%")
---@field not_empty fun(table_name: string, options?: pghost.CheckOptions): pghost.Check a table has at least one row
--- Example: check.not_empty("users")
---@field same_row_count fun(table_name: string, other: string, options?: pghost.CheckOptions): pghost.Check
--- two tables have as many rows
--- Example: check.same_row_count("booking", "invoice")
---@field matches_source fun(table_name: string, options?: pghost.CheckOptions): pghost.Check
--- a table has as many rows as the files that this run read for it have records
--- Example: check.matches_source("booking", { error_if = "> 1%" })
---@field reconcile fun(table_name: string, expression: string, other: string, other_expression: string, options?: pghost.CheckOptions): pghost.Check
--- an aggregate over one table equals one over another; options by (columns of both) and tolerance
--- Example: check.reconcile("booking", "sum(price)", "invoice", "sum(total)", { by = "month", tolerance = 0.01 })
---@field same_rows fun(table_name: string, other: string, columns: string[], options?: pghost.CheckOptions): pghost.Check
--- two tables have the same rows, as far as some columns go
--- Example: check.same_rows("booking", "booking_copy", { "id", "price" })
---@field monotonic fun(column: string, order: any, options?: pghost.CheckOptions): pghost.Check
--- a column never falls in an order of rows; options strict, decreasing, by (columns)
--- Example: check.monotonic("meter.value", "read_at", { by = "meter_id" })
---@field sequential fun(column: string, step: number|string, options?: pghost.CheckOptions): pghost.Check
--- each value is the next lower one plus a number or an interval: no gap, no repetition; options by (columns), repeats
--- Example: check.sequential("invoice.number", 1, { by = "year" })
---@field z_score fun(column: string, most: number, options?: pghost.CheckOptions): pghost.Check
--- no value is further from the mean than so many standard deviations; option by (columns): of each group
--- Example: check.z_score("booking.price", 4)
---@field no_overlap fun(from_column: string, to_column: string, options?: pghost.CheckOptions): pghost.Check
--- ranges of rows do not overlap; option by (columns)
--- Example: check.no_overlap("booking.starts_at", "ends_at", { by = "desk_id" })
---@field sql fun(name: string, text: string, options?: pghost.CheckOptions): pghost.Check a SELECT returns no row
--- Example: check.sql("no booking at night", "SELECT * FROM booking WHERE hour < 6")
---@field lua fun(name: string, call: fun(run), options?: pghost.CheckOptions): pghost.Check
--- a function returns nothing, true, or no violations: false, their number, or a list of them
--- Example: check.lua("enough desks", function(run) return run:query("SELECT count(*) > 5 AS fine FROM desk")[1].fine end)
---@field columns fun(table_name: string, expected: table, options?: pghost.CheckOptions): pghost.Check
--- a table has these columns, of these types; options new, missing, retyped: "evolve", "warn" or "stop"
--- Example: check.columns("users", { id = "bigint", name = "text" }, { new = "evolve" })
local M = {}

for _, kind in ipairs(kinds.list) do
  M[kind.name] = function(subject, ...)
    return definition.new(kind, subject, ...)
  end
end

--- Records and logs the outcome of a check that was made elsewhere; a failed one of severity error is kept for
--- raise_failed.
---@package
---@param run pghost.Run
---@param check { name: string, severity: "warn"|"error" }
---@param count integer violations
---@param samples string[] JSON texts
---@param seconds number
function M.record(run, check, count, samples, seconds)
  verdict.keep(run, check, { violations = count, samples = samples, seconds = seconds,
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

return known_keys.strict(M, "pghost.check")
