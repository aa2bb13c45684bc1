-- The keys of records that were rejected. A record with a typo in one column is still in the file: its key is not
-- missing, and its row in the table stays.
--
-- The fields are those that the raw table has verbatim. They go through the rules of the key columns alone, as a clean
-- goes through all of them. If that gives no key, it is unknown which key is not missing, and the load ends.

local columns = require "pghost.catalog.columns"
local connection = require "pghost.connection"
local distribute = require "pghost.distribute"
local engine = require "pghost.load.engine"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local native_rules = require "pghost.native.rules"
local qualified = require "pghost.modes.qualified"
local raw_table = require "pghost.load.raw_table"
local sinks = require "pghost.load.sinks"
local statistics = require "pghost.load.statistics"
local tables = require "pghost.load.tables"

local M = {}

local what_to_do = "correct it, or load with missing = 'keep'"

local function raise(plan, place, reason)
  errors.raise(("the key of this rejected record cannot be determined (%s), so missing = '%s' might end a row that is "
    .. "not missing: %s"):format(reason, plan.missing, what_to_do), "data", { file = place.name, line = place.line })
end

local function only_of(names, set)
  for _, name in ipairs(names or {}) do
    if not set[name] then
      return false
    end
  end
  return names ~= nil
end

-- The rules of the key columns, and the functions that set one of them from others of them. nil: one is set from
-- what is not a key column.
local function key_rules(rules, key)
  local in_key = lists.set(key)
  local only = { name = rules.name, key = {}, row = {}, on_error = "reject" }
  for _, column in ipairs(rules) do
    if in_key[column.name] then
      only[#only + 1] = column
    end
  end
  for _, rule in ipairs(rules.row) do
    if rule.rule == "set" and in_key[rule.column] then
      if not only_of(rule.columns, in_key) then
        return nil
      end
      only.row[#only.row + 1] = rule
    end
  end
  return only
end

-- The rejected records, in a table whose size the planner knows: in pghost.rejects it expects one row for this run, and
-- would read the raw table once for each.
local function create_rejected(run, plan, rejected)
  local conn = run.conn
  conn:query(("CREATE TABLE %s (file_id pg_catalog.int8, line pg_catalog.int8)"):format(rejected))
  local affected = conn:query(qualified([[
    INSERT INTO %s (file_id, line)
    SELECT DISTINCT file_id, line FROM pghost.rejects WHERE run_id = $1 AND table_name = $2 AND rule <> 'key'
      AND state <> 'corrected']])
    :format(rejected), run.id, plan.name).affected
  statistics.analyse(conn, rejected)
  return affected
end

local function file_name(run, file_id)
  local row = run.conn:query(qualified "SELECT name FROM pghost.files WHERE file_id = $1", file_id)[1]
  return row and row.name
end

-- Records that are in no raw table: too few fields, a stray quote.
local function check_readable(run, plan, raw, rejected)
  local row = run.conn:query(qualified([[
    SELECT r.file_id, r.line, j.reason FROM %s AS r
    JOIN pghost.rejects AS j ON j.run_id = $1 AND j.table_name = $2 AND j.file_id = r.file_id AND j.line = r.line
      AND j.state <> 'corrected'
    WHERE NOT EXISTS (SELECT 1 FROM (SELECT _file_id, _line FROM %s OFFSET 0) AS t
      WHERE t._file_id = r.file_id AND t._line = r.line)
    ORDER BY r.file_id, r.line LIMIT 1]]):format(rejected, raw), run.id, plan.name)[1]
  if row then
    raise(plan, { name = file_name(run, row.file_id), line = row.line }, row.reason)
  end
end

-- The rejected records' fields of the key as a source.
local function open_source(run, plan, raw, rejected, wanted)
  return raw_table.open(run, qualified("%s AS t JOIN %s AS r ON r.file_id = t._file_id AND r.line = t._line")
    :format(raw, rejected), plan.name .. "_raw", raw, wanted)
end

-- Runs the rules of the key over the rejected records, into the tables `held` and `refused`.
local function read_keys(run, plan, program, names, raw, wanted)
  local conn, rejects = run:connection "clean1", run:connection "rejects"
  local as_text = program:needs_text()
  local sink = sinks.into_table(run, plan.name, tables.copy(names.refused, {}))
  connection.transaction_of_all({ conn, rejects }, function()
    engine.run({ program = program, workers = 1, memory = run.settings.memory, rejects = sink.stream(),
      clean = { connections = { conn }, as_text = as_text,
        copy = tables.copy(names.held, { names = wanted, as_text = as_text }) } }, {
      files = { { name = plan.name .. "_raw" } },
      open = function()
        return open_source(run, plan, raw, names.rejected, wanted)
      end,
      failed = errors.raise,
    })
  end)
end

local function create_tables(run, plan, program, names)
  local definitions = lists.map(program:columns(), function(column)
    return ("%s %s NOT NULL"):format(run.conn:quote_identifier(column.name), column.type)
  end)
  run.conn:query(("CREATE TABLE %s (%s)"):format(names.held, table.concat(definitions, ", ")))
  distribute.create_everywhere(run, names.held, plan.clean_table)
  run.conn:query(("CREATE TABLE %s (run_id pg_catalog.int8, table_name pg_catalog.text, file_id pg_catalog.int8, "
    .. "line pg_catalog.int8, byte_offset pg_catalog.int8, byte_length pg_catalog.int8, column_name pg_catalog.text, "
    .. "rule pg_catalog.text, reason pg_catalog.text, original pg_catalog.bytea)"):format(names.refused))
end

local function check_refused(run, plan, names)
  local row = run.conn:query(("SELECT file_id, line, column_name, reason FROM %s ORDER BY file_id, line LIMIT 1")
    :format(names.refused))[1]
  if row then
    raise(plan, { name = file_name(run, row.file_id), line = row.line },
      row.column_name and row.column_name .. ": " .. row.reason or row.reason)
  end
end

local function build(run, plan, names)
  local raw = plan.raw_source or run:qualified(plan.raw_table)
  check_readable(run, plan, raw, names.rejected)
  local rules = key_rules(plan.rules, plan.key)
  if not rules then
    errors.raise(("table '%s': a row rule sets its key from other columns, so the keys of %s cannot be determined, and "
      .. "missing = '%s' might end rows that are not missing: correct the records, or load with missing = 'keep'")
      :format(plan.name, log.counted(names.count, "rejected record"), plan.missing), "data")
  end
  local program = native_rules.compile(rules)
  create_tables(run, plan, program, names)
  read_keys(run, plan, program, names, raw, columns.names(program:columns()))
  check_refused(run, plan, names)
  statistics.analyse(run.conn, names.held)
end

--- Makes a table of the keys that the rejected records of a load have. Raises where one has none that can be read.
---@param run pghost.Run
---@param plan pghost.Plan with its rules, loaded
---@return string? held quoted name of the table; nil: nothing was rejected
function M.build(run, plan)
  local names = { rejected = run:qualified "pghost_rejected", refused = run:qualified "pghost_refused",
    held = run:qualified(plan.name .. "_held") }
  names.count = create_rejected(run, plan, names.rejected)
  if names.count > 0 then
    build(run, plan, names)
  end
  run.conn:query(("DROP TABLE IF EXISTS %s, %s"):format(names.rejected, names.refused))
  return names.count > 0 and names.held or nil
end

return M
