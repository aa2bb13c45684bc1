-- Where the rejects of a standalone load go when it ends: a rejects file, or a run in the schema `pghost` with its
-- files and rejects.
--
-- Everything is written at the end, so that a load that dies leaves no run that seems to be in progress.

local batches = require "pghost.lib.batches"
local cjson = require "cjson"
local contents = require "pghost.input.contents"
local csv = require "pghost.native.csv"
local decided = require "pghost.rejects.decided"
local fields_of = require "pghost.rejects.fields"
local file_records = require "pghost.load.file_records"
local history = require "pghost.run.history"
local hex = require "pghost.lib.hex"
local lists = require "pghost.lib.lists"
local load_call = require "pghost.rejects.load_call"
local profiles = require "pghost.load.profiles"
local recorded_dialect = require "pghost.input.recorded_dialect"
local recordable = require "pghost.run.recordable"
local sys = require "pghost.native.sys"
local rejects_parts = require "pghost.rejects.parts"

local M = {}

local insert_rejects = [[
  INSERT INTO pghost.rejects (run_id, table_name, file_id, line, byte_offset, byte_length, column_name, rule, reason,
    original, state, note, replayed_by)
  SELECT $1::pg_catalog.int8, $2, file_id, line, byte_offset, byte_length, column_name, rule, reason,
    pg_catalog.decode(original, 'hex'), state, note, CASE WHEN state = 'corrected' THEN $1::pg_catalog.int8 END
  FROM pg_catalog.json_to_recordset($3::pg_catalog.json) AS n (file_id bigint, line bigint, byte_offset bigint,
    byte_length bigint, column_name text, rule text, reason text, original text, state text, note text)]]

-- Of a load that failed nothing was corrected, since nothing was loaded.
local function state_of(job, reject, failed)
  local one = job.target.reapplied:of(reject)
  if not one or failed and one.state == "corrected" then
    return "open"
  end
  return one.state, one.note
end

local function save_rejects(job, run_id, ids, failed)
  local conn, files, table_name = job.conn, job.plan.files, job.target.relation.name
  local list = batches.new(function(batch)
    conn:query(insert_rejects, run_id, table_name, cjson.encode(batch))
  end)
  for reject in job.spool:rejects() do
    local file, state, note = files[reject.file_id], state_of(job, reject, failed)
    list:add { file_id = ids[reject.file_id], line = rejects_parts.line_of(reject.line, file),
      byte_offset = not file.records and reject.offset or nil, byte_length = reject.length, column_name = reject.column,
      rule = reject.rule, reason = reject.reason, original = hex.encode(reject.original),
      state = state, note = note and recordable.text(conn, note) }
  end
  list:flush()
end

-- As load/reject_counts.lua counts them for runs.
local function settled_counts(job, ids)
  local counts = { corrected = { by_file = {} }, waived = { by_file = {} }, settled = { rejects = { by_file = {} },
    duplicates = { by_file = {} } } }
  for i, one in pairs(job.target.reapplied.by_file) do
    counts.corrected.by_file[ids[i]], counts.waived.by_file[ids[i]] = one.corrected, one.waived
    counts.settled.rejects.by_file[ids[i]] = one.corrected + one.waived
  end
  return counts
end

-- The names of its columns for whoever corrects its records: with --columns those of the table.
local function header_of(job, file)
  return job.options.columns and not file.records and file.header_names or file.header
end

local function with_header(job, file)
  return setmetatable({ header = header_of(job, file) }, { __index = file })
end

-- Files that were read to their end have counts.
local function save_files(conn, run_id, job)
  local ids = file_records.insert(conn, { run_id = run_id, table = job.target.relation.name, mode = "append",
    options = job.options }, lists.map(job.plan.files, function(file)
    return with_header(job, file)
  end))
  local read = {}
  for i, one in ipairs(job.result and job.result.files or {}) do
    read[#read + 1] = one.counts and { id = ids[i], counts = one.counts } or nil
  end
  file_records.save(conn, read, "loaded", {}, settled_counts(job, ids))
  return ids
end

-- In a file ----------------------------------------------------------------------------------------------

local function source_of(job, file)
  local standard = file.records and file.records.standard
  local dialect = standard and {} or file.reading
  local source = fields_of.source(file.records and file.records.name or file.name,
    recorded_dialect.header(header_of(job, file), file.reading), dialect, file.line_end)
  source.headerless = file.headerless or nil
  source.load = load_call.of_file(job.target.relation.qualified, job.options, file)
  return source
end

-- The hash of a file's content; a file that was not read to its end is hashed separately.
local function content_of(job, file)
  local one = job.result and job.result:of(file)
  local sha256 = one and one.counts and one.counts.sha256
  if not sha256 and not file.read_once then
    local read, digest = pcall(contents.digest, file)
    sha256 = read and digest.sha256
  end
  return sha256 or ""
end

-- A record of a rejects file stays what it was.
local function identified(job, hashes, file, reject)
  local before = file.records and file.records.records[reject.line]
  if before then
    return before.reject, before.line
  end
  hashes[file] = hashes[file] or content_of(job, file)
  job.mark = job.mark or csv.hash(("%d:%.17g:%d"):format(sys.pid(), sys.clock(), os.time())):sub(1, 8)
  -- A letter first, so that a spreadsheet does not take it for a number.
  return "h" .. job.mark .. decided.hash(hashes[file], reject.line, reject.original), reject.line
end

--- Writes the rejects file.
---@param job pghost.by_itself.Job
function M.write(job)
  local sources, hashes, files, writer = {}, {}, job.plan.files, job.writer
  for i, file in ipairs(files) do
    sources[i] = source_of(job, file)
  end
  writer:begin(sources)
  for reject in job.spool:rejects() do
    if job.target.reapplied:is_open(reject) then
      local id, line = identified(job, hashes, files[reject.file_id], reject)
      writer:record(sources[reject.file_id], { id = id, line = line, column = reject.column, reason = reject.reason,
        original = reject.original })
    end
  end
  writer:finish()
end

-- In the history -------------------------------------------------------------------------------------------

--- Records a load that ended, with its rejects. Runs in the caller's transaction.
---@param job pghost.by_itself.Job
---@param problem? pghost.Error nil: it is done
---@return integer run_id
function M.record(job, problem)
  local relation, conn = job.target.relation, job.conn
  local run_id = history.record_load(conn, { target = relation.schema, config = { into = relation.qualified,
      load = load_call.of_run(relation.qualified, job.options) },
    attempt = job.session.attempt, started = job.started })
  local ids = save_files(conn, run_id, job)
  save_rejects(job, run_id, ids, problem ~= nil)
  if not problem and #job.target.profiles == 1 then -- those of different headers are not of all records
    profiles.store(conn, run_id, relation.name, job.target.profiles[1])
  end
  history.finish(conn, run_id, problem and "failed" or "published", problem)
  return run_id
end

return M
