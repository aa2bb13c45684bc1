-- The rejects file, which the user corrects and returns: its columns, its cells, and writing it.
--
-- Standard CSV, whatever the files of the records were: UTF-8, commas, quotes doubled. First the columns of those files
-- by their own names, each once, in order of appearance; then those below. The fields of a record stand under the
-- columns of its file; `_original` has the original bytes of records that cannot be split. reader.lua reads it.

local contents = require "pghost.input.contents"
local errors = require "pghost.lib.errors"
local fields_of = require "pghost.rejects.fields"
local lfs = require "lfs"
local recorded_dialect = require "pghost.input.recorded_dialect"
local written_file = require "pghost.lib.atomic_file"

local M = {}

--- The columns after those of the files. `_reject`: the number of the reject in pghost.rejects, or a hash of content,
--- line and original bytes. `_columns`, only where the files differ: the header of the record's file, or *N for N
--- columns without a header.
M.columns = { "_reject", "_file", "_line", "_column", "_reason", "_original" }
M.which_columns = "_columns"

--- Only of `pghost load`: into which table, with which options (load_call.lua).
M.load = "_load"

--- What the file itself is read with.
---@type pghost.csv.Options
M.reading = { delimiter = ",", quote = '"', max_record = 512 * 1024 * 1024, any_header = true, blank_lines = "keep" }

-- Cells ------------------------------------------------------------------------------------------------
--
-- What a spreadsheet would calculate becomes text by an apostrophe (OWASP: CSV injection). An apostrophe that is there
-- already gets another, so that removing one restores the cell.

local formula = "^'*[=+%-@\t\r]"

-- The first byte of such a cell: checking one byte is faster than a pattern, and most cells start with another.
local apostrophe <const> = ("'"):byte()
local first_bytes = {}
for _, byte in ipairs { string.byte("'=+-@\t\r", 1, -1) } do
  first_bytes[byte] = true
end

--- A cell that no spreadsheet calculates.
---@param text? string
---@return string?
---@return boolean changed
function M.inert(text)
  local changed = type(text) == "string" and first_bytes[text:byte()] and text:find(formula) ~= nil or false
  return changed and "'" .. text or text, changed
end

--- What such a cell stands for.
---@param text? string
---@return string?
function M.restored(text)
  return text and text:byte() == apostrophe and text:find(formula) and text:sub(2) or text
end

-- Recognising --------------------------------------------------------------------------------------------

--- Whether a header is that of a rejects file.
---@param header string[]
---@return boolean
function M.is_header(header)
  local there = {}
  for _, name in ipairs(header) do
    there[name] = true
  end
  return there._reject and there._file and there._line and there._reason and there._original or false
end

-- Commas; spreadsheets write their locale's separator instead.
local delimiters = { ",", ";", "\t" }

--- Opens a rejects file; nil where it is none.
---@param file pghost.File path, and what else is known of it
---@return pghost.Source?
function M.open(file)
  for _, delimiter in ipairs(delimiters) do
    local options = { delimiter = delimiter, member = file.member }
    for name, value in pairs(M.reading) do
      options[name] = options[name] or value
    end
    local source = contents.open(file, options)
    local header = source and source:columns() or {}
    if source and M.is_header(header) then
      return source
    elseif source then
      source:close()
    end
    if not table.concat(header, ","):find("_reject", 1, true) then
      return nil -- whatever delimits it
    end
  end
end

-- Writing ------------------------------------------------------------------------------------------------

---@class pghost.rejects.Writer
---@field file pghost.WrittenFile
---@field line fun(values: table, count: integer): string
---@field records integer
---@field width integer columns of the files
---@field all integer columns
---@field inert integer cells of those that a spreadsheet would have taken for a formula
local Writer = {}
Writer.__index = Writer

local function has_load(sources)
  return sources[1] ~= nil and sources[1].load ~= nil
end

local function is_among(path, loaded)
  local attributes = lfs.attributes(path)
  for _, file in ipairs(loaded) do
    local other = lfs.attributes(file.path)
    if other and attributes and other.dev == attributes.dev and other.ino == attributes.ino then
      return true
    end
  end
  return false
