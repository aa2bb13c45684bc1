-- Rows at the prompt: shown as they arrive, in constant memory, as a table or expanded.

local pager = require "pghost.prompt.pager"
local print_ = require "pghost.lib.print"
local row_writers = require "pghost.lib.row_writers"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.prompt.Settings
---@field expanded "on"|"off"|"auto"
---@field timing boolean
---@field pager boolean
---@field output? file* of \o
---@field format? string of \pset: one of row_writers.formats
---@field null? string

local sample = 100 -- rows that `auto` takes the width of a table from

---@type pghost.prompt.Settings
M.settings = { expanded = "off", timing = false, pager = true }

local function width_of(settings)
  return not settings.output and sys.columns(1) or nil
end

-- Whether a table of these rows is wider than the terminal.
local function is_wide(rows, columns, types, width)
  local printer = print_.printer(columns, rows, { types = types, show_types = true })
  return #printer.head:match("[^\n]*\n$") - 1 > width
end

local function format_of(settings, rows, columns, types)
  local width = width_of(settings)
  if settings.format and settings.format ~= "table" then
    return settings.format
  elseif settings.expanded == "on" then
    return "expanded"
  elseif settings.expanded == "auto" and width and is_wide(rows, columns, types, width) then
    return "expanded"
  end
  return "table"
end

---@class pghost.prompt.Source
---@field columns string[]
---@field types? string[]

--- Writes rows that come one by one.
---@param next_row fun(): table?
---@param first table? row that has come already
---@param source pghost.prompt.Source
---@param settings? pghost.prompt.Settings
function M.write(next_row, first, source, settings)
  settings = settings or M.settings
  local early = { first }
  while #early > 0 and #early < sample and settings.expanded == "auto" do
    local row = next_row()
    if not row then
      break
    end
    early[#early + 1] = row
  end
  local output <close> = pager.open(settings)
  local writer = row_writers.new(format_of(settings, early, source.columns, source.types), output, {
    columns = source.columns, types = source.types or {}, null = settings.null, width = width_of(settings),
    show_types = source.types ~= nil, whole = "\\x shows all" })
  for _, row in ipairs(early) do
    writer:write(row)
  end
  local row = first and next_row()
  while row and not output.gone do
    writer:write(row)
    row = next_row()
  end
  writer:finish()
end

--- Writes rows that a function gives, from the first.
---@param next_row fun(): table?
---@param source pghost.prompt.Source
function M.each(next_row, source)
  M.write(next_row, next_row(), source)
end

--- Prints a result that is there.
---@param result pghost.native.Result
---@param options? { plain: boolean } plain: no types, NULL is empty, for lists of the catalog
function M.result(result, options)
  local columns = result:columns()
  if #columns == 0 then
    print_.result(result)
    return
  end
  local i = 1
  M.write(function()
    i = i + 1
    return result[i]
  end, result[1], { columns = columns, types = not (options and options.plain) and result:types() or nil },
    options and options.plain and setmetatable({ null = "" }, { __index = M.settings }) or nil)
end

return M
