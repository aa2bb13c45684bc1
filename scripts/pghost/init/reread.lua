-- Sniffs a file that is read with the user's options: lines skipped, records padded, no header. Sniffing sees a copy of
-- the records as the reader gives them, so that columns and types are those of the load.

local contents = require "pghost.input.contents"
local dialect = require "pghost.input.dialect"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local names = require "pghost.catalog.names"
local sniff = require "pghost.sniff"
local sys = require "pghost.native.sys"

local M = {}

-- What sniffing adds to the given options: how bytes are split into fields, but not which lines are records.
local of_fields = { "delimiter", "quote", "escape", "encoding", "skip_blanks", "blanks_after_quote", "line_end" }

-- The options that sniffing itself accepts.
local plain = { delimiter = true, quote = true, encoding = true, escape = true, line_end = true, skip_blanks = true }

--- Whether the user has said more than sniffing takes into account.
---@param given table dialect options
---@return boolean
function M.is_needed(given)
  for name in pairs(given) do
    if not plain[name] then
      return true
    end
  end
  return false
end

local function field(text)
  if text == nil then
    return ""
  end
  return '"' .. text:gsub('"', '""') .. '"'
end

local function write_record(out, record, width)
  local fields = {}
  for i = 1, width do
    fields[i] = field(record[i])
  end
  errors.check(out:write(table.concat(fields, ","), "\n"))
end

-- The records as plain CSV; the number of records, and of unreadable ones.
local function copy(source, out, header)
  local width, records, misfits = #source:columns(), 0, 0
  if header then
    write_record(out, header, width)
  end
  for _, record in source:records() do
    records = records + 1
    if record then
      write_record(out, record, width)
    else
      misfits = misfits + 1
    end
  end
  errors.check(out:flush())
  return records, misfits
end

local function open(file, options)
  return (errors.check(contents.open(file, dialect.of_file(options, file, { any_header = true }))))
end

-- With a header that sniffing sees as one; else without any.
local function sniff_copy(file, options, with_header)
  local source <close> = open(file, options)
  local out <close>, path = errors.check(sys.temporary_file())
  local header = source:columns()
  local records, misfits = copy(source, out, with_header and header)
  if records == misfits then
    return nil
  end
  local found = sniff.sniff(path, { sample = "all", delimiter = ",", quote = '"', encoding = "utf-8" })
  local right = found.dialect.header.value == (with_header and 1 or 0) and #found.columns == #header
    and not found.dialect.skip and not found.dialect.footer and not found.dialect.comment
  found.records, found.misfits, found.file = records, misfits, file.path
  return right and found, header
end

-- How each column is found in the file.
local function name_columns(columns, header, headerless)
  local times, made = {}, names.identifiers(header)
  for _, name in ipairs(header) do
    times[names.fold(name)] = (times[names.fold(name)] or 0) + 1
  end
  for i, column in ipairs(columns) do
    local name, key = header[i], names.fold(header[i])
    local good = not headerless and times[key] == 1 and name ~= "" and utf8.len(name) and not name:find("%c")
    column.name, column.header = made[i], name
    column.from = not good and i or key ~= made[i] and name or nil
  end
end

local function only_of_columns(warnings)
  return lists.filter(warnings, function(warning)
    return warning:find("^column '")
  end)
end

--- Looks at a file that the user has said how to read; raises where that is not clear.
---@param file pghost.File
---@param sniffed table options that were found
---@param given table options of the user, which stand
---@return pghost.sniff.Result
---@return table options
function M.look(file, sniffed, given)
  local options = {}
  for _, name in ipairs(of_fields) do
    options[name] = sniffed[name]
  end
  options = lists.merged(options, given)
  local found, header = sniff_copy(file, options, true)
  if not found then
    found, header = sniff_copy(file, options, false)
  end
  if not found then
    errors.raise("the types are not clear when it is read with these options; write its rules by hand", "data",
      { file = file.name })
  end
  name_columns(found.columns, header, options.header == false)
  found.warnings = only_of_columns(found.warnings)
  if found.misfits > 0 then
    found.warnings[#found.warnings + 1] = ("%d of its records cannot be read this way: they are rejected"):format(
      found.misfits)
  end
  return found, options
end

return M
