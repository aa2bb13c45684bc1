-- What the history says of the checks of a run, and how each of them went in the runs before.
--
-- For `pghost checks`. Not for the report, which reads all of a run in one transaction (report/recorded_run.lua).

local own_runs = require "pghost.run.own_runs"
local recorded_rows = require "pghost.run.recorded_rows"

local M = {}

local before <const> = 10 -- runs of the same pipeline that a check's history looks at

-- One letter a run, the newest last: "." passed, "w" warned, "F" failed, " " it did not run.
local list_query <const> = ([[
  WITH last AS (
    SELECT r.run_id, pg_catalog.row_number() OVER (ORDER BY r.run_id) AS place
    FROM (
      SELECT o.run_id FROM pghost.runs AS o JOIN pghost.runs AS r ON r.run_id = $1
        AND o.pipeline = r.pipeline AND o.target_schema = r.target_schema AND o.run_id <= r.run_id
      WHERE EXISTS (SELECT 1 FROM pghost.checks AS c WHERE c.run_id = o.run_id)
      ORDER BY o.run_id DESC LIMIT %d
    ) AS r
  )
  SELECT c.run_id, c.name, c.kind, c.table_name, c.column_names, c.severity, c.outcome, c.violations, c.rows_checked,
    c.measured, c.vacuous, c.owner, c.description, c.tags, c.samples, c.query,
    pg_catalog.round(c.seconds::numeric, 3) AS seconds, (
      SELECT pg_catalog.string_agg(coalesce(h.mark, ' '), '' ORDER BY l.place)
      FROM last AS l LEFT JOIN LATERAL (
        SELECT pg_catalog.max(CASE o.outcome WHEN 'passed' THEN '.' WHEN 'warned' THEN 'w' ELSE 'F' END) AS mark
        FROM pghost.v_checks AS o WHERE o.run_id = l.run_id AND o.name = c.name
      ) AS h ON true
    ) AS history
  FROM pghost.v_checks AS c
  WHERE c.run_id = $1 AND (NOT $2::boolean OR c.outcome <> 'passed')
  ORDER BY c.check_id]]):format(before)

--- The checks of a run in their order.
---@param conn pghost.Connection
---@param run_id integer
---@param failed? boolean only those that did not pass
---@return table[] rows by name; rows.columns and rows.types describe them
function M.list(conn, run_id, failed)
  return recorded_rows.plain(conn:query(list_query, run_id, failed or false))
end

--- The same as JSON texts, as the server writes them.
---@param conn pghost.Connection
---@param run_id integer
---@param failed? boolean
---@return string[]
function M.json(conn, run_id, failed)
  local lines = {}
  for row in conn:query(("SELECT pg_catalog.row_to_json(c)::text AS line FROM (%s) AS c"):format(list_query), run_id,
      failed or false):rows() do
    lines[#lines + 1] = row.line
  end
  return lines
end

--- The newest run that has checks: of a pipeline, or of the project that the current folder is in.
---@param conn pghost.Connection
---@param pipeline? string
---@return integer? run_id
function M.last(conn, pipeline)
  return conn:query([[
    SELECT pg_catalog.max(r.run_id) AS run_id FROM pghost.runs AS r
    WHERE ($1::text IS NULL OR r.pipeline = $1) AND ($2::text[] IS NULL OR r.script = ANY ($2::text[]))
      AND EXISTS (SELECT 1 FROM pghost.checks AS c WHERE c.run_id = r.run_id)]], pipeline,
    not pipeline and own_runs.scripts(conn) or nil)[1].run_id
end

return M
