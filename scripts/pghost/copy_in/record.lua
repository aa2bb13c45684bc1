-- A load as a run in the schema `pghost`, for `--rejects table`: the run, its files, its rejects.
--
-- All of it is written at the end, so that a load that dies leaves no run that seems to go on.

local cjson = require "cjson"
local file_records = require "pghost.load.file_records"
local history = require "pghost.run.history"
local rejects = require "pghost.copy_in.rejects"
local sys = require "pghost.native.sys"

local M = {}

local batch_size = 500

local insert_rejects = [[
  INSERT INTO pghost.rejects (run_id, table_name, file_id, line, byte_offset, byte_length, column_name, rule, reason,
    original)
  SELECT $1, $2, file_id, line, byte_offset, byte_length, column_name, rule, reason, decode(original, 'hex')
  FROM json_to_recordset($3::json) AS n (file_id bigint, line bigint, byte_offset bigint, byte_length bigint,
    column_name text, rule text, reason text, original text)]]

local function to_hex(bytes)
  return (bytes:gsub(".", function(char)
    return ("%02x"):format(char:byte())
  end))
end

local function save_rejects(conn, run_id, table_name, spool, files, ids)
  local batch = {}
  local function flush()
    if #batch > 0 then
      conn:query(insert_rejects, run_id, table_name, cjson.encode(batch))
      batch = {}
    end
  end
  for reject in spool:rejects() do
    batch[#batch + 1] = { file_id = ids[reject.file_id],
      line = rejects.line_of(reject, files), byte_offset = not files[reject.file_id].lines and reject.offset or nil,
      byte_length = reject.length, column_name = reject.column, rule = reject.rule, reason = reject.reason,
      original = to_hex(reject.original) }
    if #batch >= batch_size then
      flush()
    end
  end
  flush()
end

-- Returns the recorded id of each file.
local function save_files(conn, run_id, job)
  local plan = { name = job.target.name, targets = { clean = true }, files = {}, mode = "append",
    options = job.options }
  for i, file in ipairs(job.files) do
    plan.files[i] = { name = file.name, path = file.path, counts = file.counts, header = file.header,
      line_end = file.line_end, dialect = file.dialect }
  end
  file_records.begin({ conn = conn, id = run_id }, plan)
  file_records.save({ conn = conn }, plan)
  local ids = {}
  for i, file in ipairs(plan.files) do
    ids[i] = file.id
  end
  return ids
end

--- Records a load that ended, with its rejects. Runs in the caller's transaction.
---@param conn pghost.Connection
---@param job table files, target, spool, session; started: text of the server's clock
---@param version? string
---@param problem? pghost.Error nil: it is done
---@return integer run_id
function M.save(conn, job, version, problem)
  local target = job.target
  local run = history.record(conn, { pipeline = "load", target = target.schema, config = { into = target.qualified },
    version = version, process_id = sys.pid(), attempt = job.session.attempt })
  conn:query("UPDATE pghost.runs SET build_schema = NULL, started_at = $2::timestamptz WHERE run_id = $1", run.id,
    job.started)
  local ids = save_files(conn, run.id, job)
  save_rejects(conn, run.id, target.name, job.spool, job.files, ids)
  history.finish(conn, run.id, problem and "failed" or "published", problem)
  return run.id
end

return M
