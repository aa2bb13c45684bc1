-- Going on where a run was killed: with the setting `resume`, a load commits what it has built every
-- few files, and the next run takes over the build schema of a run that died or was interrupted.
--
-- A file counts as loaded once pghost.files says so (kept_at), which is written behind the commits of
-- its records: what a kill left without that is deleted and read again. A table is built anew when
-- its rules, its options or a file that was loaded have changed. Checks and analytics always run again.

local account = require "pghost.load.accounts"
local cjson = require "cjson"
local csv = require "pghost.native.csv"
local entries = require "pghost.ledger.entries"
local errors = require "pghost.lib.errors"
local history = require "pghost.run.history"
local log = require "pghost.lib.log"
local sys = require "pghost.native.sys"

local M = {}

local default_checkpoint = 64 * 1024 * 1024 -- bytes of files that are committed together

-- Taking over -----------------------------------------------------------------------------------

-- The newest run of this pipeline that has left something to go on with. The caller holds the lock.
local function find(run)
  return run.conn:query([[
    SELECT run_id, state, version IS NOT DISTINCT FROM $3 AND config = $4::jsonb AS same,
      to_char(started_at, 'YYYY-MM-DD HH24:MI:SS.USOF') AS started, to_char(as_of, 'YYYY-MM-DD HH24:MI:SS.US') AS as_of,
      build_schema AS build
    FROM pghost.runs
    WHERE pipeline = $1 AND target_schema = $2 AND state IN ('running', 'interrupted')
      AND build_schema = 'pghost_build_' || run_id
      AND EXISTS (SELECT FROM pg_namespace WHERE nspname = build_schema)
    ORDER BY run_id DESC LIMIT 1]], run.name, run.target, history.version(), history.config_json(run.settings))[1]
end

-- Drops what is no table that files were loaded into: views, answers, what was half done.
local function tidy(run)
  local conn = run.conn
  local rows = conn:query([[
    WITH loaded AS (
      SELECT DISTINCT f.table_name || s.suffix AS name FROM pghost.files AS f,
        (VALUES (''), ('_raw'), ('_new'), ('_raw_new')) AS s (suffix) WHERE f.run_id = $1
    )
    SELECT c.relname::text AS name, c.relkind::text AS kind FROM pg_class AS c
    WHERE c.relnamespace = $2::text::regnamespace AND c.relkind IN ('r', 'v', 'm')
      AND (c.relkind <> 'r' OR c.relname NOT IN (SELECT name FROM loaded))]], run.id, conn:quote_identifier(run.build))
  local words = { r = "TABLE", v = "VIEW", m = "MATERIALIZED VIEW" }
  for row in rows:rows() do
    conn:query(("DROP %s IF EXISTS %s CASCADE"):format(words[row.kind], run:qualified(row.name)))
  end
  conn:query("DELETE FROM pghost.checks WHERE run_id = $1", run.id)
  conn:query("DELETE FROM pghost.files WHERE run_id = $1 AND state = 'skipped'", run.id)
  conn:query([[
    UPDATE pghost.steps SET state = 'failed', error = 'the run was killed'
    WHERE run_id = $1 AND state = 'running']], run.id)
end

--- Takes over a run that was killed or interrupted, if there is one to go on with: fills in id, started,
--- as_of and build of the run. The caller holds the lock.
---@param run pghost.Run
---@return boolean
function M.take_over(run)
  if not run.settings.resume then
    return false
  elseif run.settings.build_schema ~= "" then
    errors.raise("resume: a run that goes on needs a build schema of its own: leave out build_schema", "usage")
  end
  local old = find(run)
  if not old then
    return false
  elseif not old.same then
    run.log:warn("start", run.name, ("run %d was %s with other settings or another version: it is not gone on with")
      :format(old.run_id, old.state == "running" and "killed" or old.state))
    return false
  end
  run.id, run.started, run.as_of, run.build, run.resumed = old.run_id, old.started, old.as_of, old.build, true
  run.conn:transaction(function()
    run.conn:query([[
      UPDATE pghost.runs SET state = 'running', finished_at = NULL, error = NULL, error_code = NULL,
        resumed = resumed + 1, process_id = $2, backend_pid = pg_backend_pid() WHERE run_id = $1]], run.id, sys.pid())
    tidy(run)
  end)
  run.log:info("start", run.name, ("goes on with run %d, which was %s"):format(run.id,
    old.state == "running" and "killed" or old.state), { run = run.id, resumed = true })
  return true
