-- If records missing from the files are removed from the table, the files are a complete snapshot: they are loaded
-- together, unchanged ones too, or left out together.

local qualified = require "pghost.modes.qualified"

local M = {}

-- The contents that the last published run left in the table, if it treated missing keys the same way.
local last_query = qualified [[
  WITH last AS (
    SELECT f.run_id FROM pghost.files AS f JOIN pghost.runs AS r ON r.run_id = f.run_id
    WHERE r.target_schema = $1 AND f.table_name = $2 AND f.published_at IS NOT NULL
    ORDER BY f.published_at DESC, f.file_id DESC LIMIT 1
  )
  SELECT pg_catalog.string_agg(f.sha256, ' ' ORDER BY f.sha256 COLLATE "C") AS hashes
  FROM pghost.files AS f JOIN last ON last.run_id = f.run_id
  WHERE f.table_name = $2 AND f.state <> 'skipped'
  HAVING pg_catalog.bool_and(f.mode = 'replace' OR f.missing = $3)]]

---@param request { missing: string }
---@return boolean
function M.is_one(request)
  return request.missing == "delete" or request.missing == "mark" or request.missing == "close"
end

--- Whether these files are the last that the table was made of.
---@param run pghost.Run
---@param request { name: string, missing: string, first: boolean }
---@param files table[]
---@return boolean
function M.is_last(run, request, files)
  local hashes = {}
  for i, file in ipairs(files) do
    if not file.sha256 then
      return false
    end
    hashes[i] = file.sha256
  end
  if request.first then
    return false
  end
  table.sort(hashes)
  local last = run.conn:query(last_query, run.target, request.name, request.missing)[1]
  return last ~= nil and last.hashes == table.concat(hashes, " ")
end

return M
