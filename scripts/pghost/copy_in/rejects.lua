-- The rejects file of `pghost load`, which a user corrects and loads again.
--
-- It is CSV in the dialect of the load, but in quotes also where that has none. Before the first reject of
-- each source stands a row of rule "header" with that source's header as `original`, so that the file is
-- enough to load what was corrected. It is UTF-8, whatever the sources were in, but for originals that are
-- not valid in their encoding: those are the bytes as they were.

local csv = require "pghost.native.csv"
local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local read_as = require "pghost.input.recorded_dialect"
local sys = require "pghost.native.sys"

local M = {}

M.columns = { "file", "line", "byte_offset", "byte_length", "column", "rule", "reason", "original" }

-- Of the reader: lines up to four times as long as a record may be can be rejects.
local default_max_record, most_max_record = 16 * 1024 * 1024, 512 * 1024 * 1024

-- What a record of a rejects file can take: an original of nothing but quotes, and what stands before it.
local function longest(options)
  return math.min(8 * math.max(options.max_record or 0, default_max_record) + 65536, most_max_record)
end

--- The dialect of the rejects file itself. Its originals are in that of the load.
---@param options pghost.Dialect of the load
---@return pghost.csv.Options
function M.dialect(options)
  local quote = options.quote
  if quote == "" then
    quote = (options.delimiter or ""):find('"', 1, true) and "'" or '"'
  end
  return { delimiter = options.delimiter, quote = quote, escape = options.quote ~= "" and options.escape or nil,
    nul = options.nul, max_record = longest(options), any_header = true }
end

--- What the originals of a rejects file are read with in the place of the load's options: these were about
--- lines of the file that they come from.
---@param headerless boolean
---@return pghost.Dialect
function M.dialect_of_part(headerless)
  return { skip = 0, footer = 0, header = not headerless, line_end = "lf" }
end

--- The line of a reject in the file that the user gave, which may be a rejects file.
---@param reject pghost.copy_in.Reject
---@param files pghost.copy_in.File[]
---@return integer
function M.line_of(reject, files)
  local lines = files[reject.file_id].lines
  return lines and lines[reject.line] or reject.line
end

-- Writing ---------------------------------------------------------------------------------------

--- A new file beside the one meant, which takes its place when complete; what is no ordinary file
--- (a pipe, /dev/stdout) is written to as it is.
---@param path string
---@return file* file
---@return string written path of it
function M.open_beside(path)
  local mode = lfs.attributes(path, "mode")
  local written = (mode == nil or mode == "file") and ("%s.%d.tmp"):format(path, sys.pid()) or path
  local file, message = io.open(written, "wb")
  if not file then
    errors.raise(("could not write the rejects: %s"):format(message), "EACCES")
  end
  return file, written
end

local function text_of(original, encoding)
  return encoding and encoding ~= "utf-8" and csv.decode(original, encoding) or original
end

---@class pghost.copy_in.Writer
local Writer = {}
Writer.__index = Writer

--- Begins a rejects file, before anything is loaded: an unwritable place is found out early. It is
--- one for all attempts at a load.
---@param path string
---@param options pghost.Dialect of the load
---@return pghost.copy_in.Writer
function M.writer(path, options)
  local file, written = M.open_beside(path)
  return setmetatable({ path = path, written = written, file = file, options = options,
    text = read_as.liner(M.dialect(options)) }, Writer)
end

function Writer:check(ok, message)
  if not ok then
    errors.raise(("could not write '%s': %s"):format(self.path, message), "EIO")
  end
end

--- Whether what is written cannot be taken back.
function Writer:is_final()
  return self.written == self.path
end

function Writer:line(values, count)
  self:check(self.file:write(self.text(values, count), "\n"))
end

