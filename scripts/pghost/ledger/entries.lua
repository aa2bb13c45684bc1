-- What the ledger says. It is pghost.files: what published runs loaded into a table since it was last replaced.

local printable = require("pghost.input.printable").printable
local cjson = require "cjson"
local paths = require "pghost.lib.paths"

local M = {}

local ledger_query = [[
  WITH loaded AS (
    SELECT f.* FROM pghost.files AS f JOIN pghost.runs AS r USING (run_id)
    WHERE r.target_schema = $1 AND f.table_name = $2 AND f.published_at IS NOT NULL
  ), since AS (
    SELECT coalesce(max(run_id), 0) AS run_id FROM loaded WHERE mode = 'replace'
  )
  SELECT l.file_id, l.run_id, l.name, l.path, l.member, l.size, l.sha256,
    l.state = 'staged' AND NOT EXISTS ( -- a later clean of the whole raw table has taken it in
      SELECT FROM pghost.steps AS s JOIN pghost.runs AS r USING (run_id)
      WHERE s.kind = 'clean' AND s.name = $2 AND s.run_id >= l.run_id AND r.target_schema = $1
        AND r.state = 'published' AND NOT EXISTS (
          SELECT FROM pghost.files AS f WHERE f.run_id = s.run_id AND f.table_name = $2 AND f.mode = 'append'
            AND f.state = 'loaded')) AS only_staged
  FROM loaded AS l, since
  WHERE l.run_id >= since.run_id
    AND (l.sha256 IN (SELECT jsonb_array_elements_text($3::jsonb))
      OR l.name IN (SELECT jsonb_array_elements_text($4::jsonb)))
  ORDER BY l.file_id]]

--- Where the content of a file is: members of a zip share its path.
---@param file { path: string, member?: string }
---@return string
function M.place(file)
  return printable(file.path) .. "//" .. (file.member or "")
end

--- What the ledger knows of these files.
---@param run pghost.Run
---@param plan pghost.Plan
---@param files { sha256: string, name: string }[]
---@return table<string, table> by_hash the newest entry by content
---@return table<string, table> by_place the newest entry by place
function M.read(run, plan, files)
  local hashes, names = {}, {}
  for i, file in ipairs(files) do
    hashes[i], names[i] = file.sha256, file.name
  end
  local by_hash, by_place = {}, {}
  if #files == 0 or plan.first then
    return by_hash, by_place
  end
  local rows = run.conn:query(ledger_query, run.target, plan.name, cjson.encode(hashes), cjson.encode(names))
  for row in rows:rows() do
    -- Versions before recorded paths as they were given.
    by_place[M.place { path = paths.absolute(row.path), member = row.member }] = row
    if not (row.only_staged and by_hash[row.sha256]) then
      by_hash[row.sha256] = row
    end
  end
  return by_hash, by_place
end

return M
