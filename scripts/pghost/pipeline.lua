-- The pipeline: from files to published tables, everything or nothing.
--
--   local run <close> = pipeline.start("bookings", config)
--   run:load("users", "users.csv", require "rules.users")
--   run:check(require "checks")
--   run:analyse("sql/analytics")
--   run:publish()
--
-- This file starts a run: command line, connection, history, lock, schemas. What a run can do is in
-- run.lua.

local command = require "pghost.command"
local connection = require "pghost.connection"
local errors = require "pghost.errors"
local history = require "pghost.history"
local lock = require "pghost.lock"
local log = require "pghost.log"
local metadata = require "pghost.metadata"
local project = require "pghost.project"
local Run = require "pghost.run"
local sys = require "pghost.native.sys"

local M = {}

local function check_as_of(conn, text)
  if text == nil or text == "" then
    return nil
  end
  local shaped = text:find("^%d%d%d%d%-%d%d%-%d%d$") or text:find("^%d%d%d%d%-%d%d%-%d%d[ T]%d%d:%d%d[%d:.]*$")
  local valid = shaped and pcall(conn.query, conn, "SELECT $1::timestamp", text)
  if not valid then
    errors.raise(("as_of: not a timestamp '%s': write YYYY-MM-DD HH:MM:SS"):format(text), "usage")
  end
  return text
end

-- The schemas of a run: the target, made if need be, and one to build in. Rights are looked at now
-- and not after the load.
local function make_schemas(run)
  local conn, target = run.conn, run.target
  local right = conn:query([[
    SELECT has_database_privilege(current_database(), 'CREATE') AS may_create_schema,
      (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1) AS may_create_table,
      current_user::text AS role, current_database()::text AS database]], target)[1]
  if not right.may_create_schema then
    errors.raise(("'%s' may not create schemas in database '%s': grant create on database to it")
      :format(right.role, right.database), "42501")
  elseif right.may_create_table == false then
    errors.raise(("'%s' may not create tables in schema '%s': grant create, usage on schema to it")
      :format(right.role, target), "42501")
  end
  if right.may_create_table == nil then
    conn:query("CREATE SCHEMA IF NOT EXISTS " .. conn:quote_identifier(target))
  end
  conn:query("CREATE SCHEMA " .. conn:quote_identifier(run.build))
end

local function host_version()
  local found, host = pcall(require, "pghost.native.host")
  return found and host.version or nil
end

---@class pghost.StartOptions
---@field arguments? string[] in the place of the script's command line
---@field dsn? string in the place of the usual order
---@field log? table options of pghost.log
---@field out? file* where answers are printed; standard output unless given

-- Takes the lock, clears up after dead runs and records the new one.
local function open_history(run, as_of)
  local conn = run.conn
  metadata.migrate(conn)
  run.lock = lock.take(conn, run.dsn, run.name, run.target)
  for _, dead in ipairs(history.clear_killed(conn, run.name, run.target)) do
    run.log:warn("start", run.name, ("run %d was killed: what it had built is removed"):format(dead.run_id))
  end
  local row = history.record(conn, {
    pipeline = run.name,
    target = run.target,
    config = run.settings,
    as_of = as_of,
    version = host_version(),
    process_id = sys.pid(),
  })
  run.id, run.started, run.as_of, run.build = row.id, row.started, row.as_of, row.build
end

local function new_run(name, settings, options)
  local run_log = log.new(options.log)
  return setmetatable({
    name = name,
    settings = settings,
    target = settings.schema,
    dsn = options.dsn,
    log = run_log,
    out = options.out or io.stdout,
    progress_options = (run_log.quiet or run_log.format == "json") and { enabled = false } or nil,
    clock = sys.clock(),
    tables = {},
    connections = {},
    failed_checks = {},
    checks = 0,
    warnings = 0,
    records = 0,
  }, Run)
end

--- Starts a run. Reads the script's command line (every simple setting of the config is an option),
--- connects, takes the lock of this pipeline and target schema, and makes the build schema.
---@param name string of the pipeline: runs of the same name and target exclude each other
---@param config table settings; `data`, `as_of` and `schema` have a meaning of their own
---@param options? pghost.StartOptions
---@return pghost.Run run to be kept in a `<close>` variable
function M.start(name, config, options)
  options = options or {}
  local settings, given = command.settings(arg and arg[0] or name, config, options.arguments or arg or {})
  if not given.data then
    settings.data = project.path(settings.data)
  end
  local run = new_run(name, settings, options)
  run.conn = connection.open { dsn = run.dsn }
  local _ <close> = setmetatable({}, { __close = function(_, problem)
    if problem ~= nil then
      run:close(problem)
    end
  end })
  open_history(run, check_as_of(run.conn, settings.as_of))
  make_schemas(run)
  run.log:info("start", name, ("run %d into schema '%s' of %s, as of %s"):format(run.id, run.target,
    run.conn.description or "the database", run.as_of), { run = run.id, schema = run.target, as_of = run.as_of })
  return run
end

return M
