-- What `pghost load` is going to do: its files, their headers, the table, the program of each COPY.
--
-- Whatever does not fit stops here, before anything is loaded.

local auto_dialect = require "pghost.input.auto_dialect"
local column_names = require "pghost.load.columns"
local csv = require "pghost.native.csv"
local dialects = require "pghost.input.dialect"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local header = require "pghost.copy_in.header"
local log = require "pghost.lib.log"
local printable = require("pghost.input.printable").printable
local rejects = require "pghost.copy_in.rejects"
local target = require "pghost.copy_in.target"
local types = require "pghost.copy_in.types"

local M = {}

---@class pghost.copy_in.File: pghost.File
---@field id integer position in the load
---@field header string[]
---@field headerless boolean
---@field header_names? string[] names of the header in a table that was made after it
---@field map integer[] per column of its batch the position in the file
---@field source? pghost.Source of what can be read only once, open
---@field open_path? string of a part of a rejects file
---@field lines? table<integer, integer> per line of that part the line of the rejects file
---@field counts? pghost.Counts

---@class pghost.copy_in.Batch files that give the same columns
---@field names string[]
---@field program pghost.Program
---@field as_text boolean
---@field files pghost.copy_in.File[]

---@class pghost.copy_in.Job
---@field options pghost.copy_in.Options
---@field conn pghost.Connection
---@field target? pghost.copy_in.Target
---@field files pghost.copy_in.File[]
---@field parts table[] of rejects files, closed with the job
---@field batches pghost.copy_in.Batch[]
---@field spool pghost.copy_in.Spool
---@field writer? pghost.copy_in.Writer
---@field session pghost.copy_in.Session
---@field totals table<string, integer>

local most_columns = 1600 -- of a table of the server (MaxHeapAttributeNumber)

local function is_headerless(options)
  return options.header == false or options.header == 0
end

local function has_column(columns, name)
  for _, column in ipairs(columns) do
    if column.name == name then
      return true
    end
  end
  return false
end

-- Without a header: how many fields a record must have, where the table says so.
local function columns_by_order(job)
  local options = job.options
  if not is_headerless(options) or options.rules or not job.target then
    return nil
  end
  local count, extra = 0, options.too_many == "extra" or options.tolerant and options.too_many == nil
  for _, column in ipairs(job.target.columns) do
    count = count + ((column.generated or extra and column.name == "_extra") and 0 or 1)
  end
  return count > 0 and count or nil
end

-- The tolerant keep extra fields where there is a column for them.
local function dialect(job, file)
  local options = job.options
  local columns = options.rules and options.rules:columns() or (job.target and job.target.columns)
  local extra = not columns or has_column(columns, "_extra")
  local more = file.lines and rejects.dialect_of_part(is_headerless(options)) or {}
  more.any_header = true
  more.columns = columns_by_order(job)
  more.too_many = options.too_many or (options.tolerant and (extra and "extra" or "cut")) or nil
  return dialects.of_file(options, file, more)
end

--- Opens a file of a job, its header read.
---@param job pghost.copy_in.Job
---@param file pghost.copy_in.File
---@return pghost.Source
function M.open_source(job, file)
  return errors.check(csv.open(file.open_path or file.path, auto_dialect.apply(dialect(job, file), file)))
end

-- A table with these very columns takes a rejects file as it is.
local function takes_rejects_file(job)
  if not job.target then
    return true
  end
  local names, count = {}, 0
  for _, column in ipairs(job.target.columns) do
    names[column.name] = true
  end
  for _, name in ipairs(rejects.columns) do
    count = count + (names[name] and 1 or 0)
  end
  return count == #rejects.columns
end

local function rejects_dialect(job, file)
  local options = rejects.dialect(job.options)
  options.member = file.member
  return options
end

