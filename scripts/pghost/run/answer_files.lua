-- The SQL files that answers come from, remembered to report those that are gone.

local recordable = require "pghost.run.recordable"
local relations = require "pghost.catalog.relations"

local M = {}

-- The tables of this folder's removed questions, if they are published and unchanged since pghost built them.
local gone_query = [[
  SELECT a.table_name, a.file FROM pghost.answers AS a
    JOIN pghost.published AS p ON p.schema_name = a.target_schema AND p.table_name = a.table_name
    JOIN pg_catalog.pg_class AS c ON c.oid = p.relation
  WHERE a.pipeline = $1 AND a.target_schema = $2 AND a.folder = $3 AND a.run_id <> $4::bigint
  ORDER BY a.table_name]]

--- Remembers the file that a table was filled by.
---@param run pghost.Run
---@param folder string
---@param path string of the file
function M.remember(run, folder, path)
  run.conn:query([[
    INSERT INTO pghost.answers (target_schema, table_name, pipeline, folder, file, run_id)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (target_schema, table_name) DO UPDATE
      SET pipeline = excluded.pipeline, folder = excluded.folder, file = excluded.file, run_id = excluded.run_id]],
    run.target, path:match("([^/]*)%.sql$"), run.name, recordable.text(run.conn, folder),
    recordable.text(run.conn, path), run.id)
end

--- Reports answers that no question updates any more: their tables stay unchanged for ever.
---@param run pghost.Run
---@param folder string
function M.warn_of_gone(run, folder)
  for row in run.conn:query(gone_query, run.name, run.target, recordable.text(run.conn, folder), run.id):rows() do
    run.log:warn("analyse", row.table_name, ("'%s' is gone, its table %s is still published but no longer updated: "
      .. "drop the table, or restore the file"):format(row.file,
      relations.quoted(run.target, row.table_name)), { file = row.file })
  end
end

return M
