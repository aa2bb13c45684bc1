-- The text of a rules file for a file that was sniffed: to begin with, and to be changed by hand.

local terminal_text = require "pghost.lib.terminal"

local M = {}

local shown_examples = 60 -- width of the examples after a rule

local function quoted(value)
  return (("%q"):format(value):gsub("\\\n", "\\n"):gsub("\t", "\\t"):gsub("\r", "\\r"))
end

--- Options as a Lua table in one line, keys in order.
---@param options table<string, string|integer|boolean>
---@return string
function M.options(options)
  local keys, parts = {}, {}
  for key in pairs(options) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local value = options[key]
    parts[i] = ("%s = %s"):format(key, type(value) == "string" and quoted(value) or tostring(value))
  end
  return #parts == 0 and "{}" or ("{ %s }"):format(table.concat(parts, ", "))
end

local function remark(column)
  local examples = {}
  for i, example in ipairs(column.examples) do
    examples[i] = terminal_text.harmless(example)
  end
  local text = terminal_text.cut(table.concat(examples, ", "), shown_examples)
  if column.ambiguous or #column.alternatives > 0 then
    local other = column.alternatives[1]
    text = ("%s; or %s%s: %s"):format(text, other.type, other.format and " " .. other.format or "",
      terminal_text.harmless(other.reason))
  end
  return text == "" and "" or " -- " .. text
end

local function source(column)
  if column.from == nil then
    return ""
  end
  return (", from = %s"):format(math.type(column.from) == "integer" and column.from or quoted(column.from))
end

--- See pghost.csv.rules.
---@param result pghost.sniff.Result
---@param name string
---@return string
function M.format(result, name)
  local lines = {
    ("-- Proposed by `pghost sniff` from %s (%s)."):format(terminal_text.harmless(result.file), result.looked_at),
    ("-- The options that read it: %s"):format(terminal_text.harmless(M.options(result.options))),
  }
  for _, warning in ipairs(result.warnings) do
    lines[#lines + 1] = "-- Not sure: " .. terminal_text.harmless(warning)
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = 'local r = require "pghost.rules"'
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("return r.table(%s, {"):format(quoted(name))
  for _, column in ipairs(result.columns) do
    lines[#lines + 1] = ("  { %s, %s%s },%s"):format(quoted(column.name), column.rule, source(column), remark(column))
  end
  lines[#lines + 1] = "})"
  return table.concat(lines, "\n") .. "\n"
end

return M
