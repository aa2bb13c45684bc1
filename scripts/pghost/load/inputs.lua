-- Finds, inspects and opens the files of a load. Nothing else opens a file to load it.
--
-- Each is opened once to read its header before anything is loaded. Sources that can be read only once stay open.

local auto_dialect = require "pghost.input.auto_dialect"
local contents = require "pghost.input.contents"
local dialect = require "pghost.input.dialect"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local other_delimiter = require "pghost.input.other_delimiter"

local M = {}

---@alias pghost.load.Say fun(level: "info"|"warn", kind: string, text: string, fields?: table)

--- The files that a user names, each once.
---@param spec string|string[]
---@param folder? string that relative paths are relative to
---@param say pghost.load.Say
---@return pghost.File[]
function M.find(spec, folder, say)
  local found, same, passed = files.resolve(spec, folder)
  for _, one in ipairs(passed) do
    say("warn", "files", files.describe_passed(one))
  end
  for _, one in ipairs(same) do
    say("warn", "files", ("'%s' is the same file as '%s': it is read once"):format(one.path, one.same_as))
  end
  return found
end

--- Opens a file as it was planned.
---@param file pghost.PlannedFile
---@return pghost.Source
function M.open(file)
  if file.source then
    return file.source
  end
  local source = errors.check(contents.open(file, file.reading))
  if file.skip_to then
    errors.check(source:skip_to(file.skip_to))
  end
  return source
end

local function is_headerless(options, file)
  if file.records then
    return file.records.headerless
  end
  return options.header == false or options.header == 0 or auto_dialect.headerless(file)
end

-- A delimiter that was neither given nor detected may be wrong.
local function tell_other_delimiter(file, source, options, say)
  local hint = options.delimiter == nil and not file.dialect and not file.records and not file.headerless
    and other_delimiter.hint(file.name, source:written_columns())
  if hint then
    say("warn", "dialect", hint)
  end
end

local function tell(file, source, options, say)
  local found = dialect.note_encoding(file, source)
  if found then
    say("info", "encoding", found, { encoding = file.encoding })
  end
  local level = options.header_names == "repair" and "info" or "warn" -- info: the user has decided it
  for _, text in ipairs(dialect.renamed(source)) do
    say(level, "columns", ("%s: %s"):format(file.name, text))
  end
end

--- Finds out how a file is read and what its header is; fills that in.
---@param file pghost.File
---@param options pghost.Dialect of the load
---@param more table options of csv.open that win
---@param say pghost.load.Say
---@param goal? pghost.input.Goal what a sniffed header is held against
function M.look(file, options, more, say, goal)
  if not file.records then
    auto_dialect.sniff(options, file, function(text, fields, level)
      say(level, "dialect", text, fields)
    end, goal)
    file.reading = auto_dialect.apply(dialect.of_file(options, file, more), file)
  end
  local source = M.open(file)
  file.header, file.line_end, file.headerless = source:columns(), source:line_end(), is_headerless(options, file)
  file.field_bytes = source:field_bytes()
  tell(file, source, options, say)
  tell_other_delimiter(file, source, options, say)
  file.reading.encoding = file.encoding
  if file.read_once then
    file.source = source
  else
    source:close()
  end
end

return M
