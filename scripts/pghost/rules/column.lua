-- A column's rules: a type, operations on its text, checks of its value. See pghost.rules, which
-- gives the types to the user. A column is never changed: each call returns a new one.

local arguments = require "pghost.rules.argument_checks"
local known_keys = require "pghost.lib.known_keys"
local lists = require "pghost.lib.lists"
local native = require "pghost.native.rules"
local places = require "pghost.rules.places"
local misuse = arguments.misuse

local M = {}

---@class pghost.Column
--- Errors: a value that breaks a check rejects the record under the name of the check (see on_fail); a wrong argument
--- raises at the caller's line.
---@field type string SQL name of the type: "numeric(10,2)"; of a domain, of what is beneath it
---@field labels? string[] of an enum
---@field domain? string SQL name
---@field format? string|string[] explicit format of a date or time, "DD/MM/YYYY", or several
---@field operations table[] { op = "trim" }, { op = "null_if", values = {...}, ignore_case = true }, ...
---@field checks table[] { check = "required" }, { check = "range", min = 1 }, ...
---@field trim fun(self: pghost.Column): pghost.Column white space (ASCII) off both ends
--- Example: r.text():trim()
---@field unquote fun(self: pghost.Column): pghost.Column one pair of double quotes around the value off
--- Example: r.text():unquote()
---@field lower fun(self: pghost.Column): pghost.Column character by character by the tables of glibc's C.UTF-8
--- Example: r.text():lower()
---@field upper fun(self: pghost.Column): pghost.Column as lower
--- Example: r.text():upper()
---@field default fun(self: pghost.Column, value: string|number|boolean): pghost.Column for null; goes through the
--- operations after it, the type and the checks
--- Example: r.integer():default(0)
---@field one_of fun(self: pghost.Column, ...): pghost.Column values, or a list of them, compared as the type's
--- Example: r.text():one_of("left", "held")
---@field failure? { action: "reject"|"null"|"default"|"warn", value?: any }
local Column = {}
Column.__name = "pghost.Column"

--- A column without operations and checks.
---@param type_name string
---@param format? string|string[]
---@return pghost.Column
function M.new(type_name, format)
  return places.remember(setmetatable({ type = type_name, format = format, operations = {}, checks = {} }, Column))
end

