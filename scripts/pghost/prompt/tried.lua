-- try(rules, record) at the prompt: shows the effect of each operation on each field, and which rule refuses what.

local describe_words = require "pghost.rules.words"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local native = require "pghost.native.rules"
local print_ = require "pghost.lib.print"
local project_rules = require "pghost.prompt.project_rules"
local reading = require "pghost.prompt.record_reading"
local rules_module = require "pghost.rules"
local sys = require "pghost.native.sys"
local terminal = require "pghost.lib.terminal"

local M = {}

local function shown(value)
  if value == nil then
    return "<null>"
  end
  return type(value) == "string" and "'" .. value .. "'" or tostring(value)
end

-- A column with some of its parts, over one text.
local function try_column(column, changes, text)
  local plain = lists.merged(column)
  plain.name, plain.from = "value", nil
  for key, value in pairs(changes) do
    plain[key] = value or nil
  end
  local program = native.compile { name = "try", plain, key = {}, row = {} }
  local record, detail = program:try({ text }, true)
  return record and record[1], not record and detail or nil
end

-- The text after the first `count` operations, as text.
local function after(column, count, text)
  local good, value, failure = pcall(try_column, column, { type = "text", format = false, labels = false,
    domain = false, checks = {}, failure = false, operations = table.move(column.operations, 1, count, 1, {}) }, text)
  if good and not failure then
    return true, value
  end
  return false
end

---@class pghost.prompt.Step
---@field column string
---@field step string "field", an operation, the type, a check
---@field becomes string
---@field failed? boolean

-- The steps of one column. Operations that change nothing are none.
local function steps_of(column, text, steps)
  steps[#steps + 1] = { column = column.name, step = "field", becomes = shown(text) }
  local words, before = describe_words.list(column.operations, "op"), text
  for i = 1, #column.operations do
    local known, value = after(column, i, text)
    if known and value ~= before then
      steps[#steps + 1] = { column = "", step = words[i], becomes = shown(value) }
    end
    if known then
      before = value
    end
  end
  local value, failure = try_column(column, {}, text)
  if failure then
    steps[#steps + 1] = { column = "", step = failure.rule, becomes = "refused: " .. failure.reason, failed = true }
  else
    steps[#steps + 1] = { column = "", step = column.type, becomes = shown(value) }
  end
  return failure
end

local Tried = { __name = "try" }

function Tried.__show(tried)
  local rows = lists.map(tried.steps, function(step)
    return { step.column, step.step, step.becomes }
  end)
  local text = print_.format({ "column", "step", "becomes" }, rows, { width = sys.columns(1) })
  io.stdout:write((text:gsub("%([^\n]*\n$", "")))
  for _, refusal in ipairs(tried.refusals) do
    print(terminal.harmless(refusal))
  end
  print(tried.passes and "passes" or "refused")
  if tried.how then
    print(("(%s)"):format(terminal.harmless(tried.how)))
  end
end

local function refused_by(detail)
  return detail.column and ("%s: %s (%s)"):format(detail.column, detail.reason, detail.rule)
    or ("%s (%s)"):format(detail.reason, detail.rule)
end

-- A record of rules, by the names of its columns.
local function try_values(rules, values, how)
  local steps, refusals, some = {}, {}, false
  for _, column in ipairs(rules) do
    local failure = steps_of(column, values[column.name], steps)
    if failure then
      some = true
      refusals[#refusals + 1] = refused_by { column = column.name, rule = failure.rule, reason = failure.reason }
    end
  end
  local record, detail = rules:try(values, true)
  if not record and not some then
    refusals[#refusals + 1] = refused_by(detail)
  end
  return setmetatable({ record = record, passes = record ~= nil, refusals = refusals, steps = steps, how = how }, Tried)
end

local function of_reject(reject)
  local rules = project_rules.of_table(reject.table_name)
  if not rules then
    errors.raise(("this project has no rules for table '%s'"):format(reject.table_name), "usage", { exit = 1 })
  elseif not reject.original then
    errors.raise("the original bytes of this reject are not known", "usage", { exit = 1 })
  end
  return rules, reject.original
end

--- try(rules.booking, "a line of csv"), try(rules.booking, { booking_id = "1" }), try(rejects[1]).
---@param rules pghost.Rules|table rules, or a reject
---@param record? string|table<string, string>
---@return table
function M.try(rules, record)
  if type(rules) == "table" and (getmetatable(rules) or {}).__name == "reject" then
    rules, record = of_reject(rules)
  end
  if not rules_module.is(rules) then
    errors.raise("try: rules expected, as in try(rules.booking, \"a line of csv\"), or a reject, try(rejects[1])",
      "usage", { exit = 1 })
  elseif type(record) == "table" then
    return try_values(rules, record)
  elseif type(record) ~= "string" then
    errors.raise("try: a line of CSV expected, or { column = \"text\" }", "usage", { exit = 1 })
  end
  return try_values(rules, reading.of_line(rules, record))
end

return M
