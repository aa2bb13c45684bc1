-- Argument types of checks: what is accepted, and what it is converted to.

local drift = require "pghost.checks.drift"
local misuse = require "pghost.checks.misuse"
local lists = require "pghost.lib.lists"

local M = {}

local operators <const> = { "<", "<=", "=", "!=", ">=", ">" }
local changes <const> = { "evolve", "warn", "stop" }

--- "table.column" taken apart; the table may have its schema.
---@param text any
---@param where string "check 'x'"
---@return string table
---@return string column
function M.split(text, where)
  local table_name, name
  if type(text) == "string" then
    table_name, name = text:match("^(.-)%.([^.]+)$")
  end
  if not table_name or table_name == "" then
    misuse.raise("%s: column 'table.column' expected, got '%s'", where, tostring(text))
  end
  return table_name, name
end

local function expect(value, kind, where)
  if type(value) ~= kind then
    misuse.raise("%s: %s expected, got %s", where, kind, value == nil and "nothing" or type(value))
  end
  return value
end

local function is_number(value)
  return type(value) == "number" and value == value and value ~= math.huge and value ~= -math.huge
end

local function names(value, where)
  value = type(value) == "string" and { value } or value
  if type(value) ~= "table" or #value == 0 then
    misuse.raise("%s: column, or list of columns, expected", where)
  end
  for _, name in ipairs(value) do
    expect(name, "string", where)
  end
  return table.move(value, 1, #value, 1, {})
end

local function values(value, where)
  if type(value) ~= "table" or #value == 0 then
    misuse.raise("%s: list of values expected", where)
  end
  local kind = type(value[1])
  for i, one in ipairs(value) do
    if type(one) ~= kind or not (kind == "string" or kind == "boolean" or is_number(one)) then
      misuse.raise("%s: value %d: texts, numbers or booleans expected, all of one type", where, i)
    end
  end
  return table.move(value, 1, #value, 1, {})
end

--- By name: fn(value, where) returns what is kept.
---@type table<string, fun(value: any, where: string): any>
M.types = {
  string = function(value, where) return expect(value, "string", where) end,
  boolean = function(value, where) return expect(value, "boolean", where) end,
  ["function"] = function(value, where) return expect(value, "function", where) end,
  table = function(value, where) return expect(value, "string", where) end,
  same_table = function(value, where) return expect(value, "string", where) end,
  other_column = function(value, where) return expect(value, "string", where) end,
  columns = names,
  values = values,
  sql = function(value, where) return expect(value, "string", where) end,
  statement = function(value, where)
    if type(value) ~= "function" then
      expect(value, "string", where)
    end
    return value
  end,
  bound = function(value, where)
    if value ~= nil and type(value) ~= "string" and not is_number(value) then
      misuse.raise("%s: number, or text such as '2024-01-31', expected, got %s", where, type(value))
    end
    return value
  end,
  count = function(value, where)
    local whole = value == nil or math.tointeger(value)
    if not whole or (value and whole < 0) then
      misuse.raise("%s: whole number expected, got '%s'", where, tostring(value))
    end
    return value and whole
  end,
  number = function(value, where)
    if not is_number(value) then
      misuse.raise("%s: number expected, got '%s'", where, tostring(value))
    end
    return value
  end,
  step = function(value, where)
    if not (type(value) == "string" and value:find "%d") and not (is_number(value) and value ~= 0) then
      misuse.raise("%s: number other than 0, or interval such as '1 day', expected, got '%s'", where, tostring(value))
    end
    return value
  end,
  fraction = function(value, where)
    if not is_number(value) or value < 0 or value > 1 then
      misuse.raise("%s: number between 0 and 1 expected, got '%s'", where, tostring(value))
    end
    return value
  end,
  profiled_fraction = function(value, where)
    for _, share in ipairs { 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99 } do
      if value == share then
        return value
      end
    end
    misuse.raise("%s: a quantile that profiles have expected: 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 or 0.99, got '%s'",
      where,
      tostring(value))
  end,
  tolerance = drift.tolerance,
  share = function(value, where)
    local number = type(value) == "string" and tonumber(value:match "^%s*([%d.]+)%s*%%%s*$")
    if not number or number > 100 then
      misuse.raise("%s: share such as '5%%' expected, got '%s'", where, tostring(value))
    end
    return value
  end,
  operator = function(value, where)
    misuse.unless_one_of(value, operators, where .. ": unknown operator")
    return value
  end,
  change = function(value, where)
    misuse.unless_one_of(value, changes, where .. ": unknown reaction")
    return value
  end,
  columns_and_types = function(value, where)
    if type(value) ~= "table" or next(value) == nil then
      misuse.raise("%s: columns expected: { id = \"bigint\", name = \"text\" } or { \"id\", \"name\" }", where)
    end
    for _, name in ipairs(value) do
      expect(name, "string", where)
    end
    local kept = {}
    for _, key in ipairs(#value > 0 and value or lists.sorted_keys(value)) do
      kept[#kept + 1] = { name = key, type = #value == 0 and expect(value[key], "string", where) or nil }
    end
    return kept
  end,
}

return M
