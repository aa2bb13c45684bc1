-- Rejects of a run whose tables a later run has rebuilt: the same records are now rejects of the later run, matched by
-- the content of their file, line and original bytes. So a rejects file stays valid when a run happens between writing
-- and fixing it.

local sql = require "pghost.lib.sql"

local M = {}

local later_query = [[
  SELECT f.table_name, pg_catalog.max(f.run_id) AS run_id
  FROM pghost.files AS f JOIN pghost.runs AS n ON n.run_id = f.run_id JOIN pghost.runs AS o ON o.run_id = $1
  WHERE n.pipeline = o.pipeline AND n.target_schema = o.target_schema AND n.run_id > o.run_id AND n.state = 'published'
    AND n.replay_of IS NULL AND f.mode = 'replace' AND f.published_at IS NOT NULL
    AND f.table_name = ANY ($2::pg_catalog.text[])
  GROUP BY f.table_name]]

--- The one run that has rebuilt all these tables last; nil: not all of them, or not the same one.
---@param conn pghost.Connection
---@param run_id integer
---@param tables string[]
---@return integer?
function M.to(conn, run_id, tables)
  local later, count
  for row in conn:query(later_query, run_id, sql.array(tables)):rows() do
    later, count = later or row.run_id, (count or 0) + 1
    if row.run_id ~= later then
      return nil
    end
  end
  return count == #tables and later or nil
end

local query = [[
  SELECT o.reject_id AS was, r.reject_id, r.run_id, r.table_name, r.file_id, r.line, r.original, r.state, r.replayed_by,
    g.name, pg_catalog.array_to_json(f.header)::text AS header, f.read_as::text AS dialect
  FROM pghost.rejects AS o JOIN pghost.files AS g ON g.file_id = o.file_id
    JOIN pghost.rejects AS r ON r.run_id = $2 AND r.table_name = o.table_name AND r.line = o.line
      AND r.original = o.original
    JOIN pghost.files AS f ON f.file_id = r.file_id AND f.sha256 = g.sha256
  WHERE o.reject_id = ANY ($1::pg_catalog.int8[]) AND o.run_id = $3]]

--- The rejects of the later run by the numbers that they had in the earlier one; with the earlier names of their files.
---@param conn pghost.Connection
---@param ids integer[]
---@param later integer
---@param earlier integer
---@return table<integer, table>
function M.find(conn, ids, later, earlier)
  local found = {}
  for row in conn:query(query, sql.array(ids), later, earlier):rows() do
    found[row.was] = row
  end
  return found
end

return M
