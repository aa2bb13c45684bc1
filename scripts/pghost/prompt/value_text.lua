-- Tables, functions and handles as text for people: fields in the order of their names, to a depth that fits, and never
-- an address.

local terminal = require "pghost.lib.terminal"

local M = {}

local deepest = 4 -- tables in tables
local most = 200 -- fields of one table

local function is_name(key)
  return type(key) == "string" and key:find("^[%a_][%w_]*$") ~= nil
end

local function quoted(text)
  return '"' .. terminal.harmless((text:gsub('[\\"]', "\\%0"))) .. '"'
end

-- By kind, so that a mixture of keys has an order too.
local function before(a, b)
  local kind_a, kind_b = type(a), type(b)
  if kind_a == kind_b and (kind_a == "number" or kind_a == "string") then
    return a < b
  end
  return kind_a == kind_b and tostring(a) < tostring(b) or kind_a < kind_b
end

local function sorted_keys(value)
  local keys = {}
  for key in next, value do
    keys[#keys + 1] = key
  end
  table.sort(keys, before)
  return keys
end

local function metatable_of(value)
  local found = getmetatable(value)
  return type(found) == "table" and found or {}
end

--- Whether a table has a text of its own, one without an address.
---@param value table
---@return boolean
function M.has_own_text(value)
  if not rawget(metatable_of(value), "__tostring") then
    return false
  end
  local good, text = pcall(tostring, value)
  return good and not text:find(": 0x%x+")
end

--- The text of a handle: its own, or the name of its kind.
---@param value table|userdata
---@return string
function M.own_text(value)
  local good, text = pcall(tostring, value)
  return ((good and text or "<value that cannot be shown>"):gsub(":? %(?0x%x+%)?", ""))
end

local function function_text(value)
  local facts = debug.getinfo(value, "Su")
  if facts.what == "C" then
    return "<native function>"
  end
  local names = {}
  for i = 1, facts.nparams do
    names[i] = debug.getlocal(value, i)
  end
  names[#names + 1] = facts.isvararg and "..." or nil
  return ("<function (%s) at %s:%d>"):format(table.concat(names, ", "), facts.short_src, facts.linedefined)
end

--- A value that is not opened: a function with its parameters, a table with the number of its fields.
---@param value any
---@return string
function M.short(value)
  local kind = type(value)
  if kind == "string" then
    return quoted(value)
  elseif kind == "function" then
    return function_text(value)
  elseif kind == "thread" then
    return ("<coroutine, %s>"):format(coroutine.status(value))
  elseif kind == "table" and not M.has_own_text(value) then
    local count = #sorted_keys(value)
    return next(value) == nil and "{}" or count == 1 and "{1 field}" or ("{%d fields}"):format(count)
  elseif kind == "table" or kind == "userdata" then
    return M.own_text(value)
  end
  return tostring(value)
end

local write_table

local function value_text(value, state, depth)
  if type(value) ~= "table" or M.has_own_text(value) then
    return M.short(value)
  elseif state.open[value] then
    return "<the table itself>"
  elseif depth >= deepest or next(value) == nil then
    return M.short(value)
  end
  return write_table(value, state, depth + 1)
end

local function key_text(key)
  return is_name(key) and key or "[" .. (type(key) == "string" and quoted(key) or M.short(key)) .. "]"
end

-- In one line where that fits.
function write_table(value, state, depth)
  local parts, length = {}, #value
  state.open[value] = true
  for _, key in ipairs(sorted_keys(value)) do
    local is_item = math.type(key) == "integer" and key >= 1 and key <= length
    local text = value_text(rawget(value, key), state, depth)
    parts[#parts + 1] = is_item and text or key_text(key) .. " = " .. text
    if #parts == most then
      parts[#parts + 1] = "..."
      break
    end
  end
  state.open[value] = nil
  local name = rawget(metatable_of(value), "__name")
  local head = type(name) == "string" and name .. " {" or "{"
  local flat = head .. " " .. table.concat(parts, ", ") .. " }"
  local indent = ("  "):rep(depth)
  if #flat + #indent <= state.width and not flat:find("\n") then
    return flat
  end
  return ("%s\n%s  %s,\n%s}"):format(head, indent, table.concat(parts, ",\n  " .. indent), indent)
end

--- A table with its fields.
---@param value table
---@param width integer
---@return string
function M.text(value, width)
  return next(value) == nil and "{}" or write_table(value, { open = {}, width = width }, 0)
end

--- The rules of one column, in a line.
---@param column pghost.Column
---@return string
function M.column(column)
  local rules = require "pghost.rules"
  local text = rules.table("t", { { "value", column } }):describe()
  return ((text:match("\n[^\n]*\nvalue%s+([^\n]*)") or column.type):gsub("   +", "  "))
end

--- Writes one row of a result, expanded.
function M.write_row(row, rows)
  local columns, values = {}, {}
  for name, value in pairs(row) do
    columns[#columns + 1] = name
    values[#columns] = value
  end
  rows.write(function() end, values, { columns = columns }, setmetatable({ format = "expanded" },
    { __index = rows.settings }))
end

local function is_cell(value)
  local kind = type(value)
  return kind == "string" or kind == "number" or kind == "boolean"
end

-- The names of the fields of all records, if it is a list of records of plain values.
local function record_columns(list)
  local seen, columns = {}, {}
  for _, record in ipairs(list) do
    if type(record) ~= "table" or getmetatable(record) or next(record) == nil then
      return nil
    end
    for key, value in next, record do
      if not is_name(key) or not is_cell(value) then
        return nil
      end
      if not seen[key] then
        seen[key], columns[#columns + 1] = true, key
      end
    end
  end
  table.sort(columns)
  return columns
end

--- Writes a list of records as a table; false: it is not one.
---@param value any
---@return boolean
function M.write_records(value, rows)
  if type(value) ~= "table" or getmetatable(value) or #value == 0 or #sorted_keys(value) ~= #value then
    return false
  end
  local columns = record_columns(value)
  if not columns then
    return false
  end
  local i = 0
  local function next_row()
    i = i + 1
    local row = value[i] and {}
    for k, name in ipairs(row and columns or {}) do
      row[k] = value[i][name]
    end
    return row
  end
  rows.write(next_row, next_row(), { columns = columns })
  return true
end

return M
