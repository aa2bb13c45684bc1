-- What the history knows of the files of a load (pghost.files), and of what cleaning changed in them
-- (pghost.cleaning).

local printable = require("pghost.input.printable").printable
local auto_dialect = require "pghost.input.auto_dialect"
local cjson = require "cjson"
local read_as = require "pghost.input.recorded_dialect"
local sql = require "pghost.lib.sql"

local M = {}

--- Records the files of a load before they are read and gives each its id. Ids rise in the order of
--- the files.
---@param run pghost.Run
---@param plan pghost.Plan
---@param files? table[] default: all of the plan
function M.begin(run, plan, files)
  files = files or plan.files
  local list = {}
  for i, file in ipairs(files) do
    local options = auto_dialect.apply(plan.options, file)
    list[i] = {
      place = i, name = file.name, path = printable(file.path), member = file.member, encoding = file.encoding,
      header = read_as.header(file.header, options), read_as = read_as.json(options, file),
      sniffed = auto_dialect.record(file),
    }
  end
  local rows = run.conn:query([[
    INSERT INTO pghost.files (run_id, table_name, mode, name, path, member, encoding, header, read_as, sniffed)
    SELECT $1, $2, $3, f.name, f.path, f.member, f.encoding,
      CASE WHEN f.header IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(f.header)) END, f.read_as::jsonb,
      f.sniffed::jsonb
    FROM jsonb_to_recordset($4::jsonb) AS f (place bigint, name text, path text, member text, encoding text,
      header jsonb, read_as text, sniffed text)
    ORDER BY f.place
    RETURNING file_id]], run.id, plan.name, plan.first and "replace" or plan.mode, cjson.encode(list))
  local ids = {}
  for row in rows:rows() do
    ids[#ids + 1] = row.file_id
  end
  table.sort(ids)
  for i, file in ipairs(files) do
    file.id = ids[i]
  end
end

--- Records the accounts of the files that were read: `file.counts` of the load.
---@param files? table[] default: all of the plan
function M.save(run, plan, files)
  local list = {}
  for _, file in ipairs(files or plan.files) do
    local counts = file.counts
    if counts then
      local duplicates = plan.duplicates_by_file and plan.duplicates_by_file[file.id] or 0
      list[#list + 1] = {
        file_id = file.id, size = counts.source_bytes, sha256 = counts.sha256, records = counts.records,
        unreadable = counts.unreadable, loaded = counts.loaded - duplicates, rejected = counts.rejected,
        filtered = counts.filtered, duplicates = duplicates, input_size = counts.input_bytes,
        repairs = counts.repairs and next(counts.repairs) and counts.repairs or nil,
        lines = counts.lines,
      }
    end
  end
  if #list == 0 then
    return
  end
  run.conn:query([[
    UPDATE pghost.files AS f
    SET state = $1, size = n.size, sha256 = n.sha256, records = n.records, unreadable = n.unreadable,
      loaded = n.loaded, rejected = n.rejected, filtered = n.filtered, duplicates = n.duplicates,
      repairs = n.repairs, lines = n.lines, input_size = n.input_size, finished_at = clock_timestamp()
    FROM jsonb_to_recordset($2::jsonb) AS n (file_id bigint, size bigint, sha256 text, records bigint,
      unreadable bigint, loaded bigint, rejected bigint, filtered bigint, duplicates bigint, repairs jsonb,
      input_size bigint, lines jsonb)
    WHERE f.file_id = n.file_id]], plan.targets.clean and "loaded" or "staged", cjson.encode(list))
end

-- After a clean from the raw table: the files of this run get the accounts that a load gives them.
local function save_files_of_raw(run, plan, server)
  for id, staged in pairs(server.raw) do
    local duplicates, rejected = server.duplicates[id] or 0, server.rejects[id] or 0
    local left = plan.left_by_file and (plan.left_by_file[id] or 0)
    if not left and plan.totals.filtered == 0 then
      left = staged - rejected
    end
    run.conn:query([[
      UPDATE pghost.files SET state = 'loaded', loaded = $3, duplicates = $4, rejected = $5,
        filtered = records - $3 - $4 - $5, finished_at = clock_timestamp() WHERE file_id = $1 AND run_id = $2]],
      id, run.id, left, duplicates, rejected)
  end
end

--- Records what cleaning changed: `plan.cleaning` of the load.
function M.save_cleaning(run, plan)
  for _, change in ipairs(plan.cleaning or {}) do
    run.conn:query([[
      INSERT INTO pghost.cleaning (run_id, table_name, column_name, rule, cells, samples)
      VALUES ($1, $2, $3, $4, $5, $6::jsonb)
      ON CONFLICT (run_id, table_name, column_name, rule) DO UPDATE SET cells = cleaning.cells + excluded.cells]],
      run.id, plan.name, change.column, change.rule, change.count, cjson.encode(change.samples))
  end
end

--- Records the accounts of a load that add up.
---@param run pghost.Run
---@param plan pghost.Plan
---@param server table<"raw"|"rejects"|"duplicates", table<integer, integer>> counts of the server per file
function M.settle(run, plan, server)
  run.conn:transaction(function()
    if #plan.files > 0 then
      M.save(run, plan)
    else
      save_files_of_raw(run, plan, server)
    end
  end)
end

--- Records what one commit of a load has brought: what cleaning changed and, where the run can go on
--- after a kill, that these files need not be read again.
---@param run pghost.Run
---@param plan pghost.Plan
---@param files table[]
function M.keep(run, plan, files)
  run.conn:transaction(function()
    M.save_cleaning(run, plan)
    if plan.resumable then
      M.save(run, plan, files)
      local ids = {}
      for i, file in ipairs(files) do
        ids[i] = file.id
      end
      run.conn:query([[
        UPDATE pghost.files SET kept_at = clock_timestamp(), fingerprint = $2, state = 'loading'
        WHERE file_id = ANY ($1::bigint[])]], sql.array(ids), plan.fingerprint)
    end
  end)
end

return M
