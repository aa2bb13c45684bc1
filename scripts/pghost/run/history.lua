-- The life of a run in the schema `pghost`: its row, its steps, its end.
--
-- Everything goes over the control connection and is committed at once, so that a run that dies
-- leaves what it did. Not for what the steps do.

local cjson = require "cjson"
local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local recordable = require "pghost.run.recordable"
local settings = require "pghost.run.settings"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"

local M = {}

local who_columns = "run_id, pipeline, target_schema, host_user, host_name, process_id, "
  .. "pg_catalog.to_char(started_at, 'YYYY-MM-DD HH24:MI:SS TZ') AS since"

-- The run's readable name; nil: it has not been recorded yet.
local function describe(run)
  if not run then
    return "another run that has just started"
  end
  return ("run %d of '%s' on '%s' (process %d) since %s"):format(run.run_id, run.host_user or "?",
    run.host_name or "?", run.process_id or 0, run.since)
end

--- Who holds the lock of a pipeline, for people.
---@param conn pghost.Connection
---@param pipeline string
---@param target string
---@return string
function M.holder(conn, pipeline, target)
  return describe(conn:query(([[
    SELECT %s FROM pghost.runs WHERE pipeline = $1 AND target_schema = $2 AND state = 'running'
    ORDER BY run_id DESC LIMIT 1]]):format(who_columns), pipeline, target)[1])
end

--- Who builds in a named build schema, for people.
---@param conn pghost.Connection
---@param schema string
---@return string
function M.build_holder(conn, schema)
  local run = conn:query(([[
    SELECT %s FROM pghost.runs WHERE build_schema = $1 AND state = 'running'
    ORDER BY run_id DESC LIMIT 1]]):format(who_columns), schema)[1]
  return (run and ("pipeline '%s': "):format(run.pipeline) or "") .. describe(run)
end

