-- The text of a rules file for a file that was sniffed: a starting point to be edited by hand.

local lists = require "pghost.lib.lists"
local lua_text = require "pghost.lib.lua_text"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local shown_examples = 60 -- width of the examples after a rule

local quoted = lua_text.quoted

local constructors = { ["double precision"] = "double" }

--- Options as a Lua table in one line, keys in order.
---@param options table<string, string|integer|boolean>
---@return string
function M.options(options)
  local parts = lists.map(lists.sorted_keys(options), function(key)
    local value = options[key]
    return ("%s = %s"):format(key, type(value) == "string" and quoted(value) or tostring(value))
  end)
  return #parts == 0 and "{}" or ("{ %s }"):format(table.concat(parts, ", "))
end

local function constructor(column)
  return ("r.%s(%s)"):format(constructors[column.type] or column.type,
    column.format and ("{ format = %s }"):format(quoted(column.format)) or "")
end

--- The call that makes a column's rule: `r.bigint():trim():required()`.
---@param column pghost.sniff.Column|table with type, format, padded, quoted, nulls, decimal, required
---@return string
function M.rule(column)
  local parts = { constructor(column) }
  local function add(wanted, text)
    parts[#parts + 1] = wanted and text or nil
  end
  add(column.padded, ":trim()")
  add(column.quoted, ":unquote():trim()")
  add(#column.nulls > 0, (":null_if(%s)"):format(table.concat(lists.map(column.nulls, quoted), ", ")))
  add(column.decimal == ",", ':decimal(",", ".")')
  add(column.decimal == ".", ':decimal(".", ",")')
  add(column.required, ":required()")
  return table.concat(parts)
end

--- Examples of a column's values in one short line.
---@param column { examples: string[] }
---@return string
function M.examples(column)
  local text = table.concat(lists.map(column.examples, terminal_text.harmless), ", "):gsub("%s+", " ")
  return terminal_text.cut(text, shown_examples)
end

-- Whether its values could mean something else: 01/02/2024, 1,234. A whole number that could be a boolean means the
-- same either way.
local function is_unclear(column)
  return column.ambiguous and column.type ~= "bigint"
end

-- An unclear column stays text until the user chooses.
local function rule_of(column)
  if not is_unclear(column) then
    return column.rule
  end
  return M.rule { type = "text", padded = column.padded, nulls = column.nulls, required = column.required }
end

local function remark(column)
  local text = M.examples(column)
  if is_unclear(column) then
    local other = column.alternatives[1]
    return (" -- %s; kept as text until you choose: %s, or %s: %s"):format(text, column.rule, constructor(other),
      terminal_text.harmless(other.reason))
  elseif column.ambiguous or #column.alternatives > 0 then
    local other = column.alternatives[1]
    text = ("%s; or %s%s: %s"):format(text, other.type, other.format and " " .. other.format or "",
      terminal_text.harmless(other.reason))
  end
  return text == "" and "" or " -- " .. text
end

--- Where a column comes from, if that is not its name: `, from = "e-mail"`.
---@param column { from?: string|integer }
---@return string
function M.source(column)
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
    lines[#lines + 1] = ("  { %s, %s%s },%s"):format(quoted(column.name), rule_of(column), M.source(column),
      remark(column))
  end
  lines[#lines + 1] = "})"
  return table.concat(lines, "\n") .. "\n"
end

return M
