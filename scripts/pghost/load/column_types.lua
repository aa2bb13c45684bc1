-- Turns a table's columns into the rules a load runs: each column's type, and nothing else.
--
-- Also: whether a rules file fits a table. Values are sent in the binary format of the rule's type, so it must be the
-- column's.

local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local native = require "pghost.native.rules"

local M = {}

-- Rules treat names that differ only in case as the same; quoted, they are different.
local function name_for_rules(column, taken)
  local name = column.name
  if taken[name:lower()] then
    name = ('"%s"'):format(name:sub(1, 61))
  end
  taken[name:lower()] = true
  return name
end

local function program_of(columns)
  local taken = {}
  local list = { name = "load", key = {}, row = {} }
  for i, column in ipairs(columns) do
    list[i] = { name = name_for_rules(column, taken), type = column.type, labels = column.labels,
      format = column.format, ask = column.ask, operations = column.operations or {},
      checks = column.required and { { check = "required" } } or {} }
  end
  return native.compile(list)
end

-- The column's type in rules, and whether only the server can read it. The server rounds timestamp(3) and its like when
-- it receives them.
local function known_type(column)
  if column.labels then
    return "text", false
  elseif not column.built_in then
    return "text", true
  end
  local name = column.type:gsub("^(time%l*)%(%d%)", "%1"):gsub("^(interval)%(%d%)", "%1"):gsub("^bpchar$", "text")
  local compiled, program = pcall(program_of, { { name = "x", type = name } })
  if not compiled or program:needs_text() then
    return "text", true
  end
  return program:columns()[1].type, false
end

local utc_names = {
  utc = true, ["etc/utc"] = true, gmt = true, ["etc/gmt"] = true, uct = true, ["etc/uct"] = true, zulu = true,
  ["etc/zulu"] = true, universal = true, ["etc/universal"] = true,
}

--- Whether a time without a zone means UTC to the server's session.
---@param conn pghost.Connection
---@return fun(): boolean asks the server once, where some column needs it
function M.zone_of(conn)
  local utc
  return function()
    if utc == nil then
      local zone = conn:query("SELECT pg_catalog.current_setting('TimeZone') AS zone")[1].zone
      utc = utc_names[zone:lower()] or false
    end
    return utc
  end
end

local function null_of(null_text)
  return null_text and { { op = "null_if", values = { null_text } } } or {}
end

-- Whether we would read a text without a zone differently from the session.
local function hangs_on_zone(name, utc)
  return (name:find("^timestamptz") or name:find("^timetz")) ~= nil and not utc()
end

--- The program for columns of a table: each its type, nothing else.
---@param columns pghost.load.RelationColumn[]
---@param options { null_text?: string, utc: (fun(): boolean), readings: table<string, pghost.Column> } readings: how
--- values are read, where that was found in the files, by column
---@return pghost.native.Program
---@return boolean as_text some column can only be sent as text
function M.program(columns, options)
  local list, as_text = {}, false
  for i, column in ipairs(columns) do
    local name, needs_text = known_type(column)
    if hangs_on_zone(name, options.utc) then
      name, needs_text = "text", true
    end
    as_text = as_text or needs_text
    local reading = options.readings[column.name]
    local operations = null_of(options.null_text)
    list[i] = { name = column.name, type = name, labels = column.labels, required = column.required,
      format = reading and reading.format, ask = not column.labels and not (reading and reading.format) and column.ask
        or nil,
      operations = reading and table.move(reading.operations, 1, #reading.operations, #operations + 1, operations)
        or operations }
  end
  return program_of(list), as_text
end

-- Types whose binary format is the bytes of the text.
local text_like = { text = true, varchar = true }

local function kind(type_name)
  local name, brackets = type_name:match("^([^(%[]+)[^%[]*(.*)$")
  return (text_like[name] and "text" or name) .. brackets
end

--- Whether COPY in text has the very bytes of the values, escaped, in all of these columns.
---@param columns pghost.load.RelationColumn[]
---@param options { readings: table<string, pghost.Column> }
---@return boolean
function M.are_text(columns, options)
  for _, column in ipairs(columns) do
    local name, needs_text = known_type(column)
    if needs_text or column.labels or options.readings[column.name] or kind(name) ~= "text" then
      return false
    end
  end
  return true
end

-- Whether the rule's type can go into the column, and whether only as text.
local function fits(rule_type, column)
  local theirs, needs_text = known_type(column)
  local ours = kind(rule_type)
  if needs_text then
    return ours == "text" or rule_type == column.type, true
  end
  return ours == kind(theirs), false
end

local function copy_of(column, null_text, labels)
  local copy = lists.merged(column)
  copy.operations = table.move(column.operations, 1, #column.operations, null_text and 2 or 1, null_of(null_text))
  copy.checks = table.move(column.checks, 1, #column.checks, 1, {})
  if labels and not column.labels then
    table.insert(copy.checks, { check = "one_of", values = labels })
  end
  return copy
end

--- The program of a rules file for a table; raises where they do not fit.
---@param target pghost.load.Relation
---@param rules pghost.Rules
---@param null_text? string
---@return pghost.native.Program
---@return boolean as_text
function M.program_of_rules(target, rules, null_text)
  local by_name = {}
  for _, column in ipairs(target.columns) do
    by_name[column.name] = column
  end
  local list, as_text = { name = rules.name, key = rules.key, row = rules.row, on_error = rules.on_error }, false
  for i, column in ipairs(rules) do
    local into, rule_type = by_name[column.name], rules:columns()[i].type
    if not into then
      errors.raise(("the rules have a column '%s' that %s does not have"):format(column.name, target.qualified),
        "42703")
    elseif into.generated then
      errors.raise(("the rules have a column '%s' that the server generates in %s: leave it out")
        :format(column.name, target.qualified), "428C9")
    end
    local good, needs_text = fits(rule_type, into)
    if not good then
      errors.raise(("column '%s' is %s in the rules and %s in %s: make them the same"):format(column.name,
        rule_type, into.declared, target.qualified), "42804")
    end
    as_text = as_text or needs_text
    list[i] = copy_of(column, null_text, into.labels)
  end
  local program = native.compile(list)
  return program, as_text or program:needs_text()
end

return M