-- A copy of `column` with one more entry in one of its lists.
local function with(column, list, entry)
  local copy = lists.merged(column)
  if list then
    copy[list] = table.move(column[list], 1, #column[list], 1, {})
    table.insert(copy[list], entry)
  end
  return places.remember(setmetatable(copy, Column))
end

--- Whether a column's rules, or their plain data, refuse null.
---@return boolean
function M.is_required(column)
  for _, check in ipairs(column.checks) do
    if check.check == "required" then
      return true
    end
  end
  return false
end

-- The method of an operation or a check, which takes its constants in their order, a list also as
-- single values. Those that take something else are below.
local function method(list, word, kind)
  local first = kind.constants[1]
  if first and first:find("*", 1, true) then
    local field = first:gsub("%*", "")
    return function(self, values, ...)
      local all = type(values) == "table" and values or { values, ... }
      return with(self, list, { [word] = kind.name, [field] = arguments.list(all, kind.name) })
    end
  end
  return function(self, ...)
    local entry = { [word] = kind.name }
    for i, name in ipairs(kind.constants) do
      local value = select(i, ...)
      if value ~= nil or not name:find("?", 1, true) then
        entry[name:gsub("%?", "")] = arguments.scalar(value, kind.name)
      end
    end
    return with(self, list, entry)
  end
end

for _, kind in ipairs(native.operations()) do
  Column[kind.name] = method("operations", "op", kind)
end
for _, kind in ipairs(native.checks()) do
  Column[kind.name] = method("checks", "check", kind)
end

-- Operations: on the text, in the order written; null passes all but default -------------------

--- Null where the text is one of the values: `null_if("NULL", "")`, or as a list with options,
--- `null_if({ "NULL", "" }, { ignore_case = true })` (case of ASCII letters).
--- Example: r.text():null_if({ "NULL", "n/a" }, { ignore_case = true })
---@param values any a text, or a list of them
---@param options? any { ignore_case: boolean } after a list, else a further text
---@param ... any further texts
---@return pghost.Column
function Column:null_if(values, options, ...)
  if type(values) ~= "table" then
    values, options = { values, options, ... }, nil
  end
  local ignore_case = arguments.options(options, { ignore_case = true }, "null_if").ignore_case
  local list = arguments.list(values, "null_if")
  return with(self, "operations", { op = "null_if", values = list, ignore_case = ignore_case and true or nil })
end

--- Every occurrence of a text by another; no pattern.
--- Example: r.text():replace("--", "-")
---@param from string
---@param to string
---@return pghost.Column
function Column:replace(from, to)
  if type(from) ~= "string" or from == "" then
    misuse(2, "replace: text to look for expected, got '%s'", from)
  end
  return with(self, "operations", { op = "replace", from = from, to = arguments.scalar(to, "replace") })
end

local numbers = {}
for _, kind in ipairs(native.types()) do
  numbers[kind.name] = kind.number
end

local function is_number(type_name)
  return numbers[type_name:match("^[%a ]+")] and not type_name:find("[", 1, true)
end

--- A number written with another mark before its decimals than a point, and perhaps with one between
--- thousands: `decimal(",", ".")` takes 1.234,5 and 1234,5. What is not such a number is refused, also
--- 12.34,5 is refused: thousands are in groups of three, or not grouped at all.
--- Example: r.numeric(10, 2):decimal(",", ".")
---@param mark string one character, usually ","
---@param thousands? string one character: ".", ",", "'", " "; nil: there are none
---@return pghost.Column
function Column:decimal(mark, thousands)
  if not is_number(self.type) then
    misuse(2, "decimal: the column is of type '%s', not a number", self.type)
  elseif type(mark) ~= "string" or utf8.len(mark) ~= 1 then
    misuse(2, "decimal: one character before the decimals expected, got '%s'", mark)
  elseif thousands ~= nil and (type(thousands) ~= "string" or utf8.len(thousands) ~= 1) then
    misuse(2, "decimal: one character between thousands expected, got '%s'", thousands)
  end
  return with(self, "operations", { op = "decimal", mark = mark, thousands = thousands })
end

-- Checks: of the typed value; null passes all but required -------------------------------------

--- Null is refused (after the operations).
--- Example: r.bigint():required()
---@return pghost.Column
function Column:required()
  return M.is_required(self) and self or with(self, "checks", { check = "required" })
end

--- From `min` to `max`, both included, as values of the type (text by bytes); nil is open.
--- Example: r.date():range("2000-01-01", nil)
---@param min? string|number
---@param max? string|number
---@return pghost.Column
function Column:range(min, max)
  if min == nil and max == nil then
    misuse(2, "range: a minimum, a maximum or both expected")
  end
  min = min ~= nil and arguments.scalar(min, "range minimum") or min
  max = max ~= nil and arguments.scalar(max, "range maximum") or max
  return with(self, "checks", { check = "range", min = min, max = max })
end

--- Characters of the cleaned text; nil is open.
--- Example: r.text():length(1, 80)
---@param min? integer
---@param max? integer
---@return pghost.Column
function Column:length(min, max)
  if min == nil and max == nil then
    misuse(2, "length: a minimum, a maximum or both expected")
  end
  min = min and arguments.whole(min, 0, "length minimum")
  max = max and arguments.whole(max, 0, "length maximum")
  return with(self, "checks", { check = "length", min = min, max = max })
end

--- The PCRE2 pattern is found in the cleaned text: anchor it with ^ and $ to match all of it. \d, \w
--- and \s mean ASCII; . is one character.
--- Example: r.text():matches("^[A-Z]{2}\\d+$")
---@param pattern string
---@return pghost.Column
function Column:matches(pattern)
  if type(pattern) ~= "string" then
    misuse(2, "matches: pattern expected, got %s", type(pattern))
  end
  return with(self, "checks", { check = "matches", pattern = pattern })
end

local actions = { reject = true, null = true, default = true, warn = true }

--- What happens to a value that breaks its type or a check:
---  "reject"  the record is rejected (without on_fail)
---  "null"    null is stored; cannot be combined with required
---  "default" `value` is stored, also for a required value that is missing; no check looks at it
---  "warn"    counted: a value that breaks a check is kept, one that breaks its type becomes null
--- With "warn" a required column still rejects what is missing or would have to become null.
--- Example: r.integer():range(0, 150):on_fail("null")
---@param action "reject"|"null"|"default"|"warn"
---@param value? string|number|boolean for "default"
---@return pghost.Column
function Column:on_fail(action, value)
  if not actions[action] then
    misuse(2, "on_fail: 'reject', 'null', 'default' or 'warn' expected, got '%s'", action)
  end
  if (action == "default") ~= (value ~= nil) then
    misuse(2, action == "default" and "on_fail: default needs a value" or "on_fail: '%s' takes no value", action)
  end
  local copy = with(self)
  copy.failure = { action = action, value = value ~= nil and arguments.scalar(value, "on_fail") or value }
  return copy
end

-- Trying ---------------------------------------------------------------------------------------------

local programs = setmetatable({}, { __mode = "k" })

local Failure = {
  __tostring = function(failure)
    return failure.reason
  end,
}

--- What becomes of one text, as the field of a file: `r.date():try("2024-02-29")`. No database is needed.
--- Example: r.date():try("2024-02-29")
---@param text? string|number|boolean nil is null
---@return any value typed; dates and times in ISO 8601; nil for null, and for what is refused
---@return { rule: string, reason: string }? failure it is refused; tostring gives the reason
function Column:try(text)
  local program = programs[self]
  if not program then
    program = native.compile { name = "try", lists.merged({ name = "value" }, self), key = {}, row = {} }
    programs[self] = program
  end
  local record, detail = program:try({ text }, true)
  if record then
    return record[1], nil
  end
  return nil, setmetatable({ rule = detail.rule, reason = detail.reason }, Failure)
end

--- A copy with one field set.
---@return pghost.Column
function M.with_field(column, field, value)
  local copy = with(column)
  copy[field] = value
  return copy
end

--- Whether the value is a column's rules.
---@return boolean
function M.is(value)
  return getmetatable(value) == Column
end

local fields <const> = { type = true, labels = true, domain = true, format = true, operations = true, checks = true,
  failure = true, name = true, from = true }

known_keys.strict_class("a column's rules have", Column, fields)

return M
