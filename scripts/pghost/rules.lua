-- Cleaning rules and row checks of one table, written down as data.
--
--   local r = require "pghost.rules"
--   return r.table("booking", {
--     { "booking_id", r.bigint():trim():required() },
--     { "status", r.text():trim():lower():one_of("left", "held") },
--   }, { key = "booking_id" })
--
-- What a column is called in the files, where that is another name: `{ "town", r.text(), from = "Town (code)" }`,
-- one of several: `from = { "e-mail", "mail" }`, or its position there: `from = 3`.
--
-- A column is a type, operations on the text in the order written (trim, unquote, null_if, lower,
-- upper, replace, decimal, default), then checks of the typed value, and what happens to a value that breaks
-- its type or a check (on_fail). Columns are never changed by a call: each call gives a new one, so
-- that a common beginning can be kept in a variable and used for many columns.
--
-- Compiling to a program is pghost.native.rules; running it over files is pghost.load's business.

local arguments = require "pghost.rules.argument_checks"
local column_rules = require "pghost.rules.column"
local describe = require "pghost.rules.describe"
local known_keys = require "pghost.lib.known_keys"
local lists = require "pghost.lib.lists"
local native = require "pghost.native.rules"
local nearest = require "pghost.lib.nearest"
local places = require "pghost.rules.places"
local row_rules = require "pghost.rules.rows"
local types = require "pghost.rules.types"
local watched = require "pghost.rules.watched"

local misuse = arguments.misuse

---@class pghost.FormatOptions
---@field format? string|string[] words as to_timestamp has them, "DD/MM/YYYY"; of a list each is tried, and a value
--- that two of them read as different moments is rejected

---@class pghost.RulesModule
--- Errors: a text that is not of the type, rule "type", rejects the record (see on_fail); a wrong argument raises at
--- the caller's line.
---@field text fun(): pghost.Column text, as long as the server takes
--- Example: r.text():trim()
---@field varchar fun(length?: integer): pghost.Column characters; none: no limit
--- Example: r.varchar(20)
---@field smallint fun(): pghost.Column a whole number of 16 bits
--- Example: r.smallint()
---@field integer fun(): pghost.Column a whole number of 32 bits
--- Example: r.integer():range(0, 150)
---@field bigint fun(): pghost.Column a whole number of 64 bits
--- Example: r.bigint():required()
---@field numeric fun(precision?: integer, scale?: integer): pghost.Column digits in all, and after the point
--- Example: r.numeric(10, 2)
---@field real fun(): pghost.Column a floating-point number of 32 bits
--- Example: r.real()
---@field double fun(): pghost.Column a floating-point number of 64 bits
--- Example: r.double()
---@field boolean fun(): pghost.Column true, yes, on, 1, false, no, off, 0, and beginnings
--- Example: r.boolean():unquote()
---@field date fun(options?: pghost.FormatOptions): pghost.Column 2024-01-05, 5 Jan 2024 (docs/VALUES.md); with a
--- format: words as to_timestamp has them
--- Example: r.date({ format = { "YYYY-MM-DD", "DD/MM/YYYY" } })
---@field time fun(options?: pghost.FormatOptions): pghost.Column time of day: 09:05, 9:05 PM, or as the format says
--- Example: r.time()
---@field timestamp fun(options?: pghost.FormatOptions): pghost.Column date and time without a zone (docs/VALUES.md), or
--- as the format says
--- Example: r.timestamp({ format = "DD.MM.YYYY HH24:MI" })
---@field timestamptz fun(options?: pghost.FormatOptions): pghost.Column date and time; UTC where the text has no zone
--- Example: r.timestamptz()
---@field uuid fun(): pghost.Column with or without hyphens and braces
--- Example: r.uuid()
---@field json fun(): pghost.Column text that is JSON, kept as it is written
--- Example: r.json()
---@field jsonb fun(): pghost.Column JSON as the server stores it
--- Example: r.jsonb()
---@field timetz fun(): pghost.Column time with time zone
--- Example: r.timetz()
---@field interval fun(): pghost.Column ISO 8601 ("P1DT2H"), or numbers with units ("1.5 days 02:00")
--- Example: r.interval()
---@field inet fun(): pghost.Column an address, with or without a netmask
--- Example: r.inet()
---@field cidr fun(): pghost.Column a network
--- Example: r.cidr()
---@field macaddr fun(): pghost.Column six bytes
--- Example: r.macaddr()
---@field macaddr8 fun(): pghost.Column eight bytes; of six, with FF FE in the middle
--- Example: r.macaddr8()
---@field bytea fun(): pghost.Column "\\x" and hexadecimal digits, or escaped
--- Example: r.bytea()
---@field char fun(length?: integer): pghost.Column padded with blanks to `length` characters (default: 1)
--- Example: r.char(2)
---@field array fun(element: string|pghost.Column): pghost.Column of any number of dimensions, as PostgreSQL writes
--- one: {1,2,NULL}, [2:3]={1,2}
--- Example: r.array(r.integer())
---@field enum fun(name: string|string[], labels?: string[]): pghost.Column one of these labels, byte by byte; with a
--- name it is of that type of the server, which must exist
--- Example: r.enum({ "left", "held" })
---@field domain fun(name: string, base: pghost.Column): pghost.Column a domain of the server over a type; its own
--- checks are the server's
--- Example: r.domain("email", r.text())
---@field type fun(name: string): pghost.Column any other type of the server
--- Example: r.type("point")
---@field value pghost.RuleValues functions for rules written in Lua
local M = {}

