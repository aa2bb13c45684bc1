-- The findings about a file as readable, aligned text; bytes of the file reach a terminal only escaped.

local dialect = require "pghost.sniff.findings"
local lists = require "pghost.lib.lists"
local print_table = require "pghost.lib.print"
local rules_text = require "pghost.sniff.rules_text"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local parts = {
  { "encoding", "encoding" }, { "skip", "lines above" }, { "comment", "comments" }, { "header", "header lines" },
  { "delimiter", "delimiter" }, { "quote", "quote" }, { "escape", "escape" }, { "skip_blanks", "space after it" },
  { "blanks_after_quote", "space after quote" }, { "line_end", "line end" }, { "footer", "lines below" },
}

local as_character = { delimiter = true, quote = true, escape = true, comment = true }

local function shown(name, value)
  if as_character[name] then
    return dialect.shown(value)
  elseif name == "line_end" then
    return value == "mixed" and value or value:upper()
  end
  return value == true and "yes" or tostring(value)
end

local function dialect_rows(result)
  local rows = {}
  for _, part in ipairs(parts) do
    local found = result.dialect[part[1]]
    if found then
      rows[#rows + 1] = { part[2], shown(part[1], found.value), ("%.2f"):format(found.confidence), found.reason }
    end
  end
  return rows
end

local function type_shown(column)
  local text = column.type
  if column.format then
    text = ("%s %s"):format(text, column.format)
  elseif column.decimal == "," then
    text = text .. " (1.234,5)"
  elseif column.decimal == "." then
    text = text .. " (1,234.5)"
  end
  return text
end

local function null_shown(column)
  if column.required then
    return "none"
  end
  local words = lists.filter(column.nulls, lists.is_given)
  if column.empty > 0 then
    table.insert(words, 1, "empty")
  end
  return table.concat(words, ", ")
end

local function length_shown(column)
  if column.min_length == column.max_length then
    return tostring(column.max_length)
  end
  return ("%d-%d"):format(column.min_length, column.max_length)
end

local function column_rows(result)
  local rows = {}
  for i, column in ipairs(result.columns) do
    rows[i] = { column.name, type_shown(column), ("%.2f"):format(column.confidence), null_shown(column),
      length_shown(column), table.concat(column.examples, ", "), column.reason }
  end
  return rows
end

-- Without the line that counts the rows.
local function aligned(columns, rows, width)
  return (print_table.format(columns, rows, { width = width }):gsub("%(%d+ rows?%)\n$", ""))
end

--- See pghost.csv.text.
---@param result pghost.sniff.Result
---@param width? integer
---@return string
function M.format(result, width)
  local out = {
    ("%s: %d %s, confidence %.2f (%s)\n"):format(terminal_text.harmless(result.file), #result.columns,
      #result.columns == 1 and "column" or "columns", result.confidence, result.looked_at),
    "\n", aligned({ "dialect", "found", "sure", "why" }, dialect_rows(result), width),
    "\n", aligned({ "column", "type", "sure", "null", "length", "examples", "why" }, column_rows(result), width),
  }
  for i, warning in ipairs(result.warnings) do
    out[#out + 1] = (i == 1 and "\n" or "") .. "warning: " .. terminal_text.harmless(warning) .. "\n"
  end
  out[#out + 1] = "\noptions: " .. terminal_text.harmless(rules_text.options(result.options)) .. "\n"
  return table.concat(out)
end

return M
