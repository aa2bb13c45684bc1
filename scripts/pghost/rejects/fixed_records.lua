-- What a fix of a `pghost load` has read, in the history of its run: the files that its records are of, and of those
-- that no other run has, the corrected ones, so that they are shown and can be reverted.

local batches = require "pghost.lib.batches"
local cjson = require "cjson"
local recordable = require "pghost.run.recordable"

local M = {}

---@class pghost.rejects.FixedRecord
---@field file string
---@field line? integer
---@field state "corrected"|"replayed"|"open"
---@field column? string that its reject was for
---@field reason? string of its reject; nil: the reject is one of another run

local insert_files = [[
  INSERT INTO pghost.files (run_id, table_name, mode, name, path, state, records, unreadable, loaded, corrected,
    rejected, waived, filtered, duplicates, finished_at)
  SELECT $1, $2, 'append', n.name, $3, 'loaded', n.replayed OPERATOR(pg_catalog.+) n.corrected
      OPERATOR(pg_catalog.+) n.open, 0, n.replayed, n.corrected, n.open, 0, 0, 0, pg_catalog.clock_timestamp()
  FROM pg_catalog.jsonb_to_recordset($4::pg_catalog.jsonb) AS n (name pg_catalog.text, replayed pg_catalog.int8,
    corrected pg_catalog.int8, open pg_catalog.int8)
  ORDER BY n.name
  RETURNING file_id, name]]

-- Names of files as the history has them, with how many of their records became what.
local function count_by_file(conn, records)
  local by_name, list = {}, {}
  for _, record in ipairs(records) do
    local name = recordable.text(conn, record.file)
    if not by_name[name] then
      by_name[name] = { name = name, replayed = 0, corrected = 0, open = 0 }
      list[#list + 1] = by_name[name]
    end
    by_name[name][record.state] = by_name[name][record.state] + 1
  end
  return list
end

local insert_rejects = [[
  INSERT INTO pghost.rejects (run_id, table_name, file_id, line, column_name, rule, reason, state, replayed_by)
  SELECT $1::pg_catalog.int8, $2, n.file_id, n.line, n.column_name, 'unknown', n.reason, 'corrected',
    $1::pg_catalog.int8
  FROM pg_catalog.jsonb_to_recordset($3::pg_catalog.jsonb) AS n (file_id pg_catalog.int8, line pg_catalog.int8,
    column_name pg_catalog.text, reason pg_catalog.text)]]

--- Records them. In the transaction of the load.
---@param conn pghost.Connection
---@param run_id integer
---@param fixed { table: string, path: string, records: pghost.rejects.FixedRecord[] } path: of the rejects file
function M.save(conn, run_id, fixed)
  local ids = {}
  for row in conn:query(insert_files, run_id, fixed.table, recordable.text(conn, fixed.path),
    cjson.encode(count_by_file(conn, fixed.records))):rows() do
    ids[row.name] = row.file_id
  end
  local list = batches.new(function(batch)
    conn:query(insert_rejects, run_id, fixed.table, cjson.encode(batch))
  end)
  for _, record in ipairs(fixed.records) do
    if record.reason and record.state == "corrected" then
      list:add { file_id = ids[recordable.text(conn, record.file)], line = record.line,
        column_name = record.column and recordable.text(conn, record.column),
        reason = recordable.text(conn, record.reason) }
    end
  end
  list:flush()
end

return M
