-- Checks the loads of a pipeline against their files: options, paths, dialects, headers. No record is read.

local broken = require "pghost.lint.broken"
local budget_options = require "pghost.load.budget_options"
local combinations = require "pghost.modes.combinations"
local dialect = require "pghost.input.dialect"
local files = require "pghost.input.files"
local inputs = require "pghost.load.inputs"
local known_header = require "pghost.input.known_header"
local lists = require "pghost.lib.lists"
local load_options = require "pghost.load.options"
local names = require "pghost.catalog.names"
local nearest = require "pghost.lib.nearest"
local raw_columns = require "pghost.load.raw_columns"
local rules_module = require "pghost.rules"

local M = {}

---@class pghost.lint.Load a load as far as it is known
---@field step pghost.outline.Step
---@field name string
---@field rules? pghost.Rules
---@field options table
---@field raw_columns string[] of the raw table
---@field mode string
---@field missing string

-- The options that are fine, each by itself.
local function check_options(findings, step)
  local fine, options = pcall(load_options.of_step, step.kind, step.name, step.options)
  if fine then
    return options
  elseif type(step.options) ~= "table" then
    findings:add_problem(options, step.file, step.line)
    return {}
  end
  local good = {}
  for _, key in ipairs(lists.sorted_keys(step.options)) do
    local one = { [key] = step.options[key] }
    local known, problem = pcall(load_options.of_step, step.kind, step.name, one)
    if known then
      good[key] = step.options[key]
    else
      findings:add_problem(problem, step.file, step.line)
    end
  end
  return good
end

local function check_together(findings, load)
  local step = load.step
  local function try(fn, ...)
    local fine, problem = pcall(fn, ...)
    if not fine then
      findings:add_problem(problem, step.file, step.line)
    end
    return fine and problem
  end
  try(budget_options.of, load.options)
  try(budget_options.check_on_error, load.options.on_error)
  load.readable = try(dialect.check, load.options, 1) ~= false
  local key = load.rules and #load.rules.key > 0 and load.rules.key or nil
  local fine, mode, missing = pcall(combinations.check, { name = load.name, options = load.options,
    targets = { raw = step.kind ~= "clean", clean = step.kind ~= "stage" }, key = key })
  if not fine then
    findings:add_problem(mode, step.file, step.line)
  end
  load.mode, load.missing = fine and mode or "replace", fine and missing or "keep"
end

-- A load whose name and rules are valid.
local function new_load(findings, step)
  if type(step.name) ~= "string" then
    findings:add(step.file, step.line, ("run:%s: name of a table expected, got %s"):format(step.kind, type(step.name)))
    return nil
  end
  local load = { step = step, name = step.name, raw_columns = {}, options = check_options(findings, step) }
  if rules_module.is(step.rules) then
    load.rules = step.rules
  elseif not broken.is(step.rules) and (step.rules ~= nil or step.kind ~= "stage") then
    findings:add(step.file, step.line, ("run:%s '%s': the rules of a table expected, got %s"):format(step.kind,
      step.name, step.rules == true and "a module that returns nothing" or type(step.rules)))
  end
  check_together(findings, load)
  return load
end

-- Headers ------------------------------------------------------------------------------------------------

local function wanted_of(load)
  if not load.rules then
    return {}
  end
  return names.with_sources(load.rules:program():columns(), load.rules)
end

local function read_header(findings, load, file, wanted)
  local more = { any_header = names.by_position(wanted) or nil }
  local fine, problem = pcall(inputs.look, file, load.options, more, function() end, known_header.goal(wanted, true))
  if not fine then
    findings:add(load.step.file, load.step.line, tostring(problem))
  end
  return fine
end

local function source_names(column)
  return type(column.from) == "string" and { column.from } or type(column.from) == "table" and column.from
    or { column.name }
end

local function hint(column, file)
  for _, name in ipairs(source_names(column)) do
    local meant = type(name) == "string" and nearest.hint(name, file.header) or ""
    if meant ~= "" then
      return meant
    end
  end
  return (" (has: %s)"):format(table.concat(file.header, ", "))
end

-- Columns of the rules that no header, or not every one, has; `missing` collects them over the files.
local function match(findings, load, file, wanted, missing)
  local list = file.headerless and {} or wanted
  local fine, map, absent = pcall(names.match, file.name, file.header, list)
  if not fine then
    findings:add(load.step.file, load.step.line, tostring(map))
    return
  end
  for _, i in ipairs(absent) do
    missing[i] = missing[i] or {}
    table.insert(missing[i], file)
  end
  local taken = {}
  for _, position in pairs(map) do
    taken[position] = true
  end
  local rest = {}
  for i = 1, #file.header do
    rest[#rest + 1] = not taken[i] and i or nil
  end
  if #absent > 0 or file.headerless then
    return
  end
  local known, found = pcall(raw_columns.rest, file.name, file.header, wanted, rest)
  if not known then
    findings:add(load.step.file, load.step.line, tostring(found))
  else
    table.move(found.names, 1, #found.names, #load.raw_columns + 1, load.raw_columns)
  end
end

local function tell_missing(findings, places, load, wanted, missing)
  for _, i in ipairs(lists.sorted_keys(missing)) do
    local file, place = missing[i][1], places[load.rules[i]] or load.step
    local more = #missing[i] > 1 and (" and %d more"):format(#missing[i] - 1) or ""
    findings:add(place.file, place.line, ("%s%s: no column %s in the header%s"):format(file.name, more,
      names.shown(wanted[i]), hint(wanted[i], file)))
  end
end

local function check_files(findings, places, load, data)
  local fine, found = pcall(inputs.find, load.step.files, data, function() end)
  if not fine then
    findings:add(load.step.file, load.step.line, tostring(found))
    return
  end
  local wanted, missing = wanted_of(load), {}
  for _, file in ipairs(found) do
    if file.read_once then
      findings:add(load.step.file, load.step.line, files.once(file) .. ": its header is not looked at", "warn")
    elseif load.readable and read_header(findings, load, file, wanted) then
      match(findings, load, file, wanted, missing)
    end
  end
  tell_missing(findings, places, load, wanted, missing)
end

local function columns_of_raw(load)
  local list, seen = {}, {}
  local function add(name)
    if not seen[name:lower()] then
      seen[name:lower()] = true
      list[#list + 1] = name
    end
  end
  for _, column in ipairs(wanted_of(load)) do
    add(column.name)
  end
  for _, name in ipairs(load.raw_columns) do
    add(name)
  end
  load.raw_columns = list
end

--- Checks the loads of an outline.
---@param findings pghost.lint.Findings
---@param places table from lenient.install
---@param steps pghost.outline.Step[]
---@param data? string the folder that files are in; nil: not known, and no file is looked at
---@return table<pghost.outline.Step, pghost.lint.Load>
function M.check(findings, places, steps, data)
  local loads = {}
  for _, step in ipairs(steps) do
    local load = new_load(findings, step)
    if load then
      if data and step.kind ~= "clean" and not broken.is(step.files) then
        check_files(findings, places, load, data)
      end
      columns_of_raw(load)
      loads[step] = load
    end
  end
  return loads
end

return M