for _, functions in ipairs { types, row_rules } do
  for name, fn in pairs(functions) do
    M[name] = fn
  end
end

---@class pghost.RuleValues one value at a time; each gives nil for nil
--- Errors: a value of another type than text (boolean: or a boolean) raises.
---@field trim fun(text?: string): string? white space off both ends
--- Example: r.value.trim(" a ")
---@field unquote fun(text?: string): string? one pair of double quotes off
--- Example: r.value.unquote("\"a\"")
---@field null_if fun(value: any, ...): any nil where the value is one of those after it
--- Example: r.value.null_if("NULL", "NULL", "")
---@field boolean fun(text?: string|boolean): boolean? as a boolean column reads it, nil where it is none
--- Example: r.value.boolean("yes")
---@field date fun(text?: string, format?: string): string? "YYYY-MM-DD", nil where it is none
--- Example: r.value.date("31.12.2024", "DD.MM.YYYY")
M.value = {
  trim = native.trim,
  unquote = native.unquote,
  null_if = native.null_if,
  boolean = native.boolean,
  date = native.date,
}

-- Tables ---------------------------------------------------------------------------------------

---@class pghost.Rules the rules of one table: the columns as a list of plain tables, `name`, `key`, `row`
--- Errors: none.
---@field name string
---@field key string[] names of the key columns, may be empty
---@field row table[] row rules in order
local Rules = {}
Rules.__index = Rules
Rules.__name = "pghost.Rules"

local programs = setmetatable({}, { __mode = "k" })

--- The compiled program; the same at each call. The rules must not be changed any more.
---@return pghost.native.Program
---@package
function Rules:program()
  programs[self] = programs[self] or native.compile(self)
  return programs[self]
end

--- The columns in their order, with what they are stored as.
--- Example: local columns = rules:columns()
---@return { name: string, type: string, required: boolean }[]
function Rules:columns()
  return self:program():columns()
end

--- Several lines: each column with its type, operations and checks, then the row rules.
--- Example: print(rules:describe())
---@param width? integer of the terminal: lines are not longer; nil: a column is one line
---@return string
function Rules:describe(width)
  return describe(self, width)
end

--- Runs one record, given by column names, without a database. What is not given is null.
--- Example: local record, why = rules:try({ booking_id = "1", status = "left" })
--- Errors: a column that the rules do not have raises.
---@param values table<string, string|number|boolean>
---@param iso? boolean dates and times as they are stored, in ISO 8601, and not as the cleaned text
---@return table<string, any>? record typed values by column name, nil if it does not pass
---@return table detail why not, { column?, rule, reason }, or a list of what cleaning changed,
--- { column, rule, before?, after? }
function Rules:try(values, iso)
  local list, known = {}, {}
  for i, column in ipairs(self) do
    list[i], known[column.name] = values[column.name], true
  end
  for name in pairs(values) do
    if not known[name] then
      misuse(2, "rules '%s': try: unknown column '%s'", self.name, name)
    end
  end
  local result, detail = self:program():try(list, iso)
  watched.tell(self, result, detail)
  if not result then
    return nil, detail
  end
  local record = {}
  for i, column in ipairs(self) do
    record[column.name] = result[i]
  end
  return record, detail
