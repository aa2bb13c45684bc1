-- A check as written: read from the arguments of its constructor, or from a plain table { name =, sql = }.

local arguments = require "pghost.checks.argument_types"
local errors = require "pghost.lib.errors"
local kinds = require "pghost.checks.kinds"
local known_keys = require "pghost.lib.known_keys"
local lists = require "pghost.lib.lists"
local misuse = require "pghost.checks.misuse"
local thresholds = require "pghost.checks.thresholds"

local M = {}

---@class pghost.CheckOptions
---@field name? string what it is called; default: what it asserts
---@field severity? "warn"|"error" "error" (default): nothing is published when it fails; not with warn_if, error_if
---@field warn_if? string "> 10" violations, "> 1%" of the rows, or a measured value: the run continues with a warning
---@field error_if? string likewise: nothing is published
---@field where? string SQL condition: the rows that are looked at
---@field description? string for the report
---@field tags? string[]
---@field owner? string whom to ask
---@field samples? integer how many rows of what breaks it are kept (default 3)
---@field store? boolean all of them are kept, in pghost.check_rows

---@class pghost.Check: pghost.CheckOptions
---@field kind string
---@field subject string the first argument
---@field table? string
---@field columns? string[]
---@field limits { warn?: pghost.checks.Threshold, error?: pghost.checks.Threshold }
---@field needs { table: string, column?: string }[] what must be there
---@field sql? string|fun(conn: pghost.Connection): string of a plain table: SELECT of what breaks it

local common <const> = { name = "string", severity = true, warn_if = true, error_if = true, where = "sql",
  description = "string", tags = true, owner = "string", samples = "count", store = "boolean" }

local default_samples <const> = 3

