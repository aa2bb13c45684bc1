-- Results as aligned tables of text, for people: in the REPL and at the end of a pipeline.
--
-- Not for machines: long cells are cut to the terminal's width, and what could harm a terminal or
-- mislead a reader (control characters, text direction marks, bytes that are not UTF-8) is shown as
-- an escape such as \n or \x1b.

local lists = require "pghost.lib.lists"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local cut, harmless, width_of = terminal_text.cut, terminal_text.harmless, terminal_text.width

---@class pghost.print.Options
---@field width? integer columns of the terminal; cells are cut to fit. nil: nothing is cut
---@field null? string how NULL looks; "<null>" unless given
---@field types? string[] PostgreSQL type names of the columns: numbers are right-aligned, bytea is shown in hex
---@field show_types? boolean a line of the types below the names
---@field leave_out? boolean the last columns are left out where not all of them fit in a readable width
---@field limit? integer print at most this many rows, and say so
---@field file? file* where M.result writes; io.stdout unless given

local NULL = "<null>"
local SMALLEST = 4 -- columns are not cut to less
local READABLE = 12 -- columns that would be cut to less are left out, where that is asked for

local numeric_types = {
  int2 = true, int4 = true, int8 = true, float4 = true, float8 = true, numeric = true, oid = true, money = true,
  smallint = true, integer = true, bigint = true, real = true, ["double precision"] = true,
}

--- Whether values of a type are right-aligned.
---@param name string
---@return boolean
function M.is_number_type(name)
  return numeric_types[name] == true
end

--- Shortest of 15 to 17 digits that reads back as the same number, as PostgreSQL prints float8.
---@param value number
---@return string
function M.float(value)
  if value ~= value then
    return "NaN"
  elseif value == math.huge or value == -math.huge then
    return value > 0 and "Infinity" or "-Infinity"
  end
  for digits = 15, 16 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then
      return text
    end
  end
  return ("%.17g"):format(value)
end

local function cell_text(value, type_name, null)
  if value == nil then
    return null
  elseif math.type(value) == "float" then
    return M.float(value)
  elseif type_name == "bytea" and type(value) == "string" then
    return "\\x" .. value:gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end)
  end
  return harmless(tostring(value))
end

local function pad(text, width, right)
  local blanks = (" "):rep(width - width_of(text))
  return right and blanks .. text or text .. blanks
end

-- Shrinks the widest columns, one by one, until the line fits or none can shrink further.
local function shrink(widths, width)
  local total = 3 * #widths - 1
  for _, own in ipairs(widths) do
    total = total + own
  end
  while total > width do
    local widest = 1
    for i, own in ipairs(widths) do
      widest = own > widths[widest] and i or widest
    end
    if widths[widest] <= SMALLEST then
      return
    end
    widths[widest] = widths[widest] - 1
    total = total - 1
  end
end

local function measure(columns, cells, types)
  local widths = {}
  for i, name in ipairs(columns) do
    widths[i] = math.max(width_of(name), types and width_of(types[i]) or 0)
    for _, row in ipairs(cells) do
      widths[i] = math.max(widths[i], width_of(row[i]))
    end
  end
  return widths
end

-- A column is numeric by its type or, without types, when all its values are Lua numbers.
local function is_numeric(rows, count, column, types)
  if types then
    return numeric_types[types[column]] == true
  end
  local some = false
  for i = 1, count do
    local value = rows[i][column]
    if value ~= nil and type(value) ~= "number" then
      return false
    end
    some = some or value ~= nil
  end
  return some
end

-- How many columns fit, each cut to no less than is readable.
local function fitting(widths, width)
  local total = -1
  for i, own in ipairs(widths) do
    total = total + math.min(own, READABLE) + 3
    if total > width then
      return math.max(1, i - 1)
    end
  end
  return #widths
end

-- The line, and whether something of it was cut.
local function line(cells, widths, right)
  local parts, is_cut = {}, false
  for i, width in ipairs(widths) do
    local text = cut(cells[i], width)
    is_cut = is_cut or text ~= cells[i]
    parts[i] = pad(text, width, right[i])
  end
  return (" " .. table.concat(parts, " | ")):gsub("%s+$", ""), is_cut
end

local function rule(widths)
  local parts = lists.map(widths, function(width)
    return ("-"):rep(width + 2)
  end)
  return table.concat(parts, "+")
end

local function footer(shown, count)
  if shown < count then
    return ("(%d of %d rows)"):format(shown, count)
  end
  return count == 1 and "(1 row)" or ("(%d rows)"):format(count)
end

local function cells_of(columns, row, options)
  local cells = {}
  for i = 1, #columns do
    cells[i] = cell_text(row[i], options.types and options.types[i], options.null or NULL)
  end
  return cells
end

---@class pghost.print.Printer
---@field head string names and a line below them
---@field line fun(row: table): string
---@field shown integer columns
---@field cut boolean something of what was shown was cut

--- How rows become lines of a table whose widths come from some of them; later rows are cut to these.
---@param columns string[]
---@param rows table[]
---@param options? pghost.print.Options
---@return pghost.print.Printer
function M.printer(columns, rows, options)
  options = options or {}
  local names, right, cells = {}, {}, {}
  for i, name in ipairs(columns) do
    names[i], right[i] = harmless(name), is_numeric(rows, #rows, i, options.types)
  end
  for i, row in ipairs(rows) do
    cells[i] = cells_of(columns, row, options)
  end
  local types = options.show_types and options.types
  local widths = measure(names, cells, types)
  for i = #widths, options.width and options.leave_out and fitting(widths, options.width) + 1 or #widths + 1, -1 do
    widths[i] = nil
  end
  if options.width then
    shrink(widths, options.width)
  end
  local printer = { shown = #widths, cut = false }
  local function fit(texts)
    local text, is_cut = line(texts, widths, right)
    printer.cut = printer.cut or is_cut
    return (options.width and cut(text, options.width) or text) .. "\n"
  end
  local below = rule(widths)
  printer.head = fit(names) .. (types and fit(types) or "")
    .. (options.width and cut(below, options.width) or below) .. "\n"
  printer.line = function(row)
    return fit(cells_of(columns, row, options))
  end
  return printer
end

--- An aligned table as text, with the number of rows below it.
---@param columns string[] names of the columns
---@param rows table[] or anything with # and [i]; row[i] is the value of column i, nil is NULL
---@param options? pghost.print.Options
---@return string
function M.format(columns, rows, options)
  options = options or {}
  local shown = {}
  for i = 1, math.min(#rows, options.limit or #rows) do
    shown[i] = rows[i]
  end
  local printer = M.printer(columns, shown, options)
  local out = { printer.head }
  for i, row in ipairs(shown) do
    out[i + 1] = printer.line(row)
  end
  return table.concat(out) .. footer(#shown, #rows) .. "\n"
end

local function terminal_width(file)
  if file ~= io.stdout then
    return nil
  end
  return require("pghost.native.sys").columns(1)
end

--- Prints the result of a query; of a statement without rows, how many rows it touched. On a
--- terminal cells are cut to its width.
---@param result pghost.Result
---@param options? pghost.print.Options
function M.result(result, options)
  options = setmetatable({}, { __index = options or {} })
  local file = options.file or io.stdout
  local columns = result:columns()
  if #columns == 0 then
    local count = result.affected or 0
    file:write(count == 1 and "(1 row affected)\n" or ("(%d rows affected)\n"):format(count))
    return
  end
  options.types = options.types or result:types()
  options.width = options.width or terminal_width(file)
  file:write(M.format(columns, result, options))
end

return M
