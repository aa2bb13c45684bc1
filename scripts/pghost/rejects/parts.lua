-- Turns the records of a rejects file into files for a load: those with one header together, in memory.
--
-- Fields are written as standard CSV; records that could not be split keep their original bytes, in the dialect of
-- their file. One of those may have an unclosed quote, so it is a separate part: it must not swallow the next.

local errors = require "pghost.lib.errors"
local fields_of = require "pghost.rejects.fields"
local log = require "pghost.lib.log"
local recorded_dialect = require "pghost.input.recorded_dialect"
local rejects_reader = require "pghost.rejects.reader"

local M = {}

---@class pghost.rejects.Part records of one file that are read in one way
---@field name string of the file that they are of
---@field contents string what a load reads
---@field path string names it in messages
---@field count integer of records
---@field records table<integer, pghost.rejects.Record> by the line of the part that they start on
---@field standard boolean written here, in standard CSV: else bytes in the dialect of their file
---@field headerless boolean
---@field dialect pghost.Dialect of the load

local function add(part, text, record)
  part.records[part.size + 1] = record
  part.pieces[#part.pieces + 1] = text
  part.pieces[#part.pieces + 1] = "\n"
  part.size = part.size + 1 + select(2, text:gsub("\n", ""))
end

-- If the file had no header, one is added to say how wide its records are.
local function header_line(record, dialect)
  local names, count = record.columns, #record.columns
  if record.headerless then
    names = {}
    for i = 1, count do
      names[i] = "c" .. i
    end
  end
  return recorded_dialect.line(names, count, dialect)
end

local function new_part(record, dialect, path)
  local part = { name = record.file, path = path, pieces = {}, records = {}, count = 0, size = 0,
    standard = record.fields ~= nil, headerless = record.headerless, dialect = dialect }
  add(part, header_line(record, part.standard and {} or dialect))
  return part
end

local function key_of(record, dialect)
  return table.concat({ record.file, record.fields and "fields" or "bytes", tostring(record.headerless),
    tostring(dialect), table.concat(record.columns, "\0") }, "\1")
end

--- Parts of these records, in the order of the first of each.
---@param path string of the rejects file
---@param next_record fun(): pghost.rejects.Record?
---@param dialect_of fun(record: pghost.rejects.Record): pghost.Dialect of their load, in which original bytes are: one
--- table for all that are the same
---@return pghost.rejects.Part[]
function M.of(path, next_record, dialect_of)
  local parts, by_key = {}, {}
  for record in next_record do
    local dialect = dialect_of(record)
    local key = key_of(record, dialect)
    local alone = not record.fields and not fields_of.is_closed(record.original, dialect)
    local part = not alone and by_key[key] or nil
    if not part then
      part = new_part(record, dialect, path)
      parts[#parts + 1] = part
      by_key[key] = alone and by_key[key] or part
    end
    add(part, record.fields and recorded_dialect.line(record.fields, #record.columns, {}) or record.original, record)
    part.count = part.count + 1
  end
  for _, part in ipairs(parts) do
    part.contents, part.pieces = table.concat(part.pieces), nil
  end
  return parts
end

--- What stands for a rejects file in a load: its records, in parts. Nil for any other file. What can be read only once
--- is never one: to read it again would not give it.
---@param file pghost.File
---@param dialect pghost.Dialect of the load
---@return pghost.rejects.Part[]?
function M.of_file(file, dialect)
  local reader <close> = not file.read_once and rejects_reader.open(file) or nil
  return reader and M.of(file.path, reader:records(), function()
    return dialect
  end)
end

-- The load's options that still apply to standard CSV: they concern values and names.
local kept = { "repeated_header", "header_names", "max_record", "max_record_lines", "max_field" }

--- What a part is read with.
---@param part pghost.rejects.Part
---@return pghost.csv.Options
function M.reading(part)
  local options = { skip = 0, footer = 0, header = true, line_end = "lf", encoding = "utf-8",
    second_table = "reject" }
  if part.standard then
    for _, name in ipairs(kept) do
      options[name] = part.dialect[name]
    end
    options.blank_lines = "keep"
    return options
  end
  for name, value in pairs(part.dialect) do
    if options[name] == nil then
      options[name] = value
    end
  end
  return options
end

--- The line of a reject for messages: in the file that the user gave, which may be a rejects file.
---@param line integer
---@param file pghost.PlannedFile
---@return integer
function M.line_of(line, file)
  local record = file.records and file.records.records[line]
  return record and record.at or line
end

--- Raises where records of a rejects file were read as others than they are: a record must not be marked as taken in
--- that became part of another.
---@param plan pghost.Plan
---@param result pghost.Result
function M.check(plan, result)
  for i, file in ipairs(plan.files) do
    local counts = result.files[i].counts
    local part = file.records
    local skipping = part and part.dialect.repeated_header == "skip"
    if part and counts and counts.records ~= part.count and not skipping then
      errors.raise(("%s of '%s' read as %s: correct what is in _original, above all its quotes"):format(
        log.counted(part.count, "record"), part.name, log.count(counts.records)), "data", { file = file.name })
    end
  end
end

return M
