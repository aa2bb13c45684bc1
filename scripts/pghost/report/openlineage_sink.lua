-- Where OpenLineage events of a run go: a file, to which lines are appended, or the input of a command ("|curl ...").
-- Failures are warnings and never change how a run ends.

local errors = require "pghost.lib.errors"
local history = require "pghost.report.recorded_run"
local openlineage = require "pghost.report.openlineage"
local openlineage_columns = require "pghost.report.openlineage_columns"
local page = require "pghost.report.page"
local profile = require "pghost.report.table_profile"
local sys = require "pghost.native.sys"

local M = {}

local facts_query <const> = [[
  SELECT r.pipeline, r.version, pg_catalog.current_database()::text AS database,
    pg_catalog.md5(pg_catalog.concat(pg_catalog.current_database(), ':', r.run_id, ':', r.started_at)) AS hash,
    pg_catalog.to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS started,
    pg_catalog.to_char(coalesce(r.finished_at, pg_catalog.clock_timestamp()) AT TIME ZONE 'UTC',
      'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ended
  FROM pghost.runs AS r WHERE r.run_id = $1]]

local queries <const> = {
  all_files = [[SELECT table_name, path, size, records FROM pghost.files
    WHERE run_id = $1 AND state <> 'skipped' ORDER BY file_id]],
  column_sources = [[SELECT table_name, column_name, source_schema, source_table, source_column, how
    FROM pghost.lineage WHERE run_id = $1 ORDER BY table_name, column_name, source_table, source_column, how]],
  made = "SELECT table_name, rows FROM pghost.definitions WHERE run_id = $1 AND kind = 'answer'",
  check_columns = [[SELECT name, column_names[1] AS column FROM pghost.checks WHERE run_id = $1
    AND pg_catalog.cardinality(column_names) = 1]],
}

-- "database 'x' on host port 5432 as 'u'": the server as OpenLineage names it.
local function namespace(conn, host_name)
  local host, port = conn.description:match " on (.-) port (%d+) as "
  host = host and host:sub(1, 1) ~= "/" and host or host_name or "localhost"
  return ("postgres://%s:%s"):format(host, port or "5432")
end

local function add_columns(conn, run)
  run.columns_of = {}
  local function add(name)
    local found, columns = profile.columns(conn, run.target_schema, name)
    run.columns_of[name] = found and columns or nil
  end
  for _, one in ipairs(run.is_current and run.tables or {}) do
    add(one.name)
    add(one.name .. "_raw")
  end
  for _, answer in ipairs(run.is_current and run.answers or {}) do
    add(answer.name)
  end
end

local function by_name(list, key, value)
  local out = {}
  for _, one in ipairs(list) do
    out[one[key]] = one[value]
  end
  return out
end

-- A run with all that its events say.
local function complete(conn, run_id)
  local run = page.collect(conn, run_id)
  return history.reading(conn, function()
    for name, value in pairs(history.plain(conn:query(facts_query, run_id))[1]) do
      run[name] = value
    end
    for name, text in pairs(queries) do
      run[name] = history.plain(conn:query(text, run_id))
    end
    run.namespace = namespace(conn, run.host_name)
    run.child_hash = function(name)
      return conn:query("SELECT pg_catalog.md5(pg_catalog.concat($1::text, ':', $2::text)) AS hash", run.hash,
        name)[1].hash
    end
    local rows, columns = by_name(run.made, "table_name", "rows"), by_name(run.check_columns, "name", "column")
    for _, answer in ipairs(run.answers) do
      answer.rows_made = rows[answer.name]
    end
    for _, check in ipairs(run.checks) do
      check.column = columns[check.name]
    end
    add_columns(conn, run)
    run.profiles = openlineage_columns.of(conn, run_id)
    return openlineage.finish(run)
  end)
end

-- A file gets all lines or none: a reader never sees half an event.
local function put(target, lines)
  local text = table.concat(lines, "\n") .. "\n"
  local command = target:match "^|%s*(.+)$"
  if not command then
    local done, message = sys.append(target, text)
    return done or errors.raise(message, "EIO")
  end
  local file, problem = io.popen(command, "w")
  if not file then
    errors.raise(problem, "EIO")
  end
  local written = file:write(text)
  local closed, how, code = file:close()
  if not written or not closed then
    errors.raise(("the command ended with %s %d"):format(how or "exit code", code or 1), "EIO")
  end
end

local function try(run, make)
  local target = run.settings.openlineage
  local done, problem = pcall(function()
    put(target, make())
  end)
  if not done then
    run.log:warn("lineage", run.name, ("the events were not written to '%s': %s"):format(target,
      tostring(problem):match "^[^\n]*"))
  end
end

--- Tells that a run has begun.
---@param run pghost.Run
function M.started(run)
  try(run, function()
    return { openlineage.start(history.plain(run.conn:query(facts_query, run.id))[1]) }
  end)
end

--- Tells what a run that has ended has done.
---@param run pghost.Run
function M.ended(run)
  try(run, function()
    return complete(run.conn, run.id)
  end)
end

return M