-- The records of a rejects file instead of the file itself.
local function add_parts(job, file)
  local source <close> = errors.check(csv.open(file.path, rejects_dialect(job, file)))
  local parts = rejects.parts(file.name, source, is_headerless(job.options))
  job.parts[#job.parts + 1] = parts
  for _, part in ipairs(parts) do
    job.options.say(("%s holds %s of '%s'"):format(file.name, log.counted(part.records, "rejected record"), part.name))
    if part.records > 0 then
      job.files[#job.files + 1] = { path = file.path, name = file.name, open_path = part.path, lines = part.lines,
        encoding = "utf-8" }
    end
  end
end

-- What can be read only once is never one: to read it again would not give it.
local function is_rejects_file(job, file)
  if file.read_once or takes_rejects_file(job) then
    return false
  end
  local source <close> = csv.open(file.path, rejects_dialect(job, file))
  return source ~= nil and rejects.is_rejects_file(source:columns())
end

-- The whole path; that of a zip and its member, whose name files.lua has made fit for messages.
local function message_name(file)
  if file.path == "-" then
    return "standard input"
  end
  return printable((file.path:match("^.*/") or "")) .. file.name
end

local function add_file(job, file)
  file.name = message_name(file)
  if is_rejects_file(job, file) then
    add_parts(job, file)
    return
  end
  auto_dialect.sniff(job.options, file, job.options.say)
  if file.read_once then
    job.session.once = job.session.once or files.once(file)
  end
  local source = M.open_source(job, file)
  local found = dialects.note_encoding(file, source)
  if found then
    job.options.say(found)
  end
  job.files[#job.files + 1] = file
  if file.read_once then
    file.source = source -- stays open: it cannot be read again
  else
    source:close()
  end
end

--- Finds the files and reads their headers.
---@param job pghost.copy_in.Job
function M.open_files(job)
  local found, again, passed = files.resolve(job.options.files)
  for _, one in ipairs(passed) do
    job.options.say(files.describe_passed(one), "warn")
  end
  for _, one in ipairs(again) do
    job.options.say(("'%s' is the same file as '%s': it is read once"):format(one.path, one.same_as))
  end
  for _, file in ipairs(found) do
    add_file(job, file)
  end
  for i, file in ipairs(job.files) do
    local source = file.source or M.open_source(job, file)
    file.id, file.header = i, source:columns()
    file.headerless = is_headerless(job.options) or auto_dialect.headerless(file)
    for _, text in ipairs(dialects.renamed(source)) do
      job.options.say(("%s: %s"):format(file.name, text))
    end
    if not file.source then
      source:close()
    end
  end
end

local function report_renamed(job, file, names)
  for i, name in ipairs(file.header) do
    if names[i] ~= name and not file.headerless then
      job.options.say(("%s: column %d '%s' is named %s in the table"):format(file.name, i, name, names[i]))
    end
  end
end

-- The columns of a table to make: those of the rules, or text after the headers of all files.
local function columns_to_create(job)
  local definitions, seen = {}, {}
  local function add(name, definition)
    if not seen[name] then
      seen[name] = true
      definitions[#definitions + 1] = job.conn:quote_identifier(name) .. " " .. definition
    end
  end
  if job.options.rules then
    for _, column in ipairs(job.options.rules:columns()) do
      add(column.name, column.type .. (column.required and " NOT NULL" or ""))
    end
    return definitions
  end
  for _, file in ipairs(job.files) do
    local names = header.safe_names(file.headerless and {} or file.header)
    for i = 1, #file.header do
      -- Without a header they are column1 and so on, and _extra behind them is what policies add.
      names[i] = names[i] or (file.header[i] == "_extra" and "_extra" or "column_" .. i)
      add(names[i], "text")
    end
    report_renamed(job, file, names)
    file.header_names = names
  end
  return definitions
end

--- Makes the table of a job.
---@param job pghost.copy_in.Job
function M.create_table(job)
  local schema, name = target.parse(job.options.into, job.options.schema)
  local definitions = columns_to_create(job)
  if #definitions > most_columns then
    errors.raise(("table '%s' would have %d columns, more than the %d that there is room for"):format(name,
      #definitions, most_columns), "data", { file = #job.files == 1 and job.files[1].name or nil })
  end
  target.check_creation(job.conn, schema)
  job.conn:query(("CREATE TABLE %s (%s)"):format(target.quoted(job.conn, schema, name),
    table.concat(definitions, ", ")))
  job.target = target.find(job.conn, schema, name)
end

local function warn_unused(job, file, unused)
  if #unused > 0 then
    job.options.say(("%s: not loaded, since no rule names it: %s"):format(file.name, table.concat(unused, ", ")))
  end
end

-- What all files share when there are rules: the rules' columns.
local function plan_by_rules(job)
  local rules = job.options.rules
  local program, as_text = types.program_of_rules(job.target, rules, job.options.null_text)
  local names = column_names.names(rules)
  local batch = { program = program, as_text = as_text, names = names, files = job.files }
  for _, file in ipairs(job.files) do
    local unused
    file.map, unused = header.match_names(file.name, file.header, names, file.headerless)
    warn_unused(job, file, unused)
  end
  job.batches = { batch }
end

-- Files one behind the other that give the same columns share a COPY.
local function plan_by_header(job)
  local utc = types.is_utc(job.conn)
  job.batches = {}
  for _, file in ipairs(job.files) do
    local columns
    local by_order = file.headerless and not file.header_names
    columns, file.map = header.match(file.name, file.header_names or file.header, job.target, by_order)
    local names = column_names.names(columns)
    local batch = job.batches[#job.batches]
    if not batch or table.concat(batch.names, "\0") ~= table.concat(names, "\0") then
      batch = { names = names, files = {} }
      batch.program, batch.as_text = types.program(columns, { null_text = job.options.null_text, utc = utc })
      job.batches[#job.batches + 1] = batch
    end
    batch.files[#batch.files + 1] = file
  end
end

--- Matches every file with the table, and puts those that share a COPY together.
---@param job pghost.copy_in.Job
function M.make(job)
  if job.options.rules then
    plan_by_rules(job)
  else
    plan_by_header(job)
  end
end

return M
