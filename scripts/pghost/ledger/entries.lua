-- What the ledger says. It is pghost.files: what published runs loaded into a table since it was last replaced, and
-- which files they found to have the same content.

local cjson = require "cjson"
local paths = require "pghost.lib.paths"
local qualified = require "pghost.modes.qualified"
local recordable = require "pghost.run.recordable"

local M = {}

---@class pghost.ledger.Entry
---@field file_id integer
---@field run_id integer
---@field name string
---@field path string
---@field member? string
---@field size integer
---@field sha256 string
---@field skipped boolean its content was in the table already
---@field only_staged boolean its content is in the raw table, and in the clean one not yet

-- In the order in which runs published: that is the order in which the table got the files.
local ledger_query = qualified [[
  WITH known AS (
    SELECT f.*, coalesce(f.published_at, r.finished_at) AS known_at
    FROM pghost.files AS f JOIN pghost.runs AS r ON r.run_id = f.run_id
    WHERE r.target_schema = $1 AND f.table_name = $2 AND (f.published_at IS NOT NULL
      OR (f.state = 'skipped' AND f.same_as IS NOT NULL AND r.state = 'published'))
  ), since AS (
    SELECT coalesce(pg_catalog.max(run_id), 0) AS run_id FROM known WHERE mode = 'replace' AND state <> 'skipped'
  )
  SELECT l.file_id, l.run_id, l.name, l.path, l.member, l.size, l.sha256, l.state = 'skipped' AS skipped,
    l.state = 'staged' AND NOT EXISTS ( -- a later clean of the whole raw table has taken it in
      SELECT 1 FROM pghost.steps AS s JOIN pghost.runs AS r ON r.run_id = s.run_id
      WHERE s.kind = 'clean' AND s.name = $2 AND s.run_id >= l.run_id AND r.target_schema = $1
        AND r.state = 'published' AND NOT EXISTS (
          SELECT 1 FROM pghost.files AS f WHERE f.run_id = s.run_id AND f.table_name = $2 AND f.mode = 'append'
            AND f.state = 'loaded')) AS only_staged
  FROM known AS l, since
  WHERE l.run_id >= since.run_id AND (
    l.sha256 = ANY (SELECT pg_catalog.jsonb_array_elements_text($3::pg_catalog.jsonb))
    OR l.name = ANY (SELECT pg_catalog.jsonb_array_elements_text($4::pg_catalog.jsonb)))
  ORDER BY l.known_at, l.file_id]]

local newest_query = qualified [[
  SELECT f.sha256 FROM pghost.files AS f JOIN pghost.runs AS r ON r.run_id = f.run_id
  WHERE r.target_schema = $1 AND f.table_name = $2 AND f.published_at IS NOT NULL
  ORDER BY f.published_at DESC, f.file_id DESC LIMIT 1]]

--- Where the content of a file is, as the ledger has it: members of a zip share its path.
---@param conn pghost.Connection
---@param file { path: string, member?: string }
---@return string
function M.place(conn, file)
  return recordable.text(conn, file.path) .. "//" .. recordable.text(conn, file.member or "")
end

--- What the ledger knows of these files.
---@param run pghost.Run
---@param request { name: string, first: boolean }
---@param files { sha256: string, name: string }[]
---@return table<string, pghost.ledger.Entry> by_hash the newest load by content
---@return table<string, pghost.ledger.Entry> by_place what was last found in a place
function M.read(run, request, files)
  local hashes, names = {}, {}
  for i, file in ipairs(files) do
    hashes[i], names[i] = file.sha256, recordable.text(run.conn, file.name)
  end
  local by_hash, by_place = {}, {}
  if #files == 0 or request.first then
    return by_hash, by_place
  end
  local rows = run.conn:query(ledger_query, run.target, request.name, cjson.encode(hashes), cjson.encode(names))
  for row in rows:rows() do
    -- Versions before recorded paths as they were given.
    by_place[M.place(run.conn, { path = paths.absolute(row.path), member = row.member })] = row
    if not row.skipped and not (row.only_staged and by_hash[row.sha256]) then
      by_hash[row.sha256] = row
    end
  end
  return by_hash, by_place
end

--- The content that came into a table last; nil: none is known.
---@param run pghost.Run
---@param name string
---@return string? sha256
function M.newest(run, name)
  local row = run.conn:query(newest_query, run.target, name)[1]
  return row and row.sha256
end

return M
