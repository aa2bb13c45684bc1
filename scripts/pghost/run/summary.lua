-- What the history says of runs, as plain Lua tables: a list of them, and one with all its parts.
--
-- For `pghost runs`, which shows it. Not for finding a run by its number (recorded.lua).

local lists = require "pghost.lib.lists"
local recorded_rows = require "pghost.run.recorded_rows"

local M = {}

-- A "running" run whose server process is gone has died; nothing has cleaned up after it yet. Replays read no files:
-- what they ran again is in their steps.
local list_query = [[
  SELECT r.run_id, r.pipeline, r.target_schema AS schema, r.state, r.replay_of,
    pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SS TZ') AS started,
    pg_catalog.round(extract(epoch FROM coalesce(r.finished_at, pg_catalog.clock_timestamp()) - r.started_at), 3)
      ::float8 AS seconds,
    coalesce(f.files, 0) AS files, coalesce(f.records, s.records, 0) AS records,
    coalesce(f.loaded, s.loaded, 0) AS loaded, coalesce(f.corrected, s.corrected, 0) AS corrected,
    coalesce(f.rejected, s.rejected, 0) AS rejected, coalesce(f.waived, 0) AS waived,
    coalesce(f.duplicates, 0) AS duplicates,
    CASE WHEN r.state = 'killed' THEN (
      SELECT pg_catalog.min(n.run_id) FROM pghost.runs AS n
      WHERE n.pipeline = r.pipeline AND n.target_schema = r.target_schema AND n.run_id > r.run_id
    ) END AS found_by,
    r.state = 'running' AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_stat_activity AS a
      WHERE a.pid = r.backend_pid AND (a.backend_start IS NULL OR a.backend_start <= r.started_at)
    ) AS gone,
    r.error, r.error_code, r.script, r.version, r.host_user, r.host_name, r.process_id, r.database_user,
    pg_catalog.to_char(r.as_of, 'YYYY-MM-DD HH24:MI:SS') AS as_of
  FROM pghost.runs AS r
  LEFT JOIN LATERAL (
    SELECT pg_catalog.count(*) AS files, pg_catalog.sum(records)::bigint AS records,
      pg_catalog.sum(loaded)::bigint AS loaded, pg_catalog.sum(corrected)::bigint AS corrected,
      pg_catalog.sum(rejected)::bigint AS rejected, pg_catalog.sum(waived)::bigint AS waived,
      pg_catalog.sum(duplicates)::bigint AS duplicates
    FROM pghost.files WHERE run_id = r.run_id HAVING pg_catalog.count(*) > 0
  ) AS f ON true
  LEFT JOIN LATERAL (
    SELECT pg_catalog.sum((counts OPERATOR(pg_catalog.->>) 'records')::bigint)::bigint AS records,
      pg_catalog.sum((counts OPERATOR(pg_catalog.->>) 'loaded')::bigint)::bigint AS loaded,
      pg_catalog.sum((counts OPERATOR(pg_catalog.->>) 'corrected')::bigint)::bigint AS corrected,
      pg_catalog.sum((counts OPERATOR(pg_catalog.->>) 'rejected')::bigint)::bigint AS rejected
    FROM pghost.steps WHERE run_id = r.run_id AND kind = 'replay'
  ) AS s ON true
  WHERE ($1::bigint IS NULL OR r.run_id = $1) AND ($2::text IS NULL OR r.pipeline = $2)
  ORDER BY r.run_id DESC LIMIT $3::bigint]]