--- Marks runs of this pipeline that died as killed and removes what they built, and what interrupted
--- ones kept. The caller holds the lock, so none of them can be alive.
---@param except? integer run that is resumed
---@param remove fun(conn: pghost.Connection, run_id: integer, schema: string)
---@return { run_id: integer }[] killed
function M.clear_killed(conn, pipeline, target, remove, except)
  local killed = {}
  conn:transaction(function()
    local dead = conn:query([[
      SELECT run_id, build_schema, state = 'running' AS died FROM pghost.runs
      WHERE pipeline = $1 AND target_schema = $2 AND (state = 'running' OR state = 'interrupted'
        AND EXISTS (SELECT 1 FROM pg_catalog.pg_namespace
          WHERE nspname = pg_catalog.concat('pghost_build_', run_id)::name)) AND run_id <> $3::bigint
      ORDER BY run_id]], pipeline, target, except or 0)
    for run in dead:rows() do
      if run.build_schema then
        remove(conn, run.run_id, run.build_schema)
      end
      conn:query("DELETE FROM pghost.profile_parts WHERE run_id = $1", run.run_id)
      if run.died then
        conn:query([[
          UPDATE pghost.runs SET state = 'killed', finished_at = pg_catalog.clock_timestamp(),
            error = 'found dead by a later run' WHERE run_id = $1 AND state = 'running']], run.run_id)
        killed[#killed + 1] = { run_id = run.run_id }
      end
    end
  end)
  return killed
end

--- Marks runs that died while they built in a named schema, of whatever pipeline. The caller holds
--- the lock of that schema.
---@param schema string
---@param run_id integer the caller's own
---@return integer count
function M.mark_dead_builders(conn, schema, run_id)
  return conn:query([[
    UPDATE pghost.runs SET state = 'killed', finished_at = pg_catalog.clock_timestamp(),
      error = 'found dead by a later run'
    WHERE build_schema = $1 AND state = 'running' AND run_id <> $2]], schema, run_id).affected
end

--- Records that a run builds in a schema that is not its own.
function M.set_build(conn, run_id, schema)
  conn:query("UPDATE pghost.runs SET build_schema = $2 WHERE run_id = $1", run_id, schema)
end

--- Records which tables a run has published; in the transaction that does so.
---@param tables string[]
function M.add_published(conn, run_id, tables)
  for _, name in ipairs(tables) do
    conn:query([[
      UPDATE pghost.runs SET published_tables = pg_catalog.array_append(published_tables, $2::text)
      WHERE run_id = $1]], run_id, name)
  end
end

--- Whether the transaction that published a run was committed. Waits until it is decided: that
--- transaction has the run's row locked from before its COMMIT is sent.
---@return boolean
function M.was_published(conn, run_id)
  return conn:transaction(function()
    conn:query("SELECT pg_catalog.set_config('lock_timeout', '60s', true)")
    local row = conn:query("SELECT state FROM pghost.runs WHERE run_id = $1 FOR UPDATE", run_id)[1]
    return row ~= nil and row.state == "published"
  end)
end

--- Settings as JSON: the simple ones and the parameters, without those that are secret (secrets.lua).
---@param config table
---@param conn pghost.Connection texts are escaped as far as its database cannot hold them
---@return string json
function M.config_json(config, conn)
  local kept = settings.recorded(config)
  return next(kept) and cjson.encode(recordable.value(conn, kept)) or "{}"
end

--- The version of this pghost; nil when the library runs in another host.
---@return string?
function M.version()
  local found, host = pcall(require, "pghost.native.host")
  return found and host.version or nil
end

local function host_name()
  local file <close> = io.open("/proc/sys/kernel/hostname", "r")
  return file and file:read("l") or nil
end

---@class pghost.runs.Fields
---@field pipeline string
---@field target string
---@field config table
---@field as_of? string ISO timestamp; nil: the start of the run
---@field version? string
---@field process_id integer
---@field attempt? integer
---@field retry_of? integer

--- Records a new run and names its build schema.
---@param conn pghost.Connection
---@param fields pghost.runs.Fields
---@return { id: integer, started: string, as_of: string, build: string } run texts are ISO timestamps
function M.record(conn, fields)
  local function hold(text)
    return recordable.text(conn, text)
  end
  local row = conn:query([[
    INSERT INTO pghost.runs (pipeline, target_schema, config, as_of, version, host_user, host_name, process_id,
      attempt, retry_of)
    VALUES ($1, $2, $3::jsonb, coalesce($4::timestamp, pg_catalog.clock_timestamp()::timestamp), $5, $6, $7, $8, $9,
      $10)
    RETURNING run_id, pg_catalog.to_char(started_at, 'YYYY-MM-DD HH24:MI:SS.USOF') AS started,
      pg_catalog.to_char(as_of, 'YYYY-MM-DD HH24:MI:SS.US') AS as_of]],
    fields.pipeline, fields.target, M.config_json(fields.config, conn), fields.as_of, fields.version,
    hold(sys.user()), hold(host_name()), fields.process_id,
    fields.attempt or 1, fields.retry_of)[1]
  local build = ("pghost_build_%d"):format(row.run_id)
  conn:query("UPDATE pghost.runs SET build_schema = $2 WHERE run_id = $1", row.run_id, build)
  return { id = row.run_id, started = row.started, as_of = row.as_of, build = build }
end

--- Records a load by itself, which has ended: it has built nothing.
---@param conn pghost.Connection
---@param fields { target: string, config: table, attempt: integer, started: string, replay_of?: integer }
---@return integer run_id
function M.record_load(conn, fields)
  local run = M.record(conn, { pipeline = "load", target = fields.target, config = fields.config,
    version = M.version(), process_id = sys.pid(), attempt = fields.attempt })
  conn:query([[
    UPDATE pghost.runs SET build_schema = NULL, started_at = $2::pg_catalog.timestamptz, replay_of = $3
    WHERE run_id = $1]], run.id, fields.started, fields.replay_of)
  return run.id
end

local function script_path()
  local found, host = pcall(require, "pghost.native.host")
  local path = found and host.script
  if not path or path:sub(1, 1) == "/" then
    return path or nil
  end
  return (lfs.currentdir() or ".") .. "/" .. path
end

--- Records how a run was called, so that it can be replayed.
---@param conn pghost.Connection
---@param run_id integer
---@param given table<string, boolean> settings from the command line
---@param replay_of? integer
function M.remember_call(conn, run_id, given, replay_of)
  local names = {}
  for name in pairs(given) do
    names[#names + 1] = name
  end
  conn:query("UPDATE pghost.runs SET script = $2, given = $3::text[], replay_of = $4 WHERE run_id = $1", run_id,
    recordable.text(conn, script_path()), sql.array(names), replay_of)
end

--- Records how a run ended. Raises when another run has found it dead in the meantime: it then must not
--- publish.
---@param state "published"|"unpublished"|"failed"|"interrupted"
---@param problem? pghost.Error
function M.finish(conn, run_id, state, problem)
  local updated = conn:query([[
    UPDATE pghost.runs SET state = $2, finished_at = pg_catalog.clock_timestamp(), error_code = $3, error = $4
    WHERE run_id = $1 AND state = 'running']], run_id, state, problem and problem.code,
    problem and recordable.text(conn, tostring(problem)))
  if updated.affected ~= 1 then
    errors.raise(("run %d was declared dead by another run: nothing is published"):format(run_id), "locked")
  end
end

--- Records the start of a step; returns its id.
---@return integer step_id
function M.begin_step(conn, run_id, kind, name)
  return conn:query("INSERT INTO pghost.steps (run_id, kind, name) VALUES ($1, $2, $3) RETURNING step_id",
    run_id, kind, recordable.text(conn, name))[1].step_id
end

--- Records the end of a step.
---@param seconds number
---@param counts? table
---@param problem? string
function M.end_step(conn, step_id, seconds, counts, problem)
  conn:query([[
    UPDATE pghost.steps SET state = $2, finished_at = pg_catalog.clock_timestamp(), seconds = $3,
      counts = $4::jsonb, error = $5
    WHERE step_id = $1]], step_id, problem and "failed" or "done", seconds,
    counts and next(counts) and cjson.encode(counts) or nil, recordable.text(conn, problem))
end

return M
