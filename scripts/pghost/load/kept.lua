-- What a killed run built of a table, for the run that resumes it (run/resume.lua).
--
-- A file counts as loaded once pghost.files says so (kept_at), which is written after the commits of its records:
-- records without it are deleted and read again. A table is rebuilt when its rules, its options or a file that was
-- loaded have changed.

local cjson = require "cjson"
local columns = require "pghost.catalog.columns"
local contents = require "pghost.input.contents"
local distribute = require "pghost.distribute"
local entries = require "pghost.ledger.entries"
local file_records = require "pghost.load.file_records"
local fingerprint = require "pghost.lib.fingerprint"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local profile_parts = require "pghost.load.profile_parts"
local profiles = require "pghost.load.profiles"
local record = require "pghost.lib.record"
local relations = require "pghost.catalog.relations"
local sql = require "pghost.lib.sql"

local M = {}

local default_checkpoint = 64 * 1024 * 1024 -- bytes of files that are committed together

-- The rows of the files that count as loaded, by file; and any other rows of the table.
local function kept_files(run, plan)
  local by_place, all = {}, run.conn:query([[
    SELECT file_id, path, member, state, size, input_size, sha256, repairs::text AS repairs, lines::text AS lines,
      records, unreadable, loaded, rejected, filtered, duplicates, kept_at IS NOT NULL AS kept, fingerprint,
      corrected + waived AS settled,
      CASE WHEN corrected + waived > 0 THEN (
        SELECT pg_catalog.count(*) FROM pghost.rejects AS r
        WHERE r.run_id = $1 AND r.table_name = $2 AND r.file_id = f.file_id AND r.rule = 'key'
          AND r.state IN ('corrected', 'waived')) ELSE 0 END AS settled_duplicates
    FROM pghost.files AS f WHERE run_id = $1 AND table_name = $2 AND state <> 'skipped']], run.id, plan.name)
  for row in all:rows() do
    local where = entries.place(run.conn, row)
    by_place[where] = row.kept and row or by_place[where]
  end
  local kept = {}
  for _, file in ipairs(plan.files) do
    local where = entries.place(run.conn, file)
    kept[file], by_place[where] = by_place[where], nil
  end
  return kept, next(by_place) ~= nil, #all > 0
end

-- Discards what was built of a table and its records in the history.
local function start_over(run, plan)
  local conn = run.conn
  conn:transaction(function()
    for _, name in ipairs { plan.clean_table, plan.raw_table } do
      conn:query(("DROP TABLE IF EXISTS %s CASCADE"):format(run:qualified(name)))
    end
    for _, kind in ipairs { "files", "rejects", "cleaning" } do
      conn:query(("DELETE FROM pghost.%s WHERE run_id = $1 AND table_name = $2"):format(kind), run.id, plan.name)
    end
    profiles.forget(conn, run.id, plan)
    if run.settings.share then
      require("pghost.share.shared_loads").forget(conn, run.id, plan.name)
    end
  end)
end

--- Discards what a killed run had built of tables that this process does not load: they do not belong to the
--- run any more. To be called when all loads are done.
---@param run pghost.Run
function M.forget_others(run)
  if not run.resumed then
    return
  end
  local rows = run.conn:query([[
    SELECT DISTINCT table_name::text AS name FROM pghost.files
    WHERE run_id = $1 AND state <> 'skipped' AND published_at IS NULL]], run.id)
  for row in rows:rows() do
    if not run.met[row.name] then
      run.log:warn("resume", row.name, "is no longer loaded: what the killed run had built of it is discarded")
      for _, suffix in ipairs { "", "_new" } do
        start_over(run, { name = row.name, clean_table = row.name .. suffix, raw_table = row.name .. "_raw" .. suffix })
      end
    end
  end
end

local function has_column(run, table_name, column)
  local found = relations.find(run.conn, run:qualified(table_name))
  return found ~= nil and select(2, columns.read(run.conn, found.qualified))[column] ~= nil
end

