-- A load by itself as a run in the schema `pghost`, for `--rejects table`: the run, its files, its rejects.
--
-- All of it is written at the end, so that a load that dies leaves no run that seems to go on.

local cjson = require "cjson"
local file_records = require "pghost.load.file_records"
local history = require "pghost.run.history"
local hex = require "pghost.lib.hex"
local rejects_file = require "pghost.rejects.file"

local M = {}

local batch_size = 500

local insert_rejects = [[
  INSERT INTO pghost.rejects (run_id, table_name, file_id, line, byte_offset, byte_length, column_name, rule, reason,
    original)
  SELECT $1, $2, file_id, line, byte_offset, byte_length, column_name, rule, reason,
    pg_catalog.decode(original, 'hex')
  FROM pg_catalog.json_to_recordset($3::pg_catalog.json) AS n (file_id bigint, line bigint, byte_offset bigint,
    byte_length bigint, column_name text, rule text, reason text, original text)]]

local function save_rejects(conn, run_id, table_name, spool, files, ids)
  local batch = {}
  local function flush()
    if #batch > 0 then
      conn:query(insert_rejects, run_id, table_name, cjson.encode(batch))
      batch = {}
    end
  end
  for reject in spool:rejects() do
    local file = files[reject.file_id]
    batch[#batch + 1] = { file_id = ids[reject.file_id], line = rejects_file.line_of(reject, file),
      byte_offset = not file.records and reject.offset or nil, byte_length = reject.length, column_name = reject.column,
      rule = reject.rule, reason = reject.reason, original = hex.encode(reject.original) }
    if #batch >= batch_size then
      flush()
    end
  end
  flush()
end

-- Files that were read to their end have counts.
local function save_files(conn, run_id, job)
  local ids = file_records.insert(conn, { run_id = run_id, table = job.target.relation.name, mode = "append",
    options = job.options }, job.plan.files)
  local read = {}
  for i, one in ipairs(job.result and job.result.files or {}) do
    read[#read + 1] = one.counts and { id = ids[i], counts = one.counts } or nil
  end
  file_records.save(conn, read, "loaded", {})
  return ids
end

--- Records a load that ended, with its rejects. Runs in the caller's transaction.
---@param job pghost.by_itself.Job
---@param problem? pghost.Error nil: it is done
---@return integer run_id
function M.save(job, problem)
  local relation, conn = job.target.relation, job.conn
  local run_id = history.record_load(conn, { target = relation.schema, config = { into = relation.qualified },
    attempt = job.session.attempt, started = job.started })
  local ids = save_files(conn, run_id, job)
  save_rejects(conn, run_id, relation.name, job.spool, job.plan.files, ids)
  history.finish(conn, run_id, problem and "failed" or "published", problem)
  return run_id
end

return M
