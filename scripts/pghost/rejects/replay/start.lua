-- Starts a replay: of all open rejects of a run, or of those of a corrected rejects file.

local errors = require "pghost.lib.errors"
local fix_load = require "pghost.rejects.fix_load"
local fixes_of = require "pghost.rejects.fixes"
local lfs = require "lfs"
local log = require "pghost.lib.log"
local own_file = require "pghost.lib.own_file"
local own_runs = require "pghost.run.own_runs"
local moved = require "pghost.rejects.moved"
local recorded = require "pghost.run.recorded"
local replay = require "pghost.rejects.replay.loads"
local run_script = require "pghost.run.script_runner"
local sql = require "pghost.lib.sql"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local function raise(format, ...)
  errors.raise(format:format(...), "usage", { exit = 1 })
end

local function check_run(run)
  local id = run.run_id
  if run.replay_of then
    raise("run %d is a replay of run %d: replay that one", id, run.replay_of)
  elseif run.state == "running" then
    raise("run %d is still running", id)
  elseif run.state ~= "published" then
    raise("run %d published nothing (%s), so there is nothing to add to: run the pipeline again", id, run.state)
  end
end

local function find_run(conn, present, run_id)
  local run = run_id and recorded.find(conn, present, run_id) or recorded.last(conn, present)
  if not run then
    raise("%s", own_runs.none())
  end
  check_run(run)
  return run
end

local function count_open(conn, run, only)
  return conn:query([[
    SELECT pg_catalog.count(*) AS records FROM pghost.rejects
    WHERE run_id = $1 AND state = 'open' AND ($2::text IS NULL OR table_name = $2)]], run.run_id, only)[1].records
end

local function find_script(run, given, how)
  local path = given or run.script
  if not path and run.pipeline == "load" then
    raise("run %d was a pghost load, which has no rules to edit: write its rejects with `pghost rejects %d --csv "
      .. "FILE`, correct them, and take them in with `pghost fix FILE`", run.run_id, run.run_id)
  elseif not path then
    raise("the script of run %d is not known: name it, pghost replay %d SCRIPT", run.run_id, run.run_id)
  elseif lfs.attributes(path, "mode") ~= "file" then
    errors.raise(("no script '%s': name it, %s SCRIPT"):format(path, how), "usage")
  end
  -- Who can write the history could name any file: the database does not say what this user runs.
  local problem = not given and own_file.script_problem(path)
  if problem then
    errors.raise(("the script of run %d, '%s', %s and is not run: name it if you trust it, %s SCRIPT"):format(
      run.run_id, path, problem, how), "usage")
  end
  return path
end

local function say(format, ...)
  io.stderr:write(terminal_text.harmless(format:format(...)), "\n")
end

---@class pghost.replay.Call
---@field run? integer default: the last one
---@field script? string default: the one that the run was
---@field arguments string[] of the script
---@field table? string only the rejects of this table
---@field rules? string of a pghost load

--- The words after -- are settings also where no script stands before it.
---@param options pghost.replay.Call
---@return pghost.replay.Call options the same
function M.script_or_settings(options)
  if options.script and options.script:find("^%-") then
    table.insert(options.arguments, 1, options.script)
    options.script = nil
  end
  return options
end

--- Raises when a script that was named is not there.
---@param options pghost.replay.Call
---@param command string for the message
function M.check_script(options, command)
  if options.script and lfs.attributes(options.script, "mode") ~= "file" then
    errors.raise(("no script '%s': name it, %s SCRIPT"):format(options.script, command), "usage")
  end
end

--- Replays the open rejects of a run.
---@param options pghost.replay.Call
---@return integer? exit_code
function M.all(options)
  local run, open
  do
    local conn <close>, present = recorded.open()
    run = find_run(conn, present, options.run)
    open = count_open(conn, run, options.table)
  end
  if open == 0 then
    say("no open reject of run %d%s: nothing to replay", run.run_id,
      options.table and (" for table '%s'"):format(options.table) or "")
    return 0
  end
  replay.prepare(run, options.table)
  run_script.run(find_script(run, options.script, "pghost replay " .. run.run_id), options.arguments)
end

local states_query = [[
  SELECT r.reject_id, r.state, r.note, r.replayed_by FROM pghost.rejects AS r
  WHERE r.run_id = $1 AND r.reject_id = ANY ($2::pg_catalog.int8[])]]

-- What happened to the records: those that are still wrong, and those that a concurrent fix took in while this one
-- waited, one by one.
local function tell(run, path, reading, by_run)
  local conn <close> = recorded.open()
  local ids, counts, open = {}, { open = 0, corrected = 0, replayed = 0, waived = 0 }, {}
  for id in pairs(reading.fixes) do
    ids[#ids + 1] = id
  end
  for row in conn:query(states_query, run.run_id, sql.array(ids)):rows() do
    local others = row.state ~= "open" and row.replayed_by ~= by_run
    counts[row.state] = counts[row.state] + (others and 0 or 1)
    if row.state == "open" or others then
      open[#open + 1] = { at = reading.fixes[row.reject_id].at, note = others and fixes_of.taken(row) .. ": not loaded"
        or row.note }
    end
  end
  table.sort(open, function(a, b)
    return a.at < b.at
  end)
  for _, one in ipairs(open) do
    say("%s:%d: %s", path, one.at, one.note or "not taken in")
  end
  say("%s: %s corrected, %s passed as they were, %s still open", path, log.count(counts.corrected),
    log.count(counts.replayed), log.count(counts.open))
end

-- Where a later run has rebuilt the tables, its rejects are those to fix.
local function follow(conn, present, run, path, reading)
  local tables, seen = {}, {}
  for _, fix in pairs(reading.fixes) do
    tables[#tables + 1] = not seen[fix.table] and fix.table or nil
    seen[fix.table] = true
  end
  local later = #tables > 0 and moved.to(conn, run.run_id, tables)
  if not later then
    return run, reading
  end
  say("run %d has rebuilt %s since run %d: the same records are fixed there", later, table.concat(tables, ", "),
    run.run_id)
  return find_run(conn, present, later), fixes_of.read(conn, later, path, { was = run.run_id })
end

--- Takes a corrected rejects file in. The exit code is 1 where it has records that are none of the run's rejects; what
--- was taken in before is told, but is no failure.
---@param options pghost.replay.Call
---@param path string
---@return integer exit_code
function M.fixed(options, path)
  local run, reading, script
  do
    local conn <close>, present = recorded.open()
    local run_id = options.run or fixes_of.find_run(conn, present, path)
    run = run_id and find_run(conn, present, run_id)
    if run and (options.script or run.script or run.pipeline ~= "load") then
      reading = fixes_of.read(conn, run.run_id, path)
      run, reading = follow(conn, present, run, path, reading)
      script = find_script(run, options.script, ("pghost fix %d %s"):format(run.run_id, path))
    end
  end
  if not run then
    return fix_load.of_file(path, options)
  elseif not script then
    return fix_load.of_run(run, path, options)
  elseif options.rules then
    errors.raise(("--rules is for rejects of pghost load; run %d has a script"):format(run.run_id), "usage")
  end
  local failed = false
  for _, refused in ipairs(reading.refused) do
    say("%s:%d: %s: not loaded", path, refused.at, refused.reason)
    failed = failed or not refused.taken
  end
  if reading.count == 0 then
    say("%s: no record of an open reject of run %d: nothing to do", path, run.run_id)
  else
    local prepared = replay.prepare(run, options.table, reading.fixes)
    run_script.run(script, options.arguments)
    tell(run, path, reading, prepared.run_id)
  end
  return failed and 1 or 0
end

return M