-- The parts of one run, in the order they are shown.
local part_queries = {
  { "steps", [[
    SELECT kind AS step, name, state, pg_catalog.round(seconds::numeric, 3)::float8 AS seconds,
      CASE WHEN seconds OPERATOR(pg_catalog.>) 0::float8 THEN pg_catalog.round((
        (counts OPERATOR(pg_catalog.->>) 'records')::float8 OPERATOR(pg_catalog./) seconds)::numeric)::int8 END
        AS records_per_second,
      (counts OPERATOR(pg_catalog.->>) 'records')::bigint AS records,
      (counts OPERATOR(pg_catalog.->>) 'loaded')::bigint AS loaded,
      (counts OPERATOR(pg_catalog.->>) 'corrected')::bigint AS corrected,
      (counts OPERATOR(pg_catalog.->>) 'rejected')::bigint AS rejected,
      (counts OPERATOR(pg_catalog.->>) 'waived')::bigint AS waived,
      (counts OPERATOR(pg_catalog.->>) 'duplicates')::bigint AS duplicates, error
    FROM pghost.steps WHERE run_id = $1 ORDER BY step_id]] },
  { "loaders", [[
    SELECT w.owner AS loader, w.table_name AS table, pg_catalog.count(*) FILTER (WHERE w.state = 'loaded') AS files,
      pg_catalog.sum(w.records)::bigint AS records, pg_catalog.sum(w.bytes)::bigint AS bytes,
      pg_catalog.round((pg_catalog.sum(w.records) OPERATOR(pg_catalog./) nullif(extract(epoch FROM
        pg_catalog.sum(w.spent)), 0))::numeric)::int8
        AS records_per_second,
      pg_catalog.string_agg(w.file, ', ' ORDER BY w.place) FILTER (WHERE w.state = 'leased'
        AND w.lease_until >= pg_catalog.clock_timestamp()) AS loading,
      pg_catalog.string_agg(w.file, ', ' ORDER BY w.place) FILTER (WHERE w.state = 'leased'
        AND w.lease_until < pg_catalog.clock_timestamp()) AS lost
    FROM (
      SELECT work.*, CASE WHEN pg_catalog.row_number() OVER (PARTITION BY owner, table_name, step, taken_at) = 1
        THEN coalesce(loaded_at, pg_catalog.clock_timestamp()) - taken_at END AS spent -- once for those taken together
      FROM pghost.work WHERE run_id = $1 AND owner IS NOT NULL
    ) AS w GROUP BY 1, 2 ORDER BY 2, 1]] },
  { "files", [[
    SELECT table_name AS table, name AS file, state, size, records, loaded, corrected, rejected, waived,
      filtered, duplicates,
      pg_catalog.left(sha256, 12) AS sha256
    FROM pghost.files WHERE run_id = $1 ORDER BY file_id]] },
  { "rejects", [[
    SELECT table_name AS table, column_name AS column, rule, state, pg_catalog.count(*) AS records
    FROM pghost.rejects WHERE run_id = $1 GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4]] },
  { "checks", [[
    SELECT name AS check, severity, passed, violations, rows_checked, measured, vacuous, owner,
      samples::text AS samples
    FROM pghost.checks WHERE run_id = $1 ORDER BY check_id]] },
  { "cleaning", [[
    SELECT table_name AS table, column_name AS column, rule, cells, (
        SELECT pg_catalog.string_agg(pg_catalog.concat(CASE WHEN before IS NULL THEN 'null'
          ELSE pg_catalog.concat('''', before, '''') END, ' -> ', CASE WHEN after IS NULL THEN 'null'
          ELSE pg_catalog.concat('''', after, '''') END), ', ' ORDER BY place)
        FROM pg_catalog.jsonb_array_elements(samples) WITH ORDINALITY AS one (s, place),
          LATERAL (SELECT s OPERATOR(pg_catalog.->>) 'before', s OPERATOR(pg_catalog.->>) 'after') AS t (before, after)
      ) AS samples
    FROM pghost.cleaning WHERE run_id = $1 ORDER BY 1, 2, 3]] },
  { "lineage", [[
    SELECT l.table_name AS table, l.column_name AS column, pg_catalog.string_agg(pg_catalog.concat(
        CASE WHEN l.source_schema <> r.target_schema THEN pg_catalog.concat(l.source_schema, '.') END,
        l.source_table, '.', l.source_column), ', ' ORDER BY l.source_table, l.source_column) AS from, l.how
    FROM pghost.lineage AS l JOIN pghost.runs AS r ON r.run_id = l.run_id
    WHERE l.run_id = $1 GROUP BY l.table_name, l.column_name, l.how
    ORDER BY l.table_name, l.column_name NULLS LAST, l.how]] },
}

--- The last runs, the newest first.
---@param conn pghost.Connection
---@param filter { run_id?: integer, pipeline?: string, limit?: integer }
---@return table[] rows by name; rows.columns and rows.types describe them
function M.list(conn, filter)
  return recorded_rows.plain(conn:query(list_query, filter.run_id, filter.pipeline, filter.limit))
end

--- The parts of a run in order: steps, loaders, files, rejects, checks, cleaning, lineage.
---@param conn pghost.Connection
---@param run_id integer
---@return { [1]: string, [2]: table }[] name and rows
function M.parts(conn, run_id)
  local has_work = conn:query("SELECT pg_catalog.to_regclass('pghost.work') IS NOT NULL AS found")[1].found
  local parts = lists.filter(part_queries, function(part)
    return part[1] ~= "loaders" or has_work -- a history that an earlier pghost has made
  end)
  return lists.map(parts, function(part)
    return { part[1], recorded_rows.plain(conn:query(part[2], run_id)) }
  end)
end

--- How a run ended, or that it is still running, for people.
---@param run table a row of list
---@return string
function M.state_text(run)
  if run.state == "killed" then
    return run.found_by and ("killed: run %d found it dead and removed what it had built"):format(run.found_by)
      or "killed: found dead; what it had built was removed"
  elseif run.gone then
    return "running, but its server process is gone: the next run of the pipeline removes what it built"
  end
  return run.state
end

return M