--- Deletes the records of files that do not count as loaded.
---@param run pghost.Run
---@param plan pghost.Plan
function M.remove_unkept(run, plan)
  local conn = run.conn
  conn:transaction(function()
    local unkept = "SELECT file_id FROM pghost.files WHERE run_id = $1 AND table_name = $2 AND kept_at IS NULL"
    for kind, name in pairs { clean = plan.clean_table, raw = plan.raw_table } do
      if plan.targets[kind] then
        local deleted = conn:query(("DELETE FROM %s WHERE _file_id IN (%s)"):format(run:qualified(name), unkept),
          run.id, plan.name).affected
        local is_plain = not run.settings.table_created and not distribute.is_placed(run, name)
        if deleted > 0 and is_plain then -- rewritten: see add_key_anew in primary_key.lua
          conn:query(("ALTER TABLE %s ALTER COLUMN _line TYPE bigint USING _line OPERATOR(pg_catalog.+) 0")
            :format(run:qualified(name)))
        end
      end
    end
    conn:query(("DELETE FROM pghost.rejects WHERE run_id = $1 AND table_name = $2 AND file_id IN (%s)"):format(unkept),
      run.id, plan.name)
    conn:query("DELETE FROM pghost.files WHERE run_id = $1 AND table_name = $2 AND kept_at IS NULL", run.id, plan.name)
  end)
end

-- Whether the loaded files come before those still to load, and in order: this decides which of several records with
-- one key stays.
local function in_order(plan, kept)
  local last = 0
  for _, file in ipairs(plan.files) do
    local row = kept[file]
    local place = row and row.file_id or math.huge
    if place < last then
      return false
    end
    last = place
  end
  return true
end

-- Whether every loaded file is unchanged, under the same rules. A source that can be read only once never is.
local function unchanged(plan, kept, fingerprint_now, ids_are_drawn)
  if plan.key and not ids_are_drawn and not in_order(plan, kept) then
    return false
  end
  for file, row in pairs(kept) do
    local digest = not file.read_once and row.fingerprint == fingerprint_now and contents.digest(file)
    if not digest or digest.sha256 ~= row.sha256 then
      return false
    end
  end
  return true
end

local function counts_of(row, complete, targets)
  local loaded = row.loaded + (complete and row.duplicates + row.settled_duplicates or 0)
  return { records = row.records, unreadable = row.unreadable, loaded = loaded,
    rejected = row.rejected + row.settled - row.settled_duplicates,
    filtered = row.filtered, bytes = row.size, source_bytes = row.size, input_bytes = row.input_size,
    sha256 = row.sha256, repairs = row.repairs and cjson.decode(row.repairs) or {},
    lines = row.lines and cjson.decode(row.lines) or nil,
    raw_rows = targets.raw and row.records - row.unreadable or 0, clean_rows = targets.clean and loaded or 0 }
end

-- The files that need no reading, by position.
local function files_of(draft, kept, complete)
  local files, count = {}, 0
  for i, file in ipairs(draft.files) do
    local row = kept[file]
    if row then
      count = count + 1
      files[i] = { id = row.file_id, counts = counts_of(row, complete, draft.targets),
        duplicates = row.duplicates + row.settled_duplicates }
    end
  end
  return files, count
end

local function is_complete(kept, draft)
  for _, file in ipairs(draft.files) do
    local row = kept[file]
    if not row or (row.state ~= "loaded" and row.state ~= "staged") then
      return false
    end
  end
  return true
end

---@class pghost.load.Kept
---@field fingerprint string of rules and options
---@field built boolean the tables are there
---@field complete boolean nothing is to be done any more
---@field files table<integer, { id: integer, counts: pghost.Counts, duplicates: integer }> by their place in the plan
---@field shared? boolean several loaders load it (share/)
local kept_of = record.kind("kept", { fingerprint = "string", built = "boolean", complete = "boolean",
  files = "table", shared = "boolean?" })