local function need(check, table_name, column)
  check.needs[#check.needs + 1] = { table = table_name, column = column }
end

local function read_subject(check, kind, subject, rest, where)
  if kind.subject == "column" or (kind.subject == "columns" and type(rest[1]) ~= "table") then
    local table_name, column = arguments.split(subject, where)
    check.table, check.columns = table_name, { column }
    if kind.subject == "columns" and rest.n > 0 and rest[1] == nil then
      table.remove(rest, 1)
      rest.n = rest.n - 1
    end
  elseif type(subject) ~= "string" or subject == "" then
    misuse.raise("%s: name of a %s expected, got '%s'", where, kind.subject == "name" and "check" or "table",
      tostring(subject))
  elseif kind.subject ~= "name" then
    check.table = subject
  end
  if kind.subject == "columns" and not check.columns then
    check.columns = arguments.types.columns(table.remove(rest, 1), where)
    rest.n = rest.n - 1
  end
  check.subject = subject
  if check.table then
    need(check, check.table)
  end
  for _, column in ipairs(check.columns or {}) do
    need(check, check.table, column)
  end
end

-- What arguments name must exist too.
local function note_needs(check, name, type_name, value)
  if type_name == "same_table" then
    need(check, check.table, value)
  elseif type_name == "table" then
    need(check, value)
  elseif type_name == "other_column" then
    check.parent, check.parent_column = arguments.split(value, "check." .. check.kind)
    need(check, check.parent)
    need(check, check.parent, check.parent_column)
  elseif type_name == "columns" and value then
    for _, column in ipairs(value) do
      need(check, check.table, column)
      if check.kind == "same_rows" or (check.kind == "reconcile" and name == "by") then
        need(check, check.other, column)
      end
    end
  end
end

local function read_parameters(check, kind, rest, where)
  for i, parameter in ipairs(kind.parameters or {}) do
    local name, type_name = parameter[1], parameter[2]
    check[name] = arguments.types[type_name](rest[i], ("%s: %s"):format(where, name))
    note_needs(check, name, type_name, check[name])
  end
  local options = rest[#(kind.parameters or {}) + 1]
  if rest.n > #(kind.parameters or {}) + 1 then
    misuse.raise("%s: takes %d arguments and options, got %d", where, #(kind.parameters or {}) + 1, rest.n + 1)
  end
  return options
end

local function check_severity(check, where)
  local severity = check.severity
  if severity ~= nil and severity ~= "error" and severity ~= "warn" then
    errors.raise(("%s: severity: 'warn' or 'error' expected, got '%s'"):format(where, tostring(severity)), "usage",
      { exit = 1 })
  elseif severity ~= nil and (check.warn_if or check.error_if) then
    misuse.raise("%s: severity cannot be combined with warn_if or error_if, which say it themselves", where)
  end
end

-- The thresholds: its own, else those of its kind, else any violation.
local function read_limits(check, kind, where)
  local percents, limits = not kind.measure, {}
  for key, severity in pairs { warn_if = "warn", error_if = "error" } do
    if check[key] ~= nil then
      limits[severity] = thresholds.parse(check[key], where .. ": " .. key, percents)
    end
  end
  check.given_limits = next(limits) ~= nil
  if not check.given_limits then
    local text = kind.error_if and kind.error_if(check) or "> 0"
    limits[check.severity or "error"] = thresholds.parse(text, where, true)
  end
  check.limits = limits
end

local function read_tags(tags, where)
  if tags == nil then
    return nil
  end
  tags = type(tags) == "string" and { tags } or tags
  return arguments.types.values(tags, where .. ": tags")
end

local function read_options(check, kind, options, where)
  local known = {}
  for _, set in ipairs { common, kind.options or {} } do
    for name, type_name in pairs(set) do
      known[name] = type_name
    end
  end
  known_keys.check(options, known, where)
  for name, value in pairs(options or {}) do
    check[name] = arguments.types[known[name]] and arguments.types[known[name]](value, ("%s: %s"):format(where, name))
      or value
    note_needs(check, name, known[name], check[name])
  end
  check.tags = read_tags(check.tags, where)
  check.samples = check.samples or default_samples
end

-- A check that measures needs something to compare the value with.
local function check_bounds(check, kind, where)
  local least, most = check.least, check.most
  local takes_limits = kind.bounded
  for _, parameter in ipairs(kind.parameters or {}) do
    takes_limits = takes_limits or parameter[1] == "least"
  end
  if takes_limits and least == nil and most == nil and not (kind.bounded and check.given_limits) then
    misuse.raise("%s: %s needs a lower or an upper limit", where, kind.name)
  elseif type(least) == "number" and type(most) == "number" and least > most then
    misuse.raise("%s: nothing is between %s and %s", where, least, most)
  elseif kind.subject == "name" and check.where then
    misuse.raise("%s: where is for checks of a table: write it into the check itself", where)
  end
end

--- A check of a kind.
---@param kind pghost.checks.Kind
---@param subject any
---@param ... any its parameters, then options
---@return pghost.Check
function M.new(kind, subject, ...)
  local where = ("check.%s '%s'"):format(kind.name, tostring(subject))
  local rest = table.pack(...)
  local check = { kind = kind.name, needs = {} }
  read_subject(check, kind, subject, rest, where)
  local options = read_parameters(check, kind, rest, where)
  read_options(check, kind, options, where)
  check.name = check.name or kind.title(check)
  check_severity(check, where)
  read_limits(check, kind, where)
  check_bounds(check, kind, where)
  return check
end

--- A check that a constructor has made, as it is; one that is written as a plain table, read.
---@param given any
---@return pghost.Check
function M.of(given)
  if type(given) ~= "table" then
    errors.raise(("check expected, got %s"):format(type(given)), "usage", { exit = 1 })
  elseif given.limits then
    return given
  end
  local where = ("check '%s'"):format(tostring(given.name))
  local options = lists.merged(given)
  options.sql = nil
  known_keys.check(options, common, where)
  check_severity(options, where)
  return M.new(kinds.by_name.sql, given.name, given.sql, options)
end

return M
