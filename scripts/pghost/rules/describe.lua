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

local function width_of(text)
  return utf8.len(text) or #text
end

local function fits(lines, width)
  for _, line in ipairs(lines) do
    if width_of(line) > width then
      return false
    end
  end
  return true
end

-- A list of words in lines of at most `width`, broken after its commas.
local function wrap(out, text, width)
  local line = ""
  for word in (text .. ", "):gmatch("(.-), ") do
    if line ~= "" and width_of(line) + width_of(word) + 3 > width then
      out[#out + 1], line = line .. ",", ""
    end
    line = line == "" and "    " .. word or line .. ", " .. word
  end
  out[#out + 1] = line
end

-- Where the columns do not fit side by side: operations and checks below the name and the type.
local function stacked(lines, width)
  local heads, out = {}, {}
  for i, cells in ipairs(lines) do
    heads[i] = { cells[1], cells[2] }
  end
  for i, head in ipairs(aligned(heads)) do
    out[#out + 1] = head
    for k = 3, i > 1 and 4 or 0 do
      if lines[i][k] ~= "" then
        wrap(out, lines[i][k], width)
      end
    end
  end
  return out
end

---@param rules pghost.Rules
---@param width? integer of the terminal; nil: a column is one line, however long
---@return string
return function(rules, width)
  local lines = { { "column", "type", "operations", "checks" } }
  for i, column in ipairs(rules) do
    lines[i + 1] = column_cells(column)
  end
  local out = aligned(lines)
  if width and not fits(out, width) then
    out = stacked(lines, width)
  end
  local key = #rules.key > 0 and ", key " .. table.concat(rules.key, ", ") or ""
  table.insert(out, 1, ("%s: %d column%s%s"):format(rules.name, #rules, #rules == 1 and "" or "s", key))
  for _, rule in ipairs(rules.row) do
    out[#out + 1] = "row: " .. words.row(rule)
  end
  return table.concat(out, "\n")
end
