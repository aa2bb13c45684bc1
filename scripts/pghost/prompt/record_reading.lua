-- Splits a record, text or bytes, into the columns of rules: by the recorded header and dialect of its file, or in the
-- order of the rules.

local cjson = require "cjson"
local csv = require "pghost.native.csv"
local errors = require "pghost.lib.errors"
local fields_of = require "pghost.rejects.fields"
local header = require "pghost.load.header"
local last_run = require "pghost.prompt.last_run"
local recorded_dialect = require "pghost.input.recorded_dialect"

local M = {}

---@class pghost.prompt.Reading how records of a file become values of rules
---@field source pghost.rejects.Source
---@field map integer[] position in the file, by column of the rules

--- From what is recorded of a file.
---@param rules pghost.Rules
---@param row { name: string, header: string, dialect?: string } header and dialect as JSON
---@return pghost.prompt.Reading
function M.of_file(rules, row)
  local names, dialect = cjson.decode(row.header), recorded_dialect.read(row.dialect)
  local source = fields_of.source(row.name, names, dialect)
  return { source = source, map = header.match(row.name, names, rules, source.headerless) }
end

local last_file <const> = [[
  SELECT f.name, pg_catalog.array_to_json(f.header)::text AS header, f.read_as::text AS dialect
  FROM pghost.files AS f WHERE f.table_name OPERATOR(pg_catalog.=) $1::pg_catalog.text AND f.header IS NOT NULL
  ORDER BY f.file_id DESC LIMIT 1]]

--- As the last file of the rules' table was read; nil where none is recorded.
---@param rules pghost.Rules
---@return pghost.prompt.Reading?
function M.of_last_file(rules)
  local good, reading = pcall(last_run.with_run, nil, function(conn)
    local row = conn:query(last_file, rules.name)[1]
    return row and M.of_file(rules, row)
  end)
  return good and reading or nil
end

local function values_of(rules, fields, map)
  local values = {}
  for i, column in ipairs(rules) do
    values[column.name] = fields[map[i]]
  end
  return values
end

--- The values of the original bytes of a record; nil: they are not a record of the file's width.
---@param rules pghost.Rules
---@param reading pghost.prompt.Reading
---@param bytes string
---@return table<string, string>?
function M.values(rules, reading, bytes)
  local fields = fields_of.split(reading.source, bytes)
  return fields and values_of(rules, fields, reading.map)
end

-- One line of plain CSV, a field for each column of the rules.
local function in_order(rules, line)
  local source <close> = errors.check(csv.open_string(line, { header = false, columns = #rules }))
  local map = {}
  for i = 1, #rules do
    map[i] = i
  end
  local next_record, state, start = source:records()
  local _, record, problem = next_record(state, start)
  if not record then
    errors.raise(("%s: %d fields expected, one for each column of '%s'"):format(problem or "nothing", #rules,
      rules.name), "usage", { exit = 1 })
  end
  return values_of(rules, table.move(record, 1, #rules, 1, {}), map)
end

--- The values of a line that somebody typed: as the last file of the table had them, else in the order of the rules.
---@param rules pghost.Rules
---@param line string
---@return table<string, string> values
---@return string how
function M.of_line(rules, line)
  local reading = M.of_last_file(rules)
  local values = reading and M.values(rules, reading, line)
  if values then
    return values, ("read as '%s' was"):format(reading.source.name)
  end
  return in_order(rules, line), "read as CSV in the order of the rules"
end

return M
