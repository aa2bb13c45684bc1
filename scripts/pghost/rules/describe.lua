-- Rules as text for people: one line a column, aligned, then the row rules.

local column_names = require "pghost.catalog.names"
local lists = require "pghost.lib.lists"
local native = require "pghost.native.rules"

local function quote(value)
  return type(value) == "string" and "'" .. value .. "'" or tostring(value)
end

local function quote_all(values)
  return table.concat(lists.map(values, quote), ", ")
end

-- Where it is not all constants in their order.
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
      texts[#texts + 1] = type(value) == "table" and quote_all(value) or quote(value)
    end
  end
  if entry.ignore_case then
    texts[#texts + 1] = "any case"
  end
  return table.concat(texts, ", ")
end

local function list_text(entries, word)
  local texts = {}
  for i, entry in ipairs(entries) do
    local name = entry[word]
    local text = own_texts[name] and own_texts[name](entry) or constants_text(entry, constants[name])
    texts[i] = text == "" and name or ("%s(%s)"):format(name, text)
  end
  return texts
end

local function checks_text(column)
  local texts = list_text(column.checks, "check")
  if column.failure then
    local value = column.failure.value
    texts[#texts + 1] = "on_fail " .. column.failure.action .. (value == nil and "" or " " .. quote(value))
  end
  return table.concat(texts, ", ")
end

local function type_text_of(column)
  local text = column.type .. (column.format and " " .. quote(column.format) or "")
  if column.labels then
    text = ("%s of %s"):format(text, quote_all(column.labels))
  end
  return column.domain and ("%s over %s"):format(column.domain, text) or text
end

local function name_text(column)
  return column.from == nil and column.name or ("%s from %s"):format(column.name, column_names.shown(column))
end

local function column_cells(column)
  local type_text = type_text_of(column)
  return { name_text(column), type_text, table.concat(list_text(column.operations, "op"), ", "), checks_text(column) }
end

local function row_text(rule)
  if rule.rule == "compare" then
    return ("%s %s %s"):format(rule.left, rule.op, rule.right)
  end
  if not rule.fn then
    local value = rule.value == nil and "" or " " .. quote(rule.value)
    return ("leave out where %s %s%s"):format(rule.column, rule.op, value)
  end
  local where = debug.getinfo(rule.fn, "S")
  local columns = rule.record and "row" or table.concat(rule.columns, ", ")
  local call = ("%s(%s) at %s:%d"):format(rule.rule, columns, where.short_src, where.linedefined)
  return rule.rule == "set" and rule.column .. " = " .. call or call
end

local function aligned(lines)
  local widths = {}
  for _, cells in ipairs(lines) do
    for i, cell in ipairs(cells) do
      widths[i] = math.max(widths[i] or 0, utf8.len(cell) or #cell)
    end
  end
  local out = {}
  for i, cells in ipairs(lines) do
    local padded = {}
    for k, cell in ipairs(cells) do
      padded[k] = cell .. (" "):rep(widths[k] - (utf8.len(cell) or #cell))
    end
    out[i] = (table.concat(padded, "  "):gsub("%s+$", ""))
  end
  return out
end

---@param rules pghost.Rules
---@return string
return function(rules)
  local lines = { { "column", "type", "operations", "checks" } }
  for i, column in ipairs(rules) do
    lines[i + 1] = column_cells(column)
  end
  local out = aligned(lines)
  local key = #rules.key > 0 and ", key " .. table.concat(rules.key, ", ") or ""
  table.insert(out, 1, ("%s: %d columns%s"):format(rules.name, #rules, key))
  for _, rule in ipairs(rules.row) do
    out[#out + 1] = "row: " .. row_text(rule)
  end
  return table.concat(out, "\n")
end
