-- Removes old runs from the history, and never what a later run needs: what the ledger says of the files in a table,
-- rejects that can be replayed, the last published run of each table, runs in progress or that can be resumed.
--
-- Corrections and waivers do not belong to a run, and stay. Everything is one transaction, in which pg_catalog is the
-- only schema that names are looked up in.

local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local lock = require "pghost.run.lock"
local log = require "pghost.lib.log"
local keeping = require "pghost.run.keeping"
local sql = require "pghost.lib.sql"

local M = {}

---@class pghost.Purge
---@field before string what has ended before that moment is old, as text
---@field runs integer[] removed with all that is recorded under them
---@field thinned integer[] their details alone are removed: a later run needs the rest
---@field kept { reason: string, runs: integer }[] old runs of which nothing was removed, or only details
---@field removed { part: string, rows: integer }[] rows removed, by table of the schema pghost

-- Why old runs stay, the first that holds.
local reasons <const> = {
  active = "in progress, or can be resumed",
  last = "the last that published a table",
  ledger = "a table has its files; its details go",
  rejects = "has open rejects that can be replayed; its details go",
}
local reason_order <const> = { "active", "last", "ledger", "rejects" }

local plan_query <const> = [[
  WITH old AS (
    SELECT r.* FROM pghost.runs AS r
    WHERE coalesce(r.finished_at, r.started_at) < $1::timestamptz
      AND ($2::text IS NULL OR r.pipeline = $2) AND ($3::text IS NULL OR r.target_schema = $3)
  ), rebuilt AS ( -- the run that a table was last rebuilt by
    SELECT r.target_schema, f.table_name, pg_catalog.max(f.run_id) AS run_id
    FROM pghost.files AS f JOIN pghost.runs AS r ON r.run_id = f.run_id
    WHERE f.published_at IS NOT NULL AND f.mode = 'replace' AND f.state <> 'skipped'
    GROUP BY r.target_schema, f.table_name
  ), last AS (
    SELECT pg_catalog.max(r.run_id) AS run_id
    FROM pghost.runs AS r CROSS JOIN LATERAL pg_catalog.unnest(r.published_tables) AS t (name)
    GROUP BY r.target_schema, t.name
    UNION
    SELECT pg_catalog.max(run_id) FROM pghost.runs WHERE state = 'published' GROUP BY pipeline, target_schema
  ), touched AS ( -- what published runs did to tables: files, and cleaning of the raw table
    SELECT f.run_id, f.table_name FROM pghost.files AS f
    WHERE f.published_at IS NOT NULL OR f.state = 'skipped' AND f.same_as IS NOT NULL
    UNION
    SELECT s.run_id, s.name FROM pghost.steps AS s WHERE s.kind = 'clean'
  )
  SELECT o.run_id, CASE
    WHEN o.state = 'running' OR EXISTS (
      SELECT 1 FROM pghost.runs AS p WHERE p.replay_of = o.run_id AND p.state = 'running')
      OR o.state = 'interrupted' AND EXISTS (
        SELECT 1 FROM pg_catalog.pg_namespace
        WHERE nspname = pg_catalog.concat('pghost_build_', o.run_id)) THEN 'active'
    WHEN EXISTS (SELECT 1 FROM last WHERE last.run_id = o.run_id) THEN 'last'
    WHEN (o.state = 'published' OR o.published_tables <> '{}') AND EXISTS (
      SELECT 1 FROM touched AS t LEFT JOIN rebuilt AS b
        ON b.target_schema = o.target_schema AND b.table_name = t.table_name
      WHERE t.run_id = o.run_id AND o.run_id >= coalesce(b.run_id, 0)) THEN 'ledger'
    WHEN NOT $4::boolean AND EXISTS (
      SELECT 1 FROM (
        SELECT DISTINCT j.table_name FROM pghost.rejects AS j WHERE j.run_id = o.run_id AND j.state = 'open'
      ) AS j LEFT JOIN rebuilt AS b ON b.target_schema = o.target_schema AND b.table_name = j.table_name
      WHERE o.run_id >= coalesce(b.run_id, 0)) THEN 'rejects'
  END AS reason
  FROM old AS o ORDER BY o.run_id]]

