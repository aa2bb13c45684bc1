-- The tables of a replay: what passed is put beside what is published, under the same key. A table
-- that its loads replace is built anew, with what is published in it; one that they add to is added to.
--
-- Tables are created and then filled, never CREATE TABLE AS, for servers that shard.

local columns = require "pghost.load.columns"
local errors = require "pghost.lib.errors"
local modes = require "pghost.modes"
local outcome = require "pghost.rejects.replay.outcome"
local row_security = require "pghost.catalog.row_security"
local staging = require "pghost.rejects.replay.staging"
local unchanged = require "pghost.rejects.replay.snapshot"

local M = {}

-- What a load adds to raw tables.
local added = { _file_id = true, _line = true, _loaded_at = true }

local function attributes(conn, table_name)
  local names, types = {}, {}
  for row in conn:query([[
      SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum]], table_name):rows() do
    names[#names + 1] = row.attname
    types[row.attname] = row.type
  end
  return names, types
end

local function find(run, name)
  local found = run:find_table(name)
  if not found then
    errors.raise(("table '%s' is not in schema '%s' any more: run the pipeline again"):format(name, run.target),
      "usage", { exit = 1 })
  end
  row_security.check(run.conn, found)
  return found
end

--- Finds the published tables that a replay adds to.
---@param run pghost.Run
---@param plan table
function M.find(run, plan)
  if plan.targets.clean then
    plan.published = find(run, plan.name)
    plan.wanted = columns.names(plan.clean_columns)
  end
  if plan.targets.raw then
    plan.published_raw = find(run, plan.name .. "_raw")
    plan.raw_columns = {}
    for _, name in ipairs((attributes(run.conn, plan.published_raw))) do
      if not added[name] then
        plan.raw_columns[#plan.raw_columns + 1] = name
      end
    end
  end
end

local reject_columns = [[run_id bigint, table_name text, file_id bigint, line bigint, byte_offset bigint,
  byte_length bigint, column_name text, rule text, reason text, original bytea]]

local function clean_definitions(conn, plan)
  local definitions = {}
  for i, column in ipairs(plan.clean_columns) do
    definitions[i] = ("%s %s%s"):format(conn:quote_identifier(column.name), column.type,
      column.required and " NOT NULL" or "")
  end
  return table.concat(definitions, ", ")
end

--- Creates the tables that the records are loaded into at first.
function M.create(run, plan)
  local conn = run.conn
  local function create(kind, definitions)
    conn:query(("CREATE TABLE %s (%s)"):format(staging.name(run, kind), definitions))
  end
  staging.create_outcome(run)
  create("map", [[reject_id bigint, file_id bigint, line bigint, in_source bigint, in_line bigint,
    PRIMARY KEY (in_source, in_line)]])
  create("rejects", reject_columns)
  if plan.targets.raw then
    create("raw", columns.quoted(conn, plan.raw_columns, "%s text") .. ", _file_id bigint, _line bigint")
  end
  if plan.targets.clean then
    create("clean", clean_definitions(conn, plan) .. ", _file_id bigint, _line bigint")
  end
end

--- The COPY statement of one stream into them.
---@param kind "raw"|"clean"|"rejects"
---@return string
function M.copy(run, plan, kind, format)
  local list = kind == "raw" and plan.raw_columns or plan.wanted
  local names = kind == "rejects" and "" or (" (%s, _file_id, _line)"):format(columns.quoted(run.conn, list))
  return ("COPY %s%s FROM STDIN (FORMAT %s)"):format(staging.name(run, kind), names, format)
end

local function raise_changed(plan, name, is, was)
  errors.raise(("table '%s': column '%s' is %s by the rules and %s in the published table: a replay cannot change "
    .. "columns, run the pipeline again"):format(plan.name, name, is or "not there", was or "not there"), "usage",
    { exit = 1 })
end

-- The published columns must be those of the rules, and of the same types: what is in another one would
-- be gone with the old table.
local function check_columns(conn, plan, built)
  local names, types = attributes(conn, built)
  local published_names, published = attributes(conn, plan.published)
  for _, list in ipairs { names, published_names } do
    for _, name in ipairs(list) do
      if published[name] ~= types[name] then
        raise_changed(plan, name, types[name], published[name])
      end
    end
  end
end

local function build_clean(run, plan)
  local conn, built = run.conn, run:qualified(plan.name)
  run:create_table(conn, plan.name, clean_definitions(conn, plan))
  check_columns(conn, plan, built)
  unchanged.watch(run, plan.published)
  local list = columns.quoted(conn, plan.wanted)
  for _, from_table in ipairs { plan.published, staging.name(run, "clean") } do
    conn:query(("INSERT INTO %s (%s) SELECT %s FROM %s"):format(built, list, list, from_table))
  end
  if plan.key then
    conn:query(("ALTER TABLE %s ADD PRIMARY KEY (%s)"):format(built, columns.quoted(conn, plan.key)))
  end
  conn:query("ANALYZE " .. built)
  run:built(plan.name)
end

local function raw_definitions(run, plan)
  return ("%s, _file_id bigint, _line bigint, _loaded_at timestamptz DEFAULT %s"):format(
    columns.quoted(run.conn, plan.raw_columns, "%s text"), run.conn:quote_literal(run.started))
end

-- Records that could not be read before and are loaded now.
local function newly_readable(run, plan)
  return ([[
    FROM %s JOIN %s AS o ON o.reject_id = m.reject_id AND o.state = 'replayed' AND o.note IS NULL
    WHERE NOT EXISTS (SELECT FROM %s AS t WHERE t._file_id = m.file_id AND t._line = m.line)]])
    :format(staging.from(run, "raw"), staging.name(run, "outcome"), plan.published_raw)
end

local function build_raw(run, plan)
  local conn, name = run.conn, plan.name .. "_raw"
  local new = newly_readable(run, plan)
  if conn:query("SELECT count(*) AS records " .. new)[1].records == 0 then
    return
  end
  local list = columns.quoted(conn, plan.raw_columns)
  unchanged.watch(run, plan.published_raw)
  run:create_table(conn, name, raw_definitions(run, plan), plan.options.unlogged)
  conn:query(("INSERT INTO %s (%s, _file_id, _line, _loaded_at) SELECT %s, _file_id, _line, _loaded_at FROM %s")
    :format(run:qualified(name), list, list, plan.published_raw))
  conn:query(("INSERT INTO %s (%s, _file_id, _line) SELECT %s, m.file_id, m.line %s")
    :format(run:qualified(name), list, columns.quoted(conn, plan.raw_columns, "s.%s"), new))
  run:built(name)
end

-- What passed in tables of its own, which publishing adds.
local function build_additions(run, plan)
  local conn = run.conn
  if plan.targets.clean then
    local built, list = run:qualified(plan.clean_table), columns.quoted(conn, plan.wanted)
    run:create_table(conn, plan.clean_table, clean_definitions(conn, plan))
    conn:query(("INSERT INTO %s (%s) SELECT %s FROM %s"):format(built, list, list, staging.name(run, "clean")))
    if plan.key then
      unchanged.watch_keys(run, plan)
    end
  end
  if plan.targets.raw then
    local list = columns.quoted(conn, plan.raw_columns)
    run:create_table(conn, plan.raw_table, raw_definitions(run, plan), plan.options.unlogged)
    conn:query(("INSERT INTO %s (%s, _file_id, _line) SELECT %s, m.file_id, m.line %s"):format(
      run:qualified(plan.raw_table), list, columns.quoted(conn, plan.raw_columns, "s.%s"), newly_readable(run, plan)))
  end
  modes.built(run, plan)
end

local function drop(run, plan)
  local kinds = { "map", "rejects", plan.targets.raw and "raw" or nil }
  kinds[#kinds + 1] = plan.targets.clean and "clean" or nil
  for _, kind in ipairs(kinds) do
    run.conn:query("DROP TABLE " .. staging.name(run, kind))
  end
end

local function build(run, plan)
  if not plan.first then
    build_additions(run, plan)
    return
  end
  if plan.targets.clean then
    build_clean(run, plan)
  end
  if plan.targets.raw then
    build_raw(run, plan)
  end
end

--- Notes what became of each reject, and builds the tables anew where something passed.
---@return { records: integer, loaded: integer, rejected: integer, filtered: integer }
function M.build(run, plan)
  local counts
  run.conn:transaction(function()
    counts = outcome.note(run, plan)
    if counts.loaded > 0 then
      build(run, plan)
    end
    drop(run, plan)
  end)
  return counts
end

return M
