-- From a table's columns to the rules a load runs: each column its type, and nothing else.
--
-- Also: whether a rules file fits a table. What is sent is the binary format of the rule's type, so
-- that must be the one of the column.

local errors = require "pghost.errors"
local native = require "pghost.native.rules"

local M = {}

local function program_of(columns, row)
  local list = { name = "load", key = {}, row = row or {} }
  for i, column in ipairs(columns) do
    list[i] = { name = column.name, type = column.type, operations = column.operations or {},
      checks = column.checks or {} }
  end
  return native.compile(list)
end

-- The type's name in rules; nil when rules do not know it. The server rounds timestamp(3) and
-- time(3) when it receives them, and fills up character(n).
local function known_type(column)
  if column.labels then
    return "text"
  elseif not column.built_in then
    return nil
  end
  local name = column.type:gsub("^(time%l*)%(%d%)", "%1"):gsub("^character(%(%d+%))$", "varchar%1")
    :gsub("^bpchar$", "text")
  local compiled, program = pcall(program_of, { { name = "x", type = name } })
  return compiled and program:columns()[1].type or nil
end

local utc_names = { ["utc"] = true, ["etc/utc"] = true, ["gmt"] = true, ["etc/gmt"] = true, ["uct"] = true,
  ["etc/uct"] = true, ["zulu"] = true, ["etc/zulu"] = true, ["universal"] = true, ["etc/universal"] = true,
  ["greenwich"] = true, ["etc/greenwich"] = true }

--- Whether a time without a zone means UTC to the server's session.
---@param conn pghost.Connection
---@return boolean
function M.is_utc(conn)
  return utc_names[conn:query("SELECT current_setting('TimeZone') AS zone")[1].zone:lower()] or false
end

local null_of = function(null_text)
  return null_text and { { op = "null_if", values = { null_text } } } or {}
end

-- A zone must be given where the session's zone is not the one we would take.
local zone_given = { check = "matches", pattern = "(?i)(?:z|[+-]\\d\\d(?::?\\d\\d)?)\\s*$" }

--- The program for columns of a table.
---@param target pghost.copy_in.Target
---@param columns pghost.copy_in.Column[]
---@param options { null_text?: string, utc: boolean }
---@return pghost.Program
function M.program(target, columns, options)
  local list = {}
  for i, column in ipairs(columns) do
    local name = known_type(column)
    if not name then
      errors.raise(("column '%s' of %s is of type %s, which cannot be loaded: load it into a text column")
        :format(column.name, target.qualified, column.declared), "0A000")
    end
    local checks = column.labels and { { check = "one_of", values = column.labels } } or {}
    if name == "timestamptz" and not options.utc then
      checks[1] = zone_given
    end
    list[i] = { name = column.name, type = name, operations = null_of(options.null_text), checks = checks }
  end
  return program_of(list)
end

-- What the binary format of these is the bytes of the text.
local text_like = { text = true, varchar = true }

local function kind(type_name)
  local name = type_name:match("^[^(]+")
  return text_like[name] and "text" or name
end

local function copy_of(column, null_text)
  local copy = {}
  for key, value in pairs(column) do
    copy[key] = value
  end
  copy.operations = table.move(column.operations, 1, #column.operations, null_text and 2 or 1, null_of(null_text))
  copy.checks = table.move(column.checks, 1, #column.checks, 1, {})
  return copy
end

--- The program of a rules file for a table; raises where they do not fit.
---@param target pghost.copy_in.Target
---@param rules pghost.Rules
---@param null_text? string
---@return pghost.Program
function M.program_of_rules(target, rules, null_text)
  local by_name = {}
  for _, column in ipairs(target.columns) do
    by_name[column.name] = column
  end
  local list = { name = rules.name, key = rules.key, row = rules.row }
  for i, column in ipairs(rules) do
    local into = by_name[column.name]
    if not into then
      errors.raise(("the rules have a column '%s' that %s has not"):format(column.name, target.qualified), "42703")
    elseif into.generated then
      errors.raise(("the rules have a column '%s' that the server generates in %s: leave it out")
        :format(column.name, target.qualified), "428C9")
    end
    local theirs = known_type(into)
    if not theirs or kind(theirs) ~= kind(rules:columns()[i].type) then
      errors.raise(("column '%s' is %s in the rules and %s in %s: make them the same"):format(column.name,
        rules:columns()[i].type, into.declared, target.qualified), "42804")
    end
    list[i] = copy_of(column, null_text)
    if into.labels then
      table.insert(list[i].checks, { check = "one_of", values = into.labels })
    end
  end
  return native.compile(list)
end

return M
