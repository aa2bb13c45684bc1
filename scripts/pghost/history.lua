-- The life of a run in the schema `pghost`: its row, its steps, its end.
--
-- Everything goes over the control connection and is committed at once, so that a run that dies
-- leaves what it did. Not for what the steps do.

local cjson = require "cjson"
local errors = require "pghost.errors"

local M = {}

--- Marks runs of this pipeline that died as killed and drops what they built. The caller holds the
--- lock, so none of them can be alive.
---@return { run_id: integer }[] killed
function M.clear_killed(conn, pipeline, target)
  local killed = {}
  conn:transaction(function()
    local dead = conn:query([[
      SELECT run_id, build_schema FROM pghost.runs
      WHERE pipeline = $1 AND target_schema = $2 AND state = 'running' ORDER BY run_id]], pipeline, target)
    for run in dead:rows() do
      if run.build_schema then
        conn:query(("DROP SCHEMA IF EXISTS %s CASCADE"):format(conn:quote_identifier(run.build_schema)))
      end
      conn:query([[
        UPDATE pghost.runs SET state = 'killed', finished_at = clock_timestamp(),
          error = 'found dead by a later run' WHERE run_id = $1 AND state = 'running']], run.run_id)
      killed[#killed + 1] = { run_id = run.run_id }
    end
  end)
  return killed
end

local secret_names = { "password", "passwd", "pwd", "secret", "token", "dsn", "url", "credential", "passphrase" }

local function is_secret(name, value)
  name = tostring(name):lower()
  for _, word in ipairs(secret_names) do
    if name:find(word, 1, true) then
      return true
    end
  end
  return type(value) == "string"
    and (value:find("://[^/%s]*@") ~= nil or value:lower():find("pass%w*%s*=") ~= nil)
end

--- The config as JSON without anything that is, or looks like, a secret.
---@param config table
---@return string json
function M.config_json(config)
  local kept = {}
  for name, value in pairs(config) do
    local scalar = type(value) == "string" or type(value) == "boolean" or type(value) == "number"
    if type(name) == "string" and scalar and not is_secret(name, value) then
      kept[name] = value
    end
  end
  return next(kept) and cjson.encode(kept) or "{}"
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

--- Records a new run and names its build schema.
---@param conn pghost.Connection
---@param fields pghost.runs.Fields
---@return { id: integer, started: string, as_of: string, build: string } run texts are ISO timestamps
function M.record(conn, fields)
  local row = conn:query([[
    INSERT INTO pghost.runs (pipeline, target_schema, config, as_of, version, host_user, host_name, process_id)
    VALUES ($1, $2, $3::jsonb, coalesce($4::timestamp, clock_timestamp()::timestamp), $5, $6, $7, $8)
    RETURNING run_id, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS.USOF') AS started,
      to_char(as_of, 'YYYY-MM-DD HH24:MI:SS.US') AS as_of]],
    fields.pipeline, fields.target, M.config_json(fields.config), fields.as_of, fields.version,
    os.getenv("USER") or os.getenv("LOGNAME"), host_name(), fields.process_id)[1]
  local build = ("pghost_build_%d"):format(row.run_id)
  conn:query("UPDATE pghost.runs SET build_schema = $2 WHERE run_id = $1", row.run_id, build)
  return { id = row.run_id, started = row.started, as_of = row.as_of, build = build }
end

--- Records how a run ended. Raises when another run has meanwhile found it dead: it then has no right
--- to publish any more.
---@param state "published"|"unpublished"|"failed"|"interrupted"
---@param problem? pghost.Error
function M.finish(conn, run_id, state, problem)
  local updated = conn:query([[
    UPDATE pghost.runs SET state = $2, finished_at = clock_timestamp(), error_code = $3, error = $4
    WHERE run_id = $1 AND state = 'running']], run_id, state, problem and problem.code, problem and tostring(problem))
  if updated.affected ~= 1 then
    errors.raise(("run %d was taken for dead by another run: nothing is published"):format(run_id), "locked")
  end
end

--- Records the start of a step; returns its id.
---@return integer step_id
function M.begin_step(conn, run_id, kind, name)
  return conn:query("INSERT INTO pghost.steps (run_id, kind, name) VALUES ($1, $2, $3) RETURNING step_id",
    run_id, kind, name)[1].step_id
end

--- Records the end of a step.
---@param seconds number
---@param counts? table
---@param problem? string
function M.end_step(conn, step_id, seconds, counts, problem)
  conn:query([[
    UPDATE pghost.steps SET state = $2, finished_at = clock_timestamp(), seconds = $3, counts = $4::jsonb, error = $5
    WHERE step_id = $1]], step_id, problem and "failed" or "done", seconds,
    counts and next(counts) and cjson.encode(counts) or nil, problem)
end

return M
