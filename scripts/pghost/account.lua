-- The accounts of a load: records = loaded + rejected + filtered + duplicates, for each file and
-- for the table. What we read is held against what the server counted: the rows of each COPY, the
-- rejects, the rows left where it removed duplicates. What does not add up fails the run.

local auto_dialect = require "pghost.auto_dialect"
local check = require "pghost.check"
local cjson = require "cjson"
local dialect = require "pghost.dialect"
local errors = require "pghost.errors"
local keys = require "pghost.keys"
local log = require "pghost.log"
local read_as = require "pghost.read_as"
local sql = require "pghost.sql"
local sys = require "pghost.native.sys"

local M = {}

local most_groups = 12 -- kinds of rejects that are logged for one table

--- Records the files of a load before they are read and gives each its id. Ids rise in the order of
--- the files.
---@param run pghost.Run
---@param plan pghost.Plan
---@param files? table[] default: all of the plan
function M.begin_files(run, plan, files)
  files = files or plan.files
  local list = {}
  for i, file in ipairs(files) do
    local options = auto_dialect.apply(plan.options, file)
    list[i] = {
      place = i, name = file.name, path = file.path, member = file.member, encoding = file.encoding,
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

-- Notes where a count of ours and one of the server's differ.
local function expect(plan, where, what, expected, got)
  if expected ~= got then
    plan.problems[#plan.problems + 1] = ("%s: %s: %s expected, %s found"):format(where, what, log.count(expected),
      log.count(got))
  end
end

local function expect_size(plan, file)
  if file.size and file.path ~= "-" then
    expect(plan, file.name, "bytes", file.size, file.counts.input_bytes)
  end
  local counts = file.counts
  expect(plan, file.name, "records", counts.records, counts.loaded + counts.rejected + counts.filtered)
end

-- Rejects of this table on the server, per file: by rules and readers, and by the key.
local function count_rejects(run, name)
  local by_rule, by_key = {}, {}
  local rows = run.conn:query([[
    SELECT file_id, rule = 'key' AS by_key, count(*) AS records FROM pghost.rejects
    WHERE run_id = $1 AND table_name = $2 GROUP BY 1, 2]], run.id, name)
  for row in rows:rows() do
    (row.by_key and by_key or by_rule)[row.file_id] = row.records
  end
  return by_rule, by_key
end

local function verify_file(plan, file, server)
  expect_size(plan, file)
  local id, counts = file.id, file.counts
  expect(plan, file.name, "rejects", counts.rejected, server.rejects[id] or 0)
  if plan.left_by_file then
    local duplicates = plan.duplicates_by_file[id] or 0
    expect(plan, file.name, "duplicates", duplicates, server.duplicates[id] or 0)
    expect(plan, file.name, "rows in the clean table", counts.loaded - duplicates, plan.left_by_file[id] or 0)
  end
end

--- Records the accounts of the files that were read: `file.counts` of the load.
---@param files? table[] default: all of the plan
function M.save_files(run, plan, files)
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
      repairs = n.repairs, input_size = n.input_size, finished_at = clock_timestamp()
    FROM jsonb_to_recordset($2::jsonb) AS n (file_id bigint, size bigint, sha256 text, records bigint,
      unreadable bigint, loaded bigint, rejected bigint, filtered bigint, duplicates bigint, repairs jsonb,
      input_size bigint)
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

local function sum(counts)
  local total = 0
  for _, count in pairs(counts) do
    total = total + count
  end
  return total
end

local function verify(run, plan)
  plan.problems = {}
  local totals, targets, server = plan.totals, plan.targets, {}
  server.rejects, server.duplicates = count_rejects(run, plan.name)
  if plan.raw_source then
    server.raw = keys.count_by_file(run.conn, plan.raw_source, "_file_id")
    expect(plan, "all files", "records", sum(server.raw), totals.records)
  end
  expect(plan, "all files", "records", totals.records, totals.loaded + totals.rejected + totals.filtered)
  if targets.raw then
    expect(plan, "all files", "rows in the raw table", totals.records - totals.unreadable, totals.raw_rows)
  end
  if targets.clean then
    expect(plan, "all files", "rows copied into the clean table", totals.loaded, totals.clean_rows)
  end
  if plan.left_by_file then
    expect(plan, "all files", "rows in the clean table", totals.loaded - plan.duplicates, sum(plan.left_by_file))
  end
  for _, file in ipairs(plan.files) do
    verify_file(plan, file, server)
  end
  return server
end

local function save(run, plan, server)
  run.conn:transaction(function()
    if #plan.files > 0 then
      M.save_files(run, plan)
    else
      save_files_of_raw(run, plan, server)
    end
  end)
end

local total_names = { "records", "loaded", "rejected", "filtered", "unreadable", "bytes" }

--- Adds the totals of a load, or the counts of a file that was loaded earlier, to those of the plan.
---@param plan pghost.Plan
---@param counts table
---@param targets? table of an earlier load: rows are what its counts say
function M.add_totals(plan, counts, targets)
  local totals = plan.totals or { raw_rows = 0, clean_rows = 0 }
  for _, name in ipairs(total_names) do
    totals[name] = (totals[name] or 0) + counts[name]
  end
  totals.raw_rows = totals.raw_rows + (counts.raw_rows or (targets.raw and counts.records - counts.unreadable or 0))
  totals.clean_rows = totals.clean_rows + (counts.clean_rows or (targets.clean and counts.loaded or 0))
  plan.totals = totals
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
      M.save_files(run, plan, files)
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

local function quote_json(texts)
  local out = {}
  for i, text in ipairs(texts) do
    out[i] = cjson.encode(text)
  end
  return out
end

--- Proves the accounts of a load against the server and records them; raises when they fail.
---@param run pghost.Run
---@param plan pghost.Plan
---@return table counts of the whole step
function M.settle(run, plan)
  local started = sys.clock()
  local server = verify(run, plan)
  check.record(run, { name = plan.name .. ": nothing lost, nothing twice", severity = "error" }, #plan.problems,
    quote_json(plan.problems), sys.clock() - started)
  if #plan.problems > 0 then
    errors.raise(("table '%s': the accounts do not add up: %s; did a file change while it was read?"):format(plan.name,
      plan.problems[1]), "account")
  end
  save(run, plan, server)
  local totals = plan.totals
  return {
    records = totals.records,
    loaded = totals.loaded - plan.duplicates,
    rejected = totals.rejected,
    filtered = totals.filtered,
    duplicates = plan.duplicates,
    bytes = totals.bytes,
    files = #plan.files,
  }
end

--- Logs what was rejected and why, one line a kind with an example.
---@param run pghost.Run
---@param name string
function M.report_rejects(run, name)
  local kinds = run.conn:query([[
    SELECT k.column_name, k.rule, k.records, concat_ws(':', f.name, r.line) || ': ' || r.reason AS example
    FROM (
      SELECT column_name, rule, count(*) AS records, min(reject_id) AS first_id FROM pghost.rejects
      WHERE run_id = $1 AND table_name = $2 AND rule <> 'key' GROUP BY column_name, rule
    ) AS k
    JOIN pghost.rejects AS r ON r.reject_id = k.first_id
    LEFT JOIN pghost.files AS f ON f.file_id = r.file_id
    ORDER BY k.records DESC, k.column_name, k.rule]], run.id, name)
  for i, kind in ipairs(kinds) do
    if i > most_groups then
      run.log:warn("reject", name, ("and %s more"):format(log.counted(#kinds - most_groups, "kind")))
      break
    end
    run.log:warn("reject", name, ("%s %s (%s), first %s"):format(log.count(kind.records),
      kind.column_name or "whole record", kind.rule, kind.example),
      { rejected = kind.records, column = kind.column_name, rule = kind.rule, example = kind.example })
  end
end

--- Logs what was repaired, one line a file.
---@param run pghost.Run
---@param plan pghost.Plan
function M.report_repairs(run, plan)
  for _, file in ipairs(plan.files) do
    local text = dialect.describe(file.counts.repairs)
    if text then
      run.log:warn("repair", plan.name, ("%s: %s"):format(file.name, text),
        { file = file.name, repairs = file.counts.repairs })
    end
  end
end

--- The default check of every stage: something is left.
function M.check_not_empty(run, name)
  check.evaluate(run, check.not_empty(name))
end

return M
