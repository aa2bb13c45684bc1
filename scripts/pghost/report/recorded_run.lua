-- What the schema `pghost` says of a run, as plain Lua tables for the report.
--
-- All of it is read in one read-only transaction of one snapshot, whose search_path is pg_catalog alone: no name in
-- these queries can resolve to another user's object. Not for the published tables (table_profile.lua, answers.lua).

local own_runs = require "pghost.run.own_runs"

local M = {}

---@class pghost.report.Run
---@field run_id integer
---@field pipeline string
---@field target_schema string
---@field state string
---@field steps table[]
---@field tables table[] counts of each clean table
---@field files table[]
---@field rejects table[] groups by table, column and rule, the most frequent first, each with samples
---@field rejected_groups integer
---@field checks table[] each with its history
---@field cleaning table[]
---@field lineage table[] of columns, by table, column and how
---@field trend table[] the last runs up to this one, the oldest first
---@field definitions table[]
---@field is_current boolean whether the published tables are those of this run

local trend_runs <const> = 20
local most_groups <const> = 40
local most_files <const> = 50
local samples_each <const> = 3
local sample_bytes <const> = 240

-- A result as plain tables, rows by name.
function M.plain(result)
  local names, rows = result:columns(), {}
  for row in result:rows() do
    local copy = {}
    for i, name in ipairs(names) do
      copy[name] = row[i]
    end
    rows[#rows + 1] = copy
  end
  return rows
end

--- Runs fn(conn) in a transaction that can change nothing and resolves no name outside of pg_catalog.
---@param conn pghost.Connection
---@param fn fun(conn: pghost.Connection)
function M.reading(conn, fn)
  return conn:transaction(function()
    conn:query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    conn:query("SET LOCAL search_path = pg_catalog")
    conn:query("SET LOCAL row_security = off")
    conn:query("SET LOCAL datestyle = 'ISO'")
    return fn(conn)
  end)
end

local run_query <const> = [[
  SELECT r.run_id, r.pipeline, r.target_schema, r.state, r.error, r.error_code, r.script, r.version,
    r.host_user, r.host_name, r.database_user, r.replay_of, r.retry_of, r.attempt,
    pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SS TZ') AS started,
    pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI') AS at,
    pg_catalog.to_char(r.as_of, 'YYYY-MM-DD HH24:MI:SS') AS as_of,
    coalesce((r.config OPERATOR(pg_catalog.->>) 'dry_run')::boolean, false) AS dry_run,
    extract(epoch FROM r.started_at)::float8 AS started_epoch,
    extract(epoch FROM r.finished_at)::float8 AS finished_epoch,
    extract(epoch FROM coalesce(r.finished_at, pg_catalog.clock_timestamp()) - r.started_at)::float8 AS seconds,
    coalesce(pg_catalog.cardinality(r.published_tables), 0) AS published,
    f.files, f.records, f.loaded, f.corrected, f.rejected, f.waived, f.filtered, f.duplicates, f.bytes, c.checks,
    c.failed, c.warned,
    r.state = 'running' AND NOT EXISTS (
      SELECT FROM pg_stat_activity AS a
      WHERE a.pid = r.backend_pid AND (a.backend_start IS NULL OR a.backend_start <= r.started_at)
    ) AS gone
  FROM pghost.runs AS r
  CROSS JOIN LATERAL (
    SELECT pg_catalog.count(*) AS files, coalesce(pg_catalog.sum(records), 0)::bigint AS records,
      coalesce(pg_catalog.sum(loaded + corrected), 0)::bigint AS loaded,
      coalesce(pg_catalog.sum(corrected), 0)::bigint AS corrected,
      coalesce(pg_catalog.sum(rejected), 0)::bigint AS rejected,
      coalesce(pg_catalog.sum(waived), 0)::bigint AS waived,
      coalesce(pg_catalog.sum(filtered), 0)::bigint AS filtered,
      coalesce(pg_catalog.sum(duplicates), 0)::bigint AS duplicates, coalesce(pg_catalog.sum(size), 0)::bigint AS bytes
    FROM pghost.files WHERE run_id = r.run_id AND state <> 'skipped'
  ) AS f
  CROSS JOIN LATERAL (
    SELECT pg_catalog.count(*) AS checks,
      pg_catalog.count(*) FILTER (WHERE NOT passed AND severity = 'error') AS failed,
      pg_catalog.count(*) FILTER (WHERE NOT passed AND severity = 'warn') AS warned
    FROM pghost.checks WHERE run_id = r.run_id
  ) AS c
  WHERE %s ORDER BY r.run_id DESC LIMIT $2::bigint]]

local queries <const> = {
  steps = [[
    SELECT kind, name, state, seconds, (counts OPERATOR(pg_catalog.->>) 'records')::bigint AS records, error,
      (counts OPERATOR(pg_catalog.->) 'partitions')::text AS partitions
    FROM pghost.steps WHERE run_id = $1 ORDER BY step_id]],
  tables = [[
    SELECT table_name AS name, pg_catalog.min(mode) AS mode, pg_catalog.count(*) AS files,
      coalesce(pg_catalog.sum(size), 0)::bigint AS bytes,
      coalesce(pg_catalog.sum(records), 0)::bigint AS records,
      coalesce(pg_catalog.sum(unreadable), 0)::bigint AS unreadable,
      coalesce(pg_catalog.sum(loaded + corrected), 0)::bigint AS loaded,
      coalesce(pg_catalog.sum(corrected), 0)::bigint AS corrected,
      coalesce(pg_catalog.sum(rejected), 0)::bigint AS rejected,
      coalesce(pg_catalog.sum(waived), 0)::bigint AS waived,
      coalesce(pg_catalog.sum(filtered), 0)::bigint AS filtered,
      coalesce(pg_catalog.sum(duplicates), 0)::bigint AS duplicates,
      pg_catalog.bool_and(records IS NOT NULL) AS complete
    FROM pghost.files WHERE run_id = $1 AND state <> 'skipped' GROUP BY table_name ORDER BY pg_catalog.min(file_id)]],
  files = ([[
    SELECT table_name, name, state, size, records, loaded + corrected AS loaded, rejected, waived, filtered,
      duplicates, pg_catalog.left(sha256, 12) AS sha256, pg_catalog.count(*) OVER () AS total
    FROM pghost.files WHERE run_id = $1 ORDER BY file_id LIMIT %d]]):format(most_files),
  checks = [[
    SELECT name, severity, passed, violations, seconds, table_name, rows_checked, measured, vacuous, query, owner,
      description, samples::text AS samples, (SELECT pg_catalog.json_agg(one.value::text ORDER BY one.ordinality)
        FROM pg_catalog.jsonb_array_elements(samples) WITH ORDINALITY AS one)::text AS sample_texts
    FROM pghost.checks WHERE run_id = $1 ORDER BY check_id]],
  lineage = [[
    SELECT l.table_name, l.column_name, l.how, pg_catalog.string_agg(
      pg_catalog.concat(l.source_table, '.', l.source_column), ', ' ORDER BY l.source_table, l.source_column) AS sources
    FROM pghost.lineage AS l WHERE l.run_id = $1 GROUP BY 1, 2, 3
    ORDER BY l.table_name, l.column_name NULLS LAST, l.how]],
  cleaning = [[
    SELECT table_name, column_name, rule, cells, samples::text AS samples
    FROM pghost.cleaning WHERE run_id = $1 ORDER BY table_name, cells DESC, column_name, rule]],
  rejects = ([[
    SELECT table_name, column_name, rule, pg_catalog.count(*) AS records,
      pg_catalog.count(*) FILTER (WHERE state <> 'open') AS settled,
      pg_catalog.count(*) OVER () AS groups, pg_catalog.sum(pg_catalog.count(*)) OVER ()::bigint AS total
    FROM pghost.rejects WHERE run_id = $1 GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT %d]]):format(most_groups),
  samples = ([[
    SELECT s.table_name, s.column_name, s.rule, r.line, pg_catalog.left(r.reason, 300) AS reason, f.name AS file,
      substring(r.original FROM 1 FOR %d) AS original, pg_catalog.octet_length(r.original) AS bytes
    FROM (
      SELECT reject_id, table_name, column_name, rule,
        pg_catalog.row_number() OVER (PARTITION BY table_name, column_name, rule ORDER BY reject_id) AS place
      FROM pghost.rejects WHERE run_id = $1
    ) AS s
    JOIN pghost.rejects AS r ON r.reject_id = s.reject_id
    LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
    WHERE s.place <= %d ORDER BY s.reject_id]]):format(sample_bytes, samples_each),
}

-- The outcome of each check in the last runs of the same pipeline.
local check_history <const> = [[
  SELECT c.run_id, c.name, c.severity, c.passed, c.violations
  FROM pghost.checks AS c WHERE c.run_id = ANY ($1::bigint[]) ORDER BY c.run_id, c.check_id]]

local function key_of(row)
  return ("%s\0%s\0%s"):format(row.table_name, row.column_name or "\1", row.rule)
end

local function add_samples(groups, samples)
  local by_key = {}
  for _, group in ipairs(groups) do
    group.samples, by_key[key_of(group)] = {}, group
  end
  for _, sample in ipairs(samples) do
    local group = by_key[key_of(sample)]
    if group then
      group.samples[#group.samples + 1] = sample
    end
  end
end

local function add_check_history(conn, run)
  local ids, place = {}, {}
  for i, one in ipairs(run.trend) do
    ids[i], place[one.run_id] = ("%d"):format(one.run_id), i
  end
  local by_name = {}
  for _, row in ipairs(M.plain(conn:query(check_history, "{" .. table.concat(ids, ",") .. "}"))) do
    by_name[row.name] = by_name[row.name] or {}
    by_name[row.name][place[row.run_id]] = row
  end
  for _, check in ipairs(run.checks) do
    check.history = by_name[check.name] or {}
  end
end

-- Histories that this version has not migrated yet do not have the table.
local function definitions_of(conn, run_id)
  if not conn:query("SELECT pg_catalog.to_regclass('pghost.definitions') IS NOT NULL AS present")[1].present then
    return {}
  end
  return M.plain(conn:query([[
    SELECT table_name, kind, definition, reads::text AS reads FROM pghost.definitions
    WHERE run_id = $1 ORDER BY place]], run_id))
end

local function is_current(conn, run)
  return run.state == "published" and conn:query([[
    SELECT NOT EXISTS (SELECT FROM pghost.runs WHERE pipeline = $1 AND target_schema = $2 AND run_id > $3
      AND (state = 'published' OR published_tables <> '{}')) AS newest]],
    run.pipeline, run.target_schema, run.run_id)[1].newest
end

--- The newest runs, those of a pipeline if one is named.
---@param conn pghost.Connection within M.reading
---@param pipeline? string
---@param limit integer
---@return table[]
function M.runs(conn, pipeline, limit)
  return M.plain(conn:query(run_query:format "($1::text IS NULL OR r.pipeline = $1)", pipeline, limit))
end

--- The newest run: of a pipeline if one is named, else of the project that the current folder is in, else of all.
---@param conn pghost.Connection within M.reading
---@param pipeline? string
---@return table? run
function M.last(conn, pipeline)
  local scripts = not pipeline and own_runs.scripts(conn) or nil
  if not scripts then
    return M.runs(conn, pipeline, 1)[1]
  end
  return M.plain(conn:query(run_query:format "r.script = ANY ($1::text[])", scripts, 1))[1]
end

--- All that is recorded of a run; nil when there is none of that number.
---@param conn pghost.Connection within M.reading
---@param run_id integer
---@return pghost.report.Run?
function M.run(conn, run_id)
  local run = M.plain(conn:query(run_query:format "r.run_id = $1", run_id, 1))[1]
  if not run then
    return nil
  end
  for name, text in pairs(queries) do
    run[name] = M.plain(conn:query(text, run_id))
  end
  add_samples(run.rejects, run.samples)
  local last = M.plain(conn:query(run_query:format [[(r.pipeline, r.target_schema) = (
    SELECT pipeline, target_schema FROM pghost.runs WHERE run_id = $1) AND r.run_id <= $1]], run_id, trend_runs))
  run.trend = table.move(last, 1, #last, 1, {})
  table.sort(run.trend, function(a, b)
    return a.run_id < b.run_id
  end)
  run.definitions = definitions_of(conn, run_id)
  add_check_history(conn, run)
  run.is_current = is_current(conn, run)
  return run
end

return M
