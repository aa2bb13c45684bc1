-- Shows values by kind: results as tables, rules as rules, errors as their message, tables with their fields. For the
-- prompt and `pghost -e`.

local column_rules = require "pghost.rules.column"
local errors = require "pghost.lib.errors"
local fields = require "pghost.prompt.value_text"
local pager = require "pghost.prompt.pager"
local rows = require "pghost.prompt.shown_rows"
local rules = require "pghost.rules"
local sys = require "pghost.native.sys"
local terminal = require "pghost.lib.terminal"

local M = {}

-- Text is text, also over several lines; to a terminal without what could harm it.
local function plain(text)
  if not sys.is_tty(1) then
    return text
  end
  return (text:gsub("[^\n\t]+", terminal.harmless))
end

local function is_sniff_result(value)
  return type(value.dialect) == "table" and type(value.looked_at) == "string" and type(value.columns) == "table"
end

local function name_of(value)
  local metatable = getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__name") or nil
end

local function table_text(value)
  if rules.is(value) then
    return value:describe(sys.columns(1))
  elseif errors.is(value) then
    return tostring(value)
  elseif column_rules.is(value) then
    return fields.column(value)
  elseif is_sniff_result(value) then
    return (require("pghost.sniff").text(value, sys.columns(1)):gsub("\n$", ""))
  end
  return fields.text(value, sys.columns(1) or 120)
end

--- One value as text, without a newline at the end.
---@param value any
---@return string
function M.text(value)
  local kind = type(value)
  if kind == "string" then
    return plain(value)
  elseif kind == "table" and not (getmetatable(value) and fields.has_own_text(value)) then
    return table_text(value)
  elseif kind == "table" or kind == "userdata" then
    return plain(fields.own_text(value))
  elseif kind == "function" or kind == "thread" then
    return fields.short(value)
  end
  return tostring(value)
end

local function own_writer(value)
  local metatable = type(value) == "table" and getmetatable(value)
  local writer = type(metatable) == "table" and rawget(metatable, "__show")
  return type(writer) == "function" and writer or nil
end

-- Values that show themselves by writing rows.
local function write(value)
  if name_of(value) == "pghost.native.result" then
    rows.result(value)
  elseif type(value) == "table" and name_of(value) == "pghost.native.row" then
    fields.write_row(value, rows)
  elseif own_writer(value) then
    own_writer(value)(value)
  elseif not fields.write_records(value, rows) then
    return false
  end
  return true
end

local function is_scalar(value)
  local kind = type(value)
  return kind ~= "table" and kind ~= "userdata"
end

--- Prints values; those of one line are side by side, as `print` has them.
function M.print(...)
  local count, line = select("#", ...), {}
  local function flush()
    if #line > 0 then
      io.stdout:write(table.concat(line, "\t"), "\n")
    end
    line = {}
  end
  for i = 1, count do
    local value = select(i, ...)
    if value == io.stdout and count == 1 then
      return -- of io.write
    elseif is_scalar(value) then
      line[#line + 1] = M.text(value)
    else
      flush()
      if not write(value) then
        local output <close> = pager.open(rows.settings)
        output:write(M.text(value), "\n")
      end
    end
  end
  flush()
  io.stdout:flush()
end

--- `print` of the prompt: what has no text of its own is shown as what it is, instead of as an address.
function M.print_values(...)
  local parts = table.pack(...)
  for i = 1, parts.n do
    local kind = type(parts[i])
    local is_opaque = kind == "table" or kind == "userdata" or kind == "function" or kind == "thread"
    parts[i] = is_opaque and M.text(parts[i]) or tostring(parts[i])
  end
  io.stdout:write(table.concat(parts, "\t"), "\n")
end

return M
