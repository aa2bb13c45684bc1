-- The original bytes of open rejects as CSV sources, below the header of their files; of corrected ones what they were
-- corrected to.
--
-- Records of one file go together, as long as each certainly ends where it should. One with an odd number of quotes
-- might swallow those after it, so it becomes a source of its own. Which line of which source is which reject is
-- written to a table.

local csv = require "pghost.native.csv"
local read_as = require "pghost.input.recorded_dialect"
local errors = require "pghost.lib.errors"
local fields_of = require "pghost.rejects.fields"
local sql = require "pghost.lib.sql"
local stored_encoding = require "pghost.catalog.stored_encoding"
local cjson = require "cjson"

local M = {}

local largest = 4 * 1024 * 1024 -- bytes of a source made of several records
local batch_size = 1000

-- Options of a step that may have been edited to let records in. Options that stop at a bad record, or end a file
-- early, are not among them.
local policies = { "invalid", "nul", "comment", "too_few", "too_many", "stray_quote", "max_record",
  "max_record_lines", "max_field", "repeated_header", "tolerant" }

-- A field of a correction is never a comment, whatever it starts with.
local policies_of_fields = { max_record = true, max_record_lines = true, max_field = true }

local function source_options(plan, dialect)
  local options = { delimiter = dialect.delimiter, quote = dialect.quote, escape = dialect.escape,
    skip_blanks = dialect.skip_blanks, blanks_after_quote = dialect.blanks_after_quote,
    blank_lines = dialect.blank_lines, line_end = dialect.line_end or "lf",
    encoding = dialect.encoding }
  for _, name in ipairs(policies) do
    if plan.options[name] ~= "stop" and (not dialect.corrected or policies_of_fields[name]) then
      options[name] = plan.options[name]
    end
  end
  return options
end

local open_rejects = [[
  SELECT r.reject_id, r.file_id, r.line, r.original, f.name, pg_catalog.array_to_json(f.header)::text AS header,
    f.read_as::text AS dialect, r.column_name IS NULL AND r.rule = ANY ($3::pg_catalog.text[]) AS unreadable
  FROM pghost.rejects AS r LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
  WHERE r.run_id = $1 AND r.table_name = $2 AND r.state = 'open'
  ORDER BY r.file_id, r.line, r.reject_id]]