-- nil: with these settings nothing is kept.
local function find(run, draft)
  if not run.settings.resume or #draft.files == 0 then
    return nil
  end
  local now = fingerprint.of { rules = draft.rules, options = draft.options, raw = draft.raw_columns,
    first = draft.first, targets = draft.targets }
  local shared = run.settings.share and not run.read_once or nil
  local nothing = kept_of { fingerprint = now, built = false, complete = false, files = {}, shared = shared }
  local kept, others, any = kept_files(run, draft)
  if not any then
    return nothing
  end
  local complete = is_complete(kept, draft)
  local open = not draft.targets.clean or has_column(run, draft.clean_table, "_file_id")
  local exchanged = complete and draft.mode == "partitions" and not draft.first -- may be half taken apart
  local known = shared and open and require("pghost.share.holder").is_known(run, draft) or false
  if next(kept) == nil and not known or others or exchanged or not unchanged(draft, kept, now, known)
    or not (complete or open) or shared and not (complete or known) then
    start_over(run, draft)
    return nothing
  end
  if not complete and not shared then -- others may be loading
    M.remove_unkept(run, draft)
  end
  local files, count = files_of(draft, kept, complete)
  run.log:info("resume", draft.name, ("%s of %s loaded already"):format(log.count(count),
    log.counted(#draft.files, "file")), { kept = count })
  return kept_of { fingerprint = now, built = true, complete = complete, files = files, shared = shared }
end

-- The files to load, by position, in groups: one per commit.
local function groups_of(run, files, kept)
  local checkpoint = kept and (run.settings.checkpoint or default_checkpoint) or math.huge
  local groups, size = {}, math.huge
  for i, file in ipairs(files) do
    if not kept or not kept.files[i] then
      if size >= checkpoint and (kept or #groups == 0) then
        groups[#groups + 1], size = {}, 0
      end
      table.insert(groups[#groups], i)
      size = size + (file.size or checkpoint)
    end
  end
  return groups
end

--- What a killed run has built of a table; what has changed since is discarded. And what is to be loaded.
---@param run pghost.Run
---@param draft table of a plan, its headers read
---@return pghost.load.Kept? kept nil: with these settings nothing is kept
---@return integer[][] groups of the files to load, by their places: what one commit takes
function M.find(run, draft)
  local kept = find(run, draft)
  return kept, groups_of(run, draft.files, kept)
end

--- Puts what a killed run has loaded into a result.
---@param plan pghost.Plan
---@param result pghost.Result
function M.take_over(plan, result)
  result.duplicates_by_file = plan.complete and {} or nil
  for i, kept in pairs(plan.kept.files) do
    local file = result.files[i]
    file.id, file.counts = kept.id, kept.counts
    result:add(kept.counts)
    if plan.complete then
      result.duplicates_by_file[kept.id] = kept.duplicates
      result.duplicates = result.duplicates + kept.duplicates
    end
  end
  result.frozen = plan.kept.built
end

--- Records that the files of a commit need not be read again after a kill, and what was found in them.
---@param conn pghost.Connection in the transaction that records what the commit has brought
---@param run_id integer
---@param plan pghost.Plan
---@param files pghost.FileResult[]
---@param found? pghost.load.Profiles
function M.keep(conn, run_id, plan, files, found)
  local ids = lists.map(files, function(file)
    return file.id
  end)
  file_records.save(conn, files, plan.targets.clean and "loaded" or "staged", {})
  conn:query([[
    UPDATE pghost.files SET kept_at = pg_catalog.clock_timestamp(), fingerprint = $2, state = 'loading'
    WHERE file_id = ANY ($1::pg_catalog.int8[])]], sql.array(ids), plan.kept.fingerprint)
  profile_parts.keep(conn, run_id, plan, found, ids)
end

--- Whether other processes have loaded parts of it, or may have.
---@param plan pghost.Plan
---@return boolean
function M.is_in_parts(plan)
  return plan.kept ~= nil and (plan.kept.shared == true or next(plan.kept.files) ~= nil)
end

return M
