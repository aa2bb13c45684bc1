-- Operations and checks as words: "null_if('', 'NULL', any case)", "range(0..)".

local lists = require "pghost.lib.lists"
local native = require "pghost.native.rules"

local M = {}

--- A constant as it is shown.
function M.quote(value)
  return type(value) == "string" and "'" .. value .. "'" or tostring(value)
end

--- A list of them.
function M.quote_all(values)
  return table.concat(lists.map(values, M.quote), ", ")
end

-- Kinds whose words are not just the constants in order.
local function from_to(entry)
  return (entry.min == nil and "" or tostring(entry.min)) .. ".." .. (entry.max == nil and "" or tostring(entry.max))
end

local own_texts = { range = from_to, length = from_to }

local constants = {}
for _, kinds in ipairs { native.operations(), native.checks() } do
  for _, kind in ipairs(kinds) do
    constants[kind.name] = kind.constants
  end
end

local function constants_text(entry, names)
  local texts = {}
  for _, name in ipairs(names) do
    local value = entry[name:match("^[%a_]+")]
    if value ~= nil then
      texts[#texts + 1] = type(value) == "table" and M.quote_all(value) or M.quote(value)
    end
  end
  if entry.ignore_case then
    texts[#texts + 1] = "any case"
  end
  return table.concat(texts, ", ")
end

--- Each entry of a column's operations (word "op") or checks (word "check").
---@param entries table[]
---@param word "op"|"check"
---@return string[]
function M.list(entries, word)
  local texts = {}
  for i, entry in ipairs(entries) do
    local name = entry[word]
    local text = own_texts[name] and own_texts[name](entry) or constants_text(entry, constants[name])
    texts[i] = text == "" and name or ("%s(%s)"):format(name, text)
  end
  return texts
end

--- A row rule: "start <= stop", "check(a, b) at rules/x.lua:7".
---@param rule table
---@return string
function M.row(rule)
  if rule.rule == "compare" then
    return ("%s %s %s"):format(rule.left, rule.op, rule.right)
  end
  if not rule.fn then
    local value = rule.value == nil and "" or " " .. M.quote(rule.value)
    return ("leave out where %s %s%s"):format(rule.column, rule.op, value)
  end
  local where = debug.getinfo(rule.fn, "S")
  local columns = rule.record and "row" or table.concat(rule.columns, ", ")
  local call = ("%s(%s) at %s:%d"):format(rule.rule, columns, where.short_src, where.linedefined)
  return rule.rule == "set" and rule.column .. " = " .. call or call
end

return M