-- A file of the replayed run: how its bytes are to be read.
local function describe(row)
  if not row.header then
    errors.raise(("the header of '%s' was not recorded: run the pipeline again"):format(row.name or "?"), "usage",
      { exit = 1 })
  end
  local dialect, header = read_as.read(row.dialect), cjson.decode(row.header)
  local names, line_end = {}, dialect.line_end == "cr" and "\r" or "\n"
  for i = 1, #header do
    names[i] = "c" .. i -- ASCII, whatever the real ones are
  end
  local first_line = read_as.line(names, #names, dialect) .. line_end
  return { id = row.file_id, name = row.name, dialect = dialect, columns = header, line_end = line_end,
    first_line = read_as.encode(nil, first_line, dialect.encoding), stop = read_as.encode(nil, line_end,
    dialect.encoding) }
end

-- The same file, for records whose fields are given: standard CSV.
local function as_standard(file, columns)
  local names = {}
  for i = 1, #columns do
    names[i] = "c" .. i
  end
  return { id = file.id, name = file.name, columns = columns, line_end = "\n", stop = "\n",
    dialect = { corrected = true, blank_lines = "keep" }, first_line = read_as.line(names, #names, {}) .. "\n" }
end

-- Sources in the making, and the table that says which reject stands where.
local Writer = {}
Writer.__index = Writer

function Writer:begin(file)
  self.file = file
  self.number = self.number + 1
  self.pieces, self.size, self.records, self.line = { file.first_line }, 0, 0, 2
end

-- The columns of a source by their real names. The reader adds one more for extra fields.
local function names_of(source, file)
  local names = { table.unpack(file.columns) }
  if #source:columns() > #names then
    names[#names + 1] = "_extra"
  end
  return names
end

-- Hands over the source, and starts a new one. The receiver closes it.
function Writer:finish()
  if self.file and self.records > 0 then
    local file = self.file
    local options = source_options(self.plan, file.dialect)
    options.stored = stored_encoding.of(self.run.conn)
    local source = errors.check(csv.open_string(table.concat(self.pieces), options))
    coroutine.yield { name = file.name or "?", source = source, number = self.number, header = names_of(source, file) }
  end
  self.file = nil
end

local function new_map()
  return { {}, {}, {}, {}, {}, {}, {} } -- a list a column
end

function Writer:flush()
  if #self.map[1] > 0 then
    self.run.conn:query(([[
      INSERT INTO %s SELECT * FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]),
        pg_catalog.unnest($2::pg_catalog.int8[]), pg_catalog.unnest($3::pg_catalog.int8[]),
        pg_catalog.unnest($4::pg_catalog.int8[]), pg_catalog.unnest($5::pg_catalog.int8[]),
        pg_catalog.unnest($6::pg_catalog.text[]), pg_catalog.unnest($7::pg_catalog.bool[]))]])
      :format(self.run:qualified "pghost_replay_map"),
      sql.array(self.map[1]), sql.array(self.map[2]), sql.array(self.map[3]), sql.array(self.map[4]),
      sql.array(self.map[5]), sql.array(self.map[6]), sql.array(self.map[7]))
  end
  self.map = new_map()
end

function Writer:note(row)
  local at = #self.map[1] + 1
  for i, value in ipairs { row.reject_id, row.file_id, row.line, self.number, self.line, row.becomes,
    row.unreadable or false } do
    self.map[i][at] = value
  end
  if at == batch_size then
    self:flush()
  end
end

function Writer:put(row, file)
  self:note(row)
  local pieces = self.pieces
  pieces[#pieces + 1], pieces[#pieces + 2] = row.bytes, file.stop
  self.size, self.records = self.size + #row.bytes, self.records + 1
  self.line = self.line + 1 + select(2, row.bytes:gsub(file.line_end, ""))
end

function Writer:add(row, file)
  local alone = #file.stop > 1 or not fields_of.is_closed(row.bytes, file.dialect) -- in UTF-16 nobody looks
  if alone or self.file ~= file or self.size >= largest then
    self:finish()
    self:begin(file)
  end
  self:put(row, file)
  if alone then
    self:finish()
  end
end

---@class pghost.replay.Source
---@field name string of the file
---@field source pghost.Source
---@field number integer
---@field header string[]

---@class pghost.replay.Reading
---@field without integer rejects whose bytes are not known

-- Whether records of these columns go into a source of that standard CSV.
local function has_columns(standard, columns)
  return standard and (standard.columns == columns
    or table.concat(standard.columns, "\0") == table.concat(columns, "\0"))
end

-- What is read of a reject, and as what: its own bytes, or those of a correction. `standard` is that of the correction
-- before.
local function choose(row, file, correction, standard)
  row.bytes, row.becomes = row.original, "replayed"
  if correction and correction.fields then
    row.bytes = read_as.line(correction.fields, #correction.columns, {})
    row.becomes = "corrected"
    return has_columns(standard, correction.columns) and standard or as_standard(file, correction.columns)
  elseif correction and correction.bytes then
    row.bytes, row.becomes = correction.bytes, "corrected"
  end
  return file
end

local function read(run, plan, rows, correction_of, reading)
  local writer = setmetatable({ run = run, plan = plan, number = 0, map = new_map() }, Writer)
  local file, standard
  for row in rows do
    local correction = correction_of(row)
    if row.original == nil and correction then
      reading.without = reading.without + 1
    elseif correction then
      if not file or file.id ~= row.file_id then
        file, standard = describe(row), nil
      end
      local chosen = choose(row, file, correction, standard)
      standard = chosen ~= file and chosen or standard -- all of one header go into one source
      writer:add(row, chosen)
    end
  end
  writer:finish()
  writer:flush()
end

---@class pghost.replay.Correction neither fields nor bytes: the record is read as it was
---@field columns? string[]
---@field fields? (string|nil)[] one for each column
---@field bytes? string in the dialect of the file

--- Sources of these rejects, one after the other. Lines of a source are those of the table pghost_replay_map.
---@param run pghost.Run
---@param plan pghost.Plan
---@param rows fun(): table? rejects with the columns of the query above, in the order of their files
---@param correction_of fun(row: table): pghost.replay.Correction? nil: it is left alone
---@return fun(): pghost.replay.Source?
---@return pghost.replay.Reading reading complete when there is no further source
function M.of(run, plan, rows, correction_of)
  local reading = { without = 0 }
  return coroutine.wrap(function()
    read(run, plan, rows, correction_of, reading)
  end), reading
end

local as_it_was = {}

--- Those of a replay: all open rejects as they were, or those that are given with their corrections.
---@param run pghost.Run
---@param plan pghost.Plan
---@return fun(): pghost.replay.Source?
---@return pghost.replay.Reading
function M.each(run, plan)
  local fixes = run.replay.fixes
  return M.of(run, plan, run:connection("reader"):stream(open_rejects, run.replay.of.run_id, plan.name,
    sql.array(csv.unreadable_rules())), function(row)
      if fixes then
        return fixes[row.reject_id]
      end
      return as_it_was
    end)
end

return M
