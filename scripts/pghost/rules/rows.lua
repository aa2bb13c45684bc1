-- Rules over a record: comparisons, and functions over columns or the whole record. See pghost.rules.

local arguments = require "pghost.rules.argument_checks"
local places = require "pghost.rules.places"
local misuse = arguments.misuse

local M = {}

local operators = { ["<"] = "<", ["<="] = "<=", [">"] = ">", [">="] = ">=" }
operators["="], operators["=="] = "=", "="
operators["<>"], operators["~="], operators["!="] = "<>", "<>", "<>"

local null_operators = { ["is null"] = "is null", ["is not null"] = "is not null" }
local value_operators = setmetatable(null_operators, { __index = operators })

local function check_operator(op, known, what)
  return known[op] or misuse(3, "%s: unknown operator '%s'", what, op)
end

local function check_columns(columns, fn, what)
  if type(fn) ~= "function" then
    misuse(3, "%s: function expected, got %s", what, type(fn))
  end
  return type(columns) == "table" and columns or { columns }
end

--- Rejects a record where `left op right` does not hold; a record where either is null passes.
--- Example: r.compare("starts", "<=", "ends")
--- Errors: an operator or an argument that is none raises at the caller's line; a record that does not pass is a
--- reject of the rule's name.
---@param left string column
---@param op "<"|"<="|"="|"<>"|">="|">"
---@param right string column
function M.compare(left, op, right)
  op = check_operator(op, operators, "compare")
  return places.remember({ rule = "compare", left = left, op = op, right = right })
end

--- Rejects a record for which the function returns false (or nil), with the reason it returns. Dates
--- and times come as the cleaned text of the file, not brought to one form.
--- Example: r.check({ "starts", "ends" }, function(a, b) return a ~= b, "starts when it ends" end)
--- Errors: an operator or an argument that is none raises at the caller's line; a record that does not pass is a
--- reject of the rule's name.
---@param columns string|string[] their values are the arguments: integer, float, boolean, text, nil for null
---@param fn fun(...): boolean, string?
function M.check(columns, fn)
  return places.remember({ rule = "check", columns = check_columns(columns, fn, "check"), fn = fn })
end

--- Replaces a column's value by what the function returns; it goes through the column's type, checks
--- and on_fail again, not through its operations.
--- Example: r.set("status", "status", function(status) return status or "open" end)
--- Errors: an operator or an argument that is none raises at the caller's line; a record that does not pass is a
--- reject of the rule's name.
---@param column string
---@param columns string|string[] as for check
---@param fn fun(...): string|number|boolean|nil
function M.set(column, columns, fn)
  return places.remember({ rule = "set", column = column, columns = check_columns(columns, fn, "set"), fn = fn })
end

local function check_function(fn, what)
  if type(fn) ~= "function" then
    misuse(3, "%s: function expected, got %s", what, type(fn))
  end
  return fn
end

---@class pghost.RuleRow a record inside of a rule: row.name and row[1] are typed values as for check, nil for
--- Errors: none.
--- null; a name that is not a column is an error, #row the number of columns. The same row comes with
--- each record: after the rule it is good for nothing.
---@field copy fun(self: pghost.RuleRow): table<string, any> the values by name, to keep
--- Example: r.filter_row(function(row) return row:copy().status == "test" end)

--- As check, for a function that gets the whole record. Takes no longer than check: values are only
--- read where the function asks for them.
--- Example: r.check_row(function(row) return row.a == nil or row.b == nil, "both a and b" end)
--- Errors: an operator or an argument that is none raises at the caller's line; a record that does not pass is a
--- reject of the rule's name.
---@param fn fun(row: pghost.RuleRow): boolean, string?
function M.check_row(fn)
  return places.remember({ rule = "check", record = true, fn = check_function(fn, "check_row") })
end

--- As set, for a function that gets the whole record.
--- Example: r.set_row("total", function(row) return row.price and row.price .. "" end)
--- Errors: an operator or an argument that is none raises at the caller's line; a record that does not pass is a
--- reject of the rule's name.
---@param column string
---@param fn fun(row: pghost.RuleRow): string|number|boolean|nil
function M.set_row(column, fn)
  return places.remember({ rule = "set", column = column, record = true, fn = check_function(fn, "set_row") })
end

--- Leaves out (and counts) records for which a function that gets the whole record returns true.
--- Example: r.filter_row(function(row) return row.status == "test" end)
--- Errors: an operator or an argument that is none raises at the caller's line; a record that does not pass is a
--- reject of the rule's name.
---@param fn fun(row: pghost.RuleRow): boolean
function M.filter_row(fn)
  return places.remember({ rule = "filter", record = true, fn = check_function(fn, "filter_row") })
end

--- Leaves out (and counts) records: `filter("status", "=", "test")`, `filter("end", "is null")`, or
--- those for which a function over columns returns true: `filter({ "a", "b" }, function(a, b) ... end)`.
--- A null leaves a record out only by "is null".
--- Example: r.filter("status", "=", "test")
---@param columns string|string[]
---@param op string|fun(...): boolean "=", "<>", "<", "<=", ">", ">=", "is null", "is not null", or a function
---@param value? string|number|boolean of the comparison
--- Errors: an operator or an argument that is none raises at the caller's line; a record that does not pass is a
--- reject of the rule's name.
function M.filter(columns, op, value)
  if type(op) ~= "string" then
    return places.remember({ rule = "filter", columns = check_columns(columns, op, "filter"), fn = op })
  end
  op = check_operator(op, value_operators, "filter")
  if operators[op] then
    arguments.scalar(value, "filter")
  end
  return places.remember({ rule = "filter", column = columns, op = op, value = value })
end

return M
