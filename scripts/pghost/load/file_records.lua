-- Records the files of a load in the history (pghost.files).

local auto_dialect = require "pghost.input.auto_dialect"
local cjson = require "cjson"
local read_as = require "pghost.input.recorded_dialect"
local recordable = require "pghost.run.recordable"

local M = {}

local insert_query <const> = [[
  INSERT INTO pghost.files (%srun_id, table_name, mode, name, path, member, encoding, header, read_as, sniffed) %s
  SELECT %s$1, $2, $3, f.name, f.path, f.member, f.encoding,
    CASE WHEN f.header IS NOT NULL THEN ARRAY(SELECT pg_catalog.jsonb_array_elements_text(f.header)) END,
    f.read_as::pg_catalog.jsonb, f.sniffed::pg_catalog.jsonb
  FROM pg_catalog.jsonb_to_recordset($4::pg_catalog.jsonb) AS f (place bigint, file_id bigint, name text, path text,
    member text, encoding text, header jsonb, read_as text, sniffed text)
  ORDER BY f.place
  RETURNING file_id]]

--- Records files before they are read. Ids rise in the order of the files.
---@param conn pghost.Connection
---@param load { run_id: integer, table: string, mode: string, options: pghost.Dialect }
---@param files pghost.PlannedFile[]
---@param given? integer[] ids that were drawn before, one a file
---@return integer[] ids
function M.insert(conn, load, files, given)
  local list = {}
  for i, file in ipairs(files) do
    local options = auto_dialect.apply(load.options, file)
    list[i] = recordable.value(conn, {
      place = i, name = file.name, path = file.path, member = file.member, encoding = file.encoding,
      header = read_as.header(file.header, options),
    })
    list[i].file_id = given and given[i]
    list[i].read_as = read_as.json(options, file)
    list[i].sniffed = file.dialect and cjson.encode(recordable.value(conn, file.dialect)) -- nil where it was given
  end
  local rows = conn:query(insert_query:format(given and "file_id, " or "", given and "OVERRIDING SYSTEM VALUE" or "",
    given and "f.file_id, " or ""), load.run_id, load.table, load.mode, cjson.encode(list))
  local ids = {}
  for row in rows:rows() do
    ids[#ids + 1] = row.file_id
  end
  table.sort(ids)
  return ids
end

--- Records the files of a batch before they are read: gives each its id.
---@param run pghost.Run
---@param plan pghost.Plan
---@param result pghost.Result
---@param files pghost.PlannedFile[]
function M.begin(run, plan, result, files)
  if #files == 0 then
    return -- what is read is not a file
  end
  local ids = M.insert(run.conn, { run_id = run.id, table = plan.name, options = plan.options,
    mode = plan.first and "replace" or plan.mode }, files)
  for i, file in ipairs(files) do
    result:of(file).id = ids[i]
  end
end

--- Records the accounts of files that were read.
---@param conn pghost.Connection
---@param files pghost.FileResult[]
---@param state "loaded"|"staged"
---@param duplicates table<integer, integer> by file id
---@param rejects? pghost.rejects.Counts
function M.save(conn, files, state, duplicates, rejects)
  local function settled(kind, file)
    return rejects and rejects.settled[kind].by_file[file.id] or 0
  end
  local list = {}
  for i, file in ipairs(files) do
    local counts, twice = file.counts, duplicates[file.id] or 0
    list[i] = {
      file_id = file.id, size = counts.source_bytes, sha256 = counts.sha256, records = counts.records,
      unreadable = counts.unreadable, loaded = counts.loaded - twice, filtered = counts.filtered,
      rejected = counts.rejected - settled("rejects", file), duplicates = twice - settled("duplicates", file),
      corrected = rejects and rejects.corrected.by_file[file.id] or 0,
      waived = rejects and rejects.waived.by_file[file.id] or 0, input_size = counts.input_bytes,
      repairs = counts.repairs and next(counts.repairs) and counts.repairs or nil,
      lines = counts.lines,
    }
  end
  if #list == 0 then
    return
  end
  conn:query([[
    UPDATE pghost.files AS f
    SET state = $1, size = n.size, sha256 = n.sha256, records = n.records, unreadable = n.unreadable,
      loaded = n.loaded, rejected = n.rejected, filtered = n.filtered, duplicates = n.duplicates,
      corrected = n.corrected, waived = n.waived, repairs = n.repairs, lines = n.lines, input_size = n.input_size,
      finished_at = pg_catalog.clock_timestamp()
    FROM pg_catalog.jsonb_to_recordset($2::pg_catalog.jsonb) AS n (file_id bigint, size bigint, sha256 text,
      records bigint, unreadable bigint, loaded bigint, rejected bigint, filtered bigint, duplicates bigint,
      corrected bigint, waived bigint, repairs jsonb, input_size bigint, lines jsonb)
    WHERE f.file_id = n.file_id]], state, cjson.encode(list))
end

--- Records what files are, before their accounts are known: by that corrections are found.
---@param conn pghost.Connection
---@param files pghost.FileResult[]
function M.identify(conn, files)
  local list = {}
  for i, file in ipairs(files) do
    list[i] = { file_id = file.id, size = file.counts.source_bytes, sha256 = file.counts.sha256,
      input_size = file.counts.input_bytes }
  end
  if #list > 0 then
    conn:query([[
      UPDATE pghost.files AS f SET size = n.size, sha256 = n.sha256, input_size = n.input_size
      FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS n (file_id bigint, size bigint, sha256 text,
        input_size bigint)
      WHERE f.file_id = n.file_id]], cjson.encode(list))
  end
end

-- After a clean from the raw table: gives the files of this run the accounts that a load gives them.
local function save_files_of_raw(run, result)
  for id, staged in pairs(result.raw_by_file) do
    local rejects = result.rejects
    local duplicates, rejected = rejects.duplicates[id] or 0, rejects.by_file[id] or 0
    local corrected, waived = rejects.corrected.by_file[id] or 0, rejects.waived.by_file[id] or 0
    local left = result.left_by_file and (result.left_by_file[id] or 0)
    if not left and result.totals.filtered == 0 then
      left = staged - rejected - (rejects.settled.rejects.by_file[id] or 0)
    end
    run.conn:query([[
      UPDATE pghost.files SET state = 'loaded', loaded = $3, duplicates = $4, rejected = $5,
        corrected = $6, waived = $7, filtered = records - $3 - $4 - $5 - $6 - $7,
        finished_at = pg_catalog.clock_timestamp()
      WHERE file_id = $1 AND run_id = $2]], id, run.id, left, duplicates, rejected, corrected, waived)
  end
end

--- Records the accounts of a load that add up.
---@param run pghost.Run
---@param plan pghost.Plan
---@param result pghost.Result
function M.settle(run, plan, result)
  run.conn:transaction(function(conn)
    if plan.raw_source then
      save_files_of_raw(run, result)
    else
      M.save(conn, result.files, plan.targets.clean and "loaded" or "staged", result.duplicates_by_file or {},
        result.rejects)
    end
  end)
end

return M