end

--- Whether what a run has built stays for the next when it ends like this.
---@param run pghost.Run
---@param state string
---@return boolean
function M.stays(run, state)
  return run.settings.resume and state == "interrupted" or false
end

-- Tables ------------------------------------------------------------------------------------------

local serialise

local function serialise_table(value, out, seen)
  local keys = {}
  for key in pairs(value) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    return tostring(a) < tostring(b)
  end)
  for _, key in ipairs(keys) do
    out[#out + 1] = tostring(key) .. "="
    serialise(value[key], out, seen)
  end
  out[#out + 1] = ";"
end

-- Its code, and the values from around it that it works with; of a function in C there is only its name.
local function serialise_function(value, out, seen)
  local lua, code = pcall(string.dump, value, true)
  out[#out + 1] = lua and code or "function in C"
  for i = 1, lua and math.huge or 0 do
    local name, with = debug.getupvalue(value, i)
    if not name then
      return
    elseif with ~= _G then
      serialise(with, out, seen)
    end
  end
end

-- A value as text that is the same whenever the value is, in whatever process.
function serialise(value, out, seen)
  local kind = type(value)
  if kind == "table" or kind == "function" then
    if seen[value] then
      out[#out + 1] = "again:" .. seen[value]
      return
    end
    seen.count = seen.count + 1
    seen[value] = seen.count
    local write = kind == "table" and serialise_table or serialise_function
    write(value, out, seen)
  else
    out[#out + 1] = kind .. ":" .. ((kind == "userdata" or kind == "thread") and "" or tostring(value))
  end
end

local function hex(text)
  return (text:gsub(".", function(char)
    return ("%02x"):format(char:byte())
  end))
end

local function fingerprint(run, plan, rules)
  local out = {}
  serialise({ rules = rules, options = plan.options, raw = plan.raw_columns, first = plan.first,
    targets = plan.targets }, out, { count = 0 })
  return run.conn:query("SELECT md5($1) AS hash", hex(table.concat(out)))[1].hash
end

local function kept_files(run, plan)
  local by_place, all = {}, run.conn:query([[
    SELECT file_id, path, member, state, size, input_size, sha256, repairs::text AS repairs, records, unreadable,
      loaded, rejected, filtered, duplicates, kept_at IS NOT NULL AS kept, fingerprint
    FROM pghost.files WHERE run_id = $1 AND table_name = $2 AND state <> 'skipped']], run.id, plan.name)
  for row in all:rows() do
    local where = entries.place(row)
    by_place[where] = row.kept and row or by_place[where]
  end
  return by_place, #all > 0
end

-- Throws away what was built of a table, and what is recorded of it.
local function start_over(run, plan)
  local conn = run.conn
  conn:transaction(function()
    for _, name in ipairs { plan.clean_table, plan.raw_table } do
      conn:query(("DROP TABLE IF EXISTS %s CASCADE"):format(run:qualified(name)))
    end
    for _, kind in ipairs { "files", "rejects", "cleaning" } do
      conn:query(("DELETE FROM pghost.%s WHERE run_id = $1 AND table_name = $2"):format(kind), run.id, plan.name)
    end
  end)
end

--- Throws away what a killed run had built of tables that this process does not load: they are no part of the
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
    if not (run.met and run.met[row.name]) then
      run.log:warn("resume", row.name, "is not loaded any more: what the killed run had built of it is thrown away")
      for _, suffix in ipairs { "", "_new" } do
        start_over(run, { name = row.name, clean_table = row.name .. suffix, raw_table = row.name .. "_raw" .. suffix })
      end
    end
  end
end

local function has_column(run, table_name, column)
  return run.conn:query([[
    SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped)
      AS found]], run:qualified(table_name), column)[1].found
end

-- Deletes the records of files that were under way.
local function remove_unkept(run, plan)
  local conn = run.conn
  conn:transaction(function()
    local unkept = "SELECT file_id FROM pghost.files WHERE run_id = $1 AND table_name = $2 AND kept_at IS NULL"
    for kind, name in pairs { clean = plan.clean_table, raw = plan.raw_table } do
      if plan.targets[kind] then
        local deleted = conn:query(("DELETE FROM %s WHERE _file_id IN (%s)"):format(run:qualified(name), unkept),
          run.id, plan.name).affected
        if deleted > 0 and not run.settings.table_created then -- written anew: see add_key_anew in keys.lua
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

-- Whether what was loaded stands before what is to be loaded, and in its order: which of several records
-- with one key stays is told by that.
local function in_order(plan, kept)
  local last = 0
  for _, file in ipairs(plan.files) do
    local row = kept[entries.place(file)]
    local place = row and row.file_id or math.huge
    if place < last then
      return false
    end
    last = place
  end
  return true
end

-- Whether every file that was loaded is still there as it was, for the same rules. What can be read
-- only once is not.
local function unchanged(plan, kept)
  if plan.key and not in_order(plan, kept) then
    return false
  end
  local wanted = {}
  for _, file in ipairs(plan.files) do
    wanted[entries.place(file)] = not file.read_once
  end
  for where, row in pairs(kept) do
    local digest = wanted[where] and row.fingerprint == plan.fingerprint and csv.digest(row.path, nil, row.member)
    if not digest or digest.sha256 ~= row.sha256 then
      return false
    end
  end
  return true
end

local function counts_of(row, complete)
  local duplicates = complete and row.duplicates or 0
  return { records = row.records, unreadable = row.unreadable, loaded = row.loaded + duplicates,
    rejected = row.rejected, filtered = row.filtered, bytes = row.size, source_bytes = row.size,
    input_bytes = row.input_size, sha256 = row.sha256, repairs = row.repairs and cjson.decode(row.repairs) or {} }
end

-- Takes the files that need no reading out of plan.to_load.
local function keep_files(plan, kept, complete)
  plan.to_load = {}
  plan.duplicates_by_file = complete and {} or nil
  for _, file in ipairs(plan.files) do
    local row = kept[entries.place(file)]
    if row then
      file.id, file.counts = row.file_id, counts_of(row, complete)
      account.add_totals(plan, file.counts, plan.targets)
      if complete then
        plan.duplicates_by_file[row.file_id] = row.duplicates
        plan.duplicates = plan.duplicates + row.duplicates
      end
    else
      plan.to_load[#plan.to_load + 1] = file
    end
  end
end

local function is_complete(kept, plan)
  for _, file in ipairs(plan.files) do
    local row = kept[entries.place(file)]
    if not row or (row.state ~= "loaded" and row.state ~= "staged") then
      return false
    end
  end
  return true
end

--- What of a plan is built already: sets plan.to_load (files that are to be read), plan.resumable,
--- plan.built (the tables are there) and plan.complete (nothing is to be done any more).
---@param run pghost.Run
---@param plan pghost.Plan
---@param rules? table
function M.apply(run, plan, rules)
  plan.to_load = plan.files
  run.met = run.met or {}
  run.met[plan.name] = true
  if not run.settings.resume or #plan.files == 0 then
    return
  end
  plan.resumable, plan.fingerprint = true, fingerprint(run, plan, rules)
  local kept, any = kept_files(run, plan)
  if not any then
    return
  end
  local complete = is_complete(kept, plan)
  local open = not plan.targets.clean or has_column(run, plan.clean_table, "_file_id")
  if next(kept) == nil or not unchanged(plan, kept) or not (complete or open) then
    return start_over(run, plan)
  end
  if not complete then
    remove_unkept(run, plan)
  end
  plan.built, plan.complete = true, complete
  keep_files(plan, kept, complete)
  run.log:info("resume", plan.name, ("%s of %s loaded already"):format(log.count(#plan.files - #plan.to_load),
    log.counted(#plan.files, "file")), { kept = #plan.files - #plan.to_load })
end

--- The files to load in groups: what one commit takes.
---@param run pghost.Run
---@param plan pghost.Plan
---@return table[][]
function M.groups(run, plan)
  if not plan.resumable then
    return { plan.to_load }
  end
  local checkpoint = run.settings.checkpoint or default_checkpoint
  local groups, size = {}, math.huge
  for _, file in ipairs(plan.to_load) do
    if size >= checkpoint then
      groups[#groups + 1], size = {}, 0
    end
    table.insert(groups[#groups], file)
    size = size + (file.size or checkpoint)
  end
  return groups
end

return M