--- Writes all rejects of a spool: of the file's first writing, or instead of what an earlier attempt wrote.
---@param spool pghost.copy_in.Spool
---@param files table[] of the load, by file_id
function Writer:write(spool, files)
  if not self.file then
    local message
    self.file, message = io.open(self.written, "wb")
    self:check(self.file, message)
  end
  self:line(M.columns, #M.columns)
  local current
  for reject in spool:rejects() do
    local file = files[reject.file_id]
    local again = file.lines ~= nil -- its offsets are those of a file that is gone
    if reject.file_id ~= current and not file.headerless then
      self:line({ file.name, 1, nil, nil, nil, "header", nil,
        read_as.line(file.header, #file.header, self.options) }, #M.columns)
    end
    current = reject.file_id
    self:line({ file.name, M.line_of(reject, files), not again and reject.offset or nil, reject.length,
      reject.column, reject.rule, reject.reason, text_of(reject.original, file.encoding) }, #M.columns)
  end
  local file = self.file
  self.file = nil
  self:check(file:close())
end

--- Puts what was written in its place: when it is known that nothing is taken back any more.
---@param loaded? boolean
function Writer:keep(loaded)
  self.done = true
  local ok, message = true, nil
  if not self:is_final() then
    ok, message = os.rename(self.written, self.path)
  end
  if not ok then
    errors.raise(("could not write '%s': %s; %sthe rejects are in '%s'"):format(self.path, message,
      loaded and "the load is committed, and " or "", self.written), "EIO")
  end
end

--- Leaves nothing of a file that was not finished.
function Writer:close()
  if self.file then
    self.file:close()
    self.file = nil
  end
  if not self.done and self.written ~= self.path then
    os.remove(self.written)
  end
end

Writer.__close = Writer.close

-- Reading again ---------------------------------------------------------------------------------

--- Whether a header is that of a rejects file.
---@param header string[]
---@return boolean
function M.is_rejects_file(header)
  return table.concat(header, "\0") == table.concat(M.columns, "\0")
end

-- The original records of one source in a temporary file, and per line of it the line of the rejects file.
local function new_part()
  local file, path = errors.check(sys.temporary_file())
  return { path = path, file = file, lines = {}, count = 0, records = 0 }
end

local function add(part, text, line)
  part.lines[part.count + 1] = line
  part.file:write(text, "\n")
  part.count = part.count + 1 + select(2, text:gsub("\n", ""))
end

local function close_parts(parts)
  for _, part in ipairs(parts) do
    if part.file then
      part.file:close()
      part.file = nil
    end
  end
end

-- A rejected record that repeats the header has a reason.
local function is_header(record)
  return record[6] == "header" and (record[7] or "") == ""
end

--- The records that a rejects file holds, one part for each source: files to load instead of it.
---@param path string for messages
---@param source pghost.Source the rejects file, just opened
---@param headerless boolean the sources had no header
---@return { path: string, name: string, lines: table<integer, integer>, records: integer }[] parts closed by their user
function M.parts(path, source, headerless)
  local parts, by_name = setmetatable({}, { __close = close_parts }), {}
  local _ <close> = setmetatable({}, { __close = function(_, problem)
    if problem ~= nil then
      close_parts(parts)
    end
  end })
  for line, record, problem in source:records() do
    if not record then
      errors.raise(problem, "data", { file = path, line = line })
    end
    local name, original = record[1] or "", record[8]
    local part = by_name[name]
    if not part then
      part = new_part()
      part.name = name
      by_name[name], parts[#parts + 1] = part, part
      if not is_header(record) and not headerless then
        errors.raise(("no row of rule 'header' before the first record of '%s': if it had none, add --no-header")
          :format(name), "data", { file = path, line = line })
      end
    elseif is_header(record) then
      original = nil -- of a second rejects file behind the first
    end
    if original then
      add(part, original, line)
      part.records = part.records + (is_header(record) and 0 or 1)
    end
  end
  for _, part in ipairs(parts) do
    assert(part.file:flush())
  end
  return parts
end

return M