end

-- What the column is called in files, or where it is there: a name, a position, or a list of them.
local function check_from(rules, name, from)
  local list = type(from) == "table" and from or { from }
  if #list == 0 then
    misuse(5, "rules '%s': column '%s': from: at least one name or position expected", rules.name, name)
  end
  for _, one in ipairs(list) do
    if not (type(one) == "string" and one ~= "") and not (math.type(one) == "integer" and one >= 1) then
      misuse(4, "rules '%s': column '%s': from: a name in the header or a position from 1 expected, got '%s'",
        rules.name, name, tostring(one))
    end
  end
end

local entry_keys = { [1] = true, [2] = true, from = true }

local function check_entry(rules, i, entry)
  if type(entry) ~= "table" or type(entry[1]) ~= "string" or not column_rules.is(entry[2]) then
    misuse(4, "rules '%s': column %d: { \"name\", type } expected, as { \"id\", r.bigint() }", rules.name, i)
  end
  for key in pairs(entry) do
    if not entry_keys[key] then
      misuse(4, "rules '%s': column '%s': unknown option '%s': only 'from' is known", rules.name, entry[1],
        tostring(key))
    end
  end
  if entry.from ~= nil then
    check_from(rules, entry[1], entry.from)
  end
end

local function add_columns(rules, columns)
  for i, entry in ipairs(columns) do
    check_entry(rules, i, entry)
    rules[i] = lists.merged({ name = entry[1], from = entry.from }, entry[2])
  end
end

local function find_column(rules, name)
  return lists.named(rules, name) or misuse(4, "rules '%s': key: unknown column '%s'%s", rules.name, name,
    nearest.hint(tostring(name), lists.pluck(rules, "name")))
end

local function require_key(rules)
  for _, name in ipairs(rules.key) do
    local column = find_column(rules, name)
    if not column_rules.is_required(column) then
      column.checks = table.move(column.checks, 1, #column.checks, 1, {}) -- may be shared
      table.insert(column.checks, { check = "required" })
    end
  end
end

-- What does not make sense raises without a position.
local function build(name, columns, options)
  if type(name) ~= "string" or type(columns) ~= "table" then
    misuse(2, "table: name and list of columns expected")
  end
  options = arguments.options(options, { key = true, row = true, on_error = true }, "table")
  local key = options.key or {}
  arguments.sequence(columns, ("rules '%s': columns"):format(name))
  local rules = { name = name, key = type(key) == "table" and key or { key }, on_error = options.on_error }
  rules.row = arguments.sequence(options.row or {}, ("rules '%s': row"):format(name))
  add_columns(rules, columns)
  require_key(rules)
  local ok, program = pcall(native.compile, rules)
  if not ok then
    error(program, 0)
  end
  programs[rules] = program
  return setmetatable(rules, Rules)
end

--- The rules of a table. Whatever does not make sense in them raises at the caller's line, or, where the call is the
--- file's last statement, at that of a column.
--- Example: r.table("users", { { "id", r.bigint() }, { "town", r.text(), from = "Town" } }, { key = "id" })
--- Errors: whatever does not make sense in the rules raises at the caller's line.
---@param name string of the clean table
---@param columns table[] { "name", column, from = what it is called in files }, in the table's order; `from` is a name
--- of the header, a position in it from 1, or a list of them, of which the first that is there is taken; without it
--- the column is looked for by its own name
---@param options? { key?: string|string[], row?: table[], on_error?: "reject"|"stop" } key columns become required;
--- an error in a rule written in Lua rejects the record (without on_error), or stops the load with code "lua"
---@return pghost.Rules
function M.table(name, columns, options)
  local ok, result = pcall(build, name, columns, options)
  if not ok then
    error(type(result) == "string" and places.of_mistake(result, columns, options) .. result or result, 0)
  end
  return result
end

--- Whether a value is a table of rules.
--- Example: r.is(r.table("users", { { "id", r.bigint() } }))
--- Errors: whatever does not make sense in the rules raises at the caller's line.
---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == Rules
end

return known_keys.strict(M, "pghost.rules")
