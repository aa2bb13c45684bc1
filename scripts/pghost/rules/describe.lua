-- Rules as text for people: one line a column, aligned, then the row rules.

local column_names = require "pghost.catalog.names"
local words = require "pghost.rules.words"

local function checks_text(column)
  local texts = words.list(column.checks, "check")
  if column.failure then
    local value = column.failure.value
    texts[#texts + 1] = "on_fail " .. column.failure.action .. (value == nil and "" or " " .. words.quote(value))
  end
  return table.concat(texts, ", ")
end

local function formats_text(format)
  return type(format) == "table" and words.quote_all(format) or words.quote(format)
end

local function type_text_of(column)
  local text = column.type .. (column.format and " " .. formats_text(column.format) or "")
  if column.labels then
    text = ("%s of %s"):format(text, words.quote_all(column.labels))
  end
  return column.domain and ("%s over %s"):format(column.domain, text) or text
end

local function name_text(column)
  return column.from == nil and column.name or ("%s from %s"):format(column.name, column_names.shown(column))
end

local function column_cells(column)
  local type_text = type_text_of(column)
  return { name_text(column), type_text, table.concat(words.list(column.operations, "op"), ", "), checks_text(column) }
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
    out[#out + 1] = "row: " .. words.row(rule)
  end
  return table.concat(out, "\n")
end
