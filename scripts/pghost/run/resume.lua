-- Resuming a killed run: with the setting `resume` a load commits what it has built every few files, and the next run
-- takes over the build schema of a run that died or was interrupted. load/kept.lua decides which of its tables are
-- still valid; checks and analytics always run again.

local errors = require "pghost.lib.errors"
local history = require "pghost.run.history"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"

local M = {}

--- Settings that each host has its own of, where several load one run.
M.of_host = { "data", "workers", "memory", "join", "report", "metrics", "openlineage", "wait", "retries" }

-- The newest run of this pipeline that can be resumed. The caller holds the lock.
local function find(run)
  return run.conn:query([[
    SELECT run_id, state, version IS NOT DISTINCT FROM $3 AND pg_catalog.jsonb_delete(config, VARIADIC $5::text[])
        = pg_catalog.jsonb_delete($4::pg_catalog.jsonb, VARIADIC $5::text[]) AS same,
      pg_catalog.to_char(started_at, 'YYYY-MM-DD HH24:MI:SS.USOF') AS started,
      pg_catalog.to_char(as_of, 'YYYY-MM-DD HH24:MI:SS.US') AS as_of, build_schema AS build
    FROM pghost.runs
    WHERE pipeline = $1 AND target_schema = $2 AND state IN ('running', 'interrupted')
      AND build_schema = pg_catalog.concat('pghost_build_', run_id)
      AND EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = build_schema)
    ORDER BY run_id DESC LIMIT 1]], run.name, run.target, history.version(),
    history.config_json(run.settings, run.conn), sql.array(run.settings.share and M.of_host or {}))[1]
end

-- Drops everything but tables that files were loaded into: views, answers, unfinished objects.
local function tidy(run)
  local conn = run.conn
  local rows = conn:query([[
    WITH loaded AS (
      SELECT DISTINCT pg_catalog.concat(f.table_name, s.suffix) AS name FROM pghost.files AS f,
        (VALUES (''), ('_raw'), ('_new'), ('_raw_new')) AS s (suffix) WHERE f.run_id = $1
    )
    SELECT c.relname::pg_catalog.text AS name, c.relkind::pg_catalog.text AS kind
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $2::pg_catalog.name AND c.relkind IN ('r', 'v', 'm') AND NOT c.relispartition
      AND (c.relkind <> 'r' OR c.relname::pg_catalog.text NOT IN (SELECT name FROM loaded))]], run.id, run.build)
  local words = { r = "TABLE", v = "VIEW", m = "MATERIALIZED VIEW" }
  for row in rows:rows() do
    conn:query(("DROP %s IF EXISTS %s CASCADE"):format(words[row.kind], run:qualified(row.name)))
  end
  conn:query("DELETE FROM pghost.checks WHERE run_id = $1", run.id)
  conn:query("DELETE FROM pghost.files WHERE run_id = $1 AND state = 'skipped'", run.id)
  conn:query([[
    UPDATE pghost.steps SET state = 'failed', error = 'the run was killed'
    WHERE run_id = $1 AND state = 'running']], run.id)
end

--- Takes over a run that was killed or interrupted, if there is one: fills in id, started,
--- as_of and build of the run. The caller holds the lock.
---@param run pghost.Run
---@return boolean
function M.take_over(run)
  if not run.settings.resume then
    return false
  elseif run.settings.build_schema ~= "" then
    errors.raise("resume needs a build schema of its own: leave out build_schema", "usage")
  end
  local old = find(run)
  if not old then
    return false
  elseif not old.same then
    run.log:warn("start", run.name, ("run %d was %s with other settings or another version: not resumed")
      :format(old.run_id, old.state == "running" and "killed" or old.state))
    return false
  end
  run:identify { id = old.run_id, started = old.started, as_of = old.as_of, build = old.build }
  run.resumed = true
  run.conn:transaction(function()
    run.conn:query([[
      UPDATE pghost.runs SET state = 'running', finished_at = NULL, error = NULL, error_code = NULL,
        resumed = resumed + 1, process_id = $2, backend_pid = pg_catalog.pg_backend_pid()
      WHERE run_id = $1]], run.id, sys.pid())
    tidy(run)
  end)
  run.log:info("start", run.name, ("resumes run %d, which was %s"):format(run.id,
    old.state == "running" and "killed" or old.state), { run = run.id, resumed = true })
  return true
end

--- Whether what a run has built stays for the next when it ends like this.
---@param run pghost.Run
---@param state string
---@return boolean
function M.stays(run, state)
  return run.settings.resume and state == "interrupted" or false
end

return M