end

-- Somebody may have corrected records of a file that is there.
local function check_overwriting(path, loaded)
  if lfs.attributes(path, "mode") ~= "file" or lfs.attributes(path, "size") == 0 or is_among(path, loaded) then
    return
  end
  local source <close> = M.open { path = path }
  if source and not source:records()() then
    return
  end
  errors.raise(("'%s' exists, and corrections in it would be lost: load or remove it, or give --force")
    :format(path), "EEXIST", { exit = 1 })
end

--- Begins a rejects file, before anything is loaded: an unwritable place, and an existing file, are detected
--- early. It is one for all attempts at a load.
---@param path string "-" is standard output
---@param options? { force?: boolean, loaded?: pghost.File[] } loaded: files that are taken in with the same command
---@return pghost.rejects.Writer writer to be kept in a `<close>` variable
function M.writer(path, options)
  if not (options and options.force) then
    check_overwriting(path, options and options.loaded or {})
  end
  return setmetatable({ file = written_file.begin(path, "the rejects"), line = recorded_dialect.liner {} }, Writer)
end

function Writer:put(values, count)
  for i = 1, count do
    local changed
    values[i], changed = M.inert(values[i])
    self.inert = self.inert + (changed and i <= self.width and 1 or 0)
  end
  self.file:write(self.line(values, count), "\n")
end

-- The positions of each source's columns: a name that a source has twice appears twice.
local function places_of(sources)
  local all, by_name = {}, {}
  for _, source in ipairs(sources) do
    local seen = {}
    source.places = {}
    for i, name in ipairs(source.header) do
      seen[name] = (seen[name] or 0) + 1
      local key = seen[name] .. name
      if not by_name[key] then
        all[#all + 1] = name
        by_name[key] = #all
      end
      source.places[i] = by_name[key]
    end
  end
  return all
end

local function differ(sources)
  for _, source in ipairs(sources) do
    if source.headerless or table.concat(source.header, "\0") ~= table.concat(sources[1].header, "\0") then
      return true
    end
  end
  return false
end

--- Writes the header.
---@param sources pghost.rejects.Source[] all that records will be of
function Writer:begin(sources)
  self.file:again()
  self.records, self.inert = 0, 0
  local all = places_of(sources)
  self.width = #all
  self.with_columns = differ(sources)
  for _, source in ipairs(sources) do
    source.which = source.headerless and "*" .. #source.header or self.line({ table.unpack(source.header) },
      #source.header)
  end
  table.move(M.columns, 1, #M.columns, #all + 1, all)
  all[#all + 1] = self.with_columns and M.which_columns or nil
  all[#all + 1] = has_load(sources) and M.load or nil
  self.all = #all
  if not self.file:is_final() then
    self.file:write("\u{feff}") -- by which spreadsheets know UTF-8
  end
  self:put(all, #all)
end

---@class pghost.rejects.Rejected
---@field id integer|string
---@field line? integer
---@field column? string
---@field reason string
---@field original string

--- Writes one record.
---@param source pghost.rejects.Source
---@param reject pghost.rejects.Rejected
function Writer:record(source, reject)
  local values, fields, at = {}, fields_of.split(source, reject.original), self.width
  for i, place in ipairs(fields and source.places or {}) do
    values[place] = fields[i]
  end
  values[at + 1], values[at + 2], values[at + 3] = tostring(reject.id), source.name, reject.line
  values[at + 4], values[at + 5] = reject.column, reject.reason
  values[at + 6] = not fields and fields_of.text(source, reject.original) or nil
  values[at + 7] = self.with_columns and source.which or nil
  values[self.all] = source.load or values[self.all]
  self.records = self.records + 1
  self:put(values, self.all)
end

function Writer:is_final()
  return self.file:is_final()
end

function Writer:finish()
  self.file:finish()
end

---@param loaded? boolean
function Writer:keep(loaded)
  self.file:keep(loaded and "the load is committed; " or nil)
end

function Writer:close()
  self.file:close()
end

Writer.__close = Writer.close

return M