-- The tables of schema pghost that have rows of a run, and which of these rows are details.
local parts <const> = {
  { name = "rejects", details = "state <> 'open'" }, { name = "checks", details = "true" },
  { name = "cleaning", details = "true" }, { name = "definitions", details = "true" },
  { name = "lineage", details = "true" }, { name = "profiles", details = "true" },
  { name = "profile_parts", details = "true" },
  { name = "steps" }, { name = "files" }, { name = "runs" },
}

local moment_query <const> = [[
  SELECT pg_catalog.to_char(m.at, 'YYYY-MM-DD HH24:MI:SS TZ') AS shown, m.at::text AS exact
  FROM (SELECT pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1::double precision) AS at) AS m]]

local function plan(conn, options)
  local moment = conn:query(moment_query, assert(keeping.seconds(options.keep)))[1]
  local result = { before = moment.shown, runs = {}, thinned = {}, kept = {}, removed = {} }
  local counts = {}
  for row in conn:query(plan_query, moment.exact, options.pipeline, options.target, options.open_rejects or false)
      :rows() do
    if not row.reason then
      result.runs[#result.runs + 1] = row.run_id
    elseif row.reason == "ledger" or row.reason == "rejects" then
      result.thinned[#result.thinned + 1] = row.run_id
    end
    counts[row.reason or ""] = (counts[row.reason or ""] or 0) + 1
  end
  for _, name in ipairs(reason_order) do
    result.kept[#result.kept + 1] = counts[name] and { reason = reasons[name], runs = counts[name] } or nil
  end
  return result
end

local function array(ids)
  return sql.array(lists.map(ids, tostring))
end

-- Deletes rows, or counts those that would go.
local function remove(conn, result, options)
  local whole, thin = array(result.runs), array(result.thinned)
  for _, part in ipairs(parts) do
    local details = options.open_rejects and part.details and "true" or part.details
    local condition = "run_id = ANY ($1::bigint[])" .. (details
      and (" OR run_id = ANY ($2::bigint[]) AND (%s)"):format(details) or "")
    local statement = options.dry_run and "SELECT pg_catalog.count(*) AS rows FROM pghost.%s WHERE %s"
      or "WITH gone AS (DELETE FROM pghost.%s WHERE %s RETURNING 1) SELECT pg_catalog.count(*) AS rows FROM gone"
    local ids = { whole, details and thin or nil }
    local rows = conn:query(statement:format(part.name, condition), table.unpack(ids))[1].rows
    result.removed[#result.removed + 1] = rows > 0 and { part = part.name, rows = rows } or nil
  end
end

--- Removes what is old, or says what would go.
---@param conn pghost.Connection
---@param options { keep: string, pipeline?: string, target?: string, open_rejects?: boolean, dry_run?: boolean }
---@return pghost.Purge
function M.run(conn, options)
  return conn:transaction(function()
    conn:query("SELECT pg_catalog.set_config('search_path', 'pg_catalog', true)")
    if not options.dry_run and not lock.try_here(conn, "purge", "pghost") then
      errors.raise("another purge is in progress: try again when it is done", "locked")
    end
    local result = plan(conn, options)
    remove(conn, result, options)
    return result
  end)
end

--- What the setting keep_history asks for, after a run has published. Never changes how it ended: what goes wrong is
--- a warning.
---@param run pghost.Run
function M.after(run)
  local keep = run.settings.keep_history
  local done, found = pcall(M.run, run.conn, { keep = keep, pipeline = run.name, target = run.target })
  if not done then
    run.log:warn("purge", run.name, "the history was not purged: " .. tostring(found):match "^[^\n]*")
  elseif #found.runs > 0 then
    run.log:info("purge", run.name, ("%s older than %s removed from the history"):format(log.counted(#found.runs,
      "run"), keep), { removed = #found.runs })
  end
end

return M
