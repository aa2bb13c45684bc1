-- Compares what columns and records become with what a spec expects, and shows the differences as a table.

local lists = require "pghost.lib.lists"
local print_result = require "pghost.lib.print"

local M = {}

local Expected = {}
Expected.__index = Expected

--- In the place of a value: the text is refused, by any rule.
M.refused = setmetatable({}, Expected)

--- In the place of a value: the text is refused by a rule.
---@param rule string
function M.refused_by(rule)
  return setmetatable({ rule = rule }, Expected)
end

--- In the place of a value: NULL.
M.null = setmetatable({ null = true }, Expected)

local function shown(value)
  if value == nil or value == M.null then
    return "<null>"
  elseif getmetatable(value) == Expected then
    return value.rule and ("refused by %s"):format(value.rule) or "refused"
  end
  return type(value) == "string" and "'" .. value .. "'" or tostring(value)
end

local function is(expected, value, failure)
  if getmetatable(expected) ~= Expected then
    return failure == nil and value == expected
  elseif expected.null then
    return failure == nil and value == nil
  end
  return failure ~= nil and (expected.rule == nil or expected.rule == failure.rule)
end

local function found_text(value, failure)
  return failure and ("refused by %s: %s"):format(failure.rule, failure.reason) or shown(value)
end

local function as_text(columns, rows)
  return (print_result.format(columns, rows, {}):gsub("%(%d+ rows?%)\n$", ""))
end

--- The cases of a column that come out otherwise than expected, as a table; nil: none.
---@param column pghost.Column
---@param cases table<string, any>
---@return string?
function M.wrong(column, cases)
  local rows, keys = {}, lists.sorted_keys(cases, true)
  for _, text in ipairs(keys) do
    local value, failure = column:try(text)
    if not is(cases[text], value, failure) then
      rows[#rows + 1] = { shown(text), shown(cases[text]), found_text(value, failure) }
    end
  end
  return #rows > 0 and ("%d of %d values are not as expected\n%s"):format(#rows, #keys,
    as_text({ "text", "expected", "is" }, rows)) or nil
end

--- The columns of a record that have values differ from those expected, as a table; nil: none.
---@param rules pghost.Rules
---@param record table<string, any>
---@param expected table<string, any>
---@return string?
function M.differing(rules, record, expected)
  local rows, known = {}, {}
  for _, column in ipairs(rules) do
    local name = column.name
    known[name] = true
    if expected[name] ~= nil and not is(expected[name], record[name]) then
      rows[#rows + 1] = { name, shown(expected[name]), shown(record[name]) }
    end
  end
  for _, name in ipairs(lists.sorted_keys(expected, true)) do
    if not known[name] then
      rows[#rows + 1] = { name, shown(expected[name]), "no such column" }
    end
  end
  return #rows > 0 and as_text({ "column", "expected", "is" }, rows) or nil
end

return M
