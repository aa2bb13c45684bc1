-- The file ledger: which bytes a published table holds already, so that appending and merging the
-- same file twice, under any name, changes nothing.
--
-- selection.lua decides on single files, snapshots.lua where the files are all there is, concurrent.lua sees what
-- other pipelines have done since.

local cjson = require "cjson"
local contents = require "pghost.input.contents"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local concurrent = require "pghost.ledger.concurrent"
local qualified = require "pghost.modes.qualified"
local recordable = require "pghost.run.recordable"
local selection = require "pghost.ledger.selection"
local snapshots = require "pghost.ledger.snapshots"

local M = {}

-- Modes that load all files, whatever the table has: it holds nothing else afterwards, or its partitions do.
local rewrites = { replace = true, partitions = true }

-- The hash of each file. A source that can be read only once is hashed when it is loaded.
local function hash(files)
  local hashed = {}
  for _, file in ipairs(files) do
    if not file.read_once then
      local digest = contents.digest(file)
      file.sha256, file.content_size = digest.sha256, digest.bytes
      hashed[#hashed + 1] = file
    end
  end
  return hashed
end

local function is_forced(run, request)
  if request.options.force ~= nil then
    return request.options.force
  end
  return run.settings.force
end

local function select(run, request, files)
  local hashed = hash(files)
  if not snapshots.is_one(request) then
    return selection.sort(run, request, files, hashed)
  end
  selection.note_known(run, request, hashed)
  if snapshots.is_last(run, request, files) then
    return {}, files
  end
  return files, {}
end

---@class pghost.ledger.Selection
---@field files table[] to load, in their order
---@field skipped table[] whose content is in the published table already
---@field forced boolean the ledger was not asked
---@field since? integer the run whose table the ledger was read for

--- Which files are to be loaded. In the mode that replaces, or with the option force, all of them.
---@param run pghost.Run
---@param request pghost.Plan name, mode, missing, first, options, targets and files
---@return pghost.ledger.Selection
function M.select(run, request)
  local forced = is_forced(run, request) or false
  if rewrites[request.mode] then
    return { files = request.files, skipped = {}, forced = forced }
  end
  local since = concurrent.since(run, request.name)
  if forced then
    return { files = request.files, skipped = {}, forced = true, since = since }
  end
  local wanted, skipped = select(run, request, request.files)
  if #skipped > 0 then
    run.log:info("files", request.name, ("%s left out: %s in the table already"):format(log.counted(#skipped, "file"),
      #skipped == 1 and "its content is" or "their content is"), { skipped = #skipped })
  end
  return { files = wanted, skipped = skipped, forced = false, since = since }
end

-- In the mode that replaces nothing is left out, but two files of one content are likely to be a mistake.
local function note_same(run, plan, file, other)
  run.log:warn("files", plan.name, ("%s has the same content as %s: its records are loaded twice"):format(file.name,
    other.name), { file = file.name })
end

-- A source that can be read only once is hashed as it is read: it must be new.
local function check_new(run, plan, one, other)
  local file = one.file
  local known, entry = selection.is_known(run, plan, file, one.counts.sha256, other)
  if known then
    errors.raise(other and ("has the same content as '%s': the option force loads both"):format(other.name)
      or ("was loaded by run %d as '%s': the option force loads it again"):format(known.run_id, known.name), "data",
      { file = file.name })
  end
  return entry
end

local missing_statement = "UPDATE pghost.files SET missing = $3 "
  .. qualified "WHERE run_id = $1 AND table_name = $2"

-- Compares what was read with the ledger: a file must be unchanged since it was hashed, and a source that can be read
-- only once must be new.
local function check(run, plan, result)
  local seen, read = {}, {}
  for _, file in ipairs(plan.files) do
    seen[file.sha256 or file] = file.sha256 and file
  end
  for i, one in ipairs(result.files) do
    local file, hash_read = one.file, one.counts.sha256
    local known = file.known
    if file.sha256 and hash_read ~= file.sha256 then
      errors.raise("changed while it was read", "data", { file = file.name })
    elseif rewrites[plan.mode] and seen[hash_read] then
      note_same(run, plan, file, seen[hash_read])
    elseif not rewrites[plan.mode] and not file.sha256 and not plan.forced then
      known = check_new(run, plan, one, seen[hash_read])
    end
    seen[hash_read] = seen[hash_read] or file
    read[i] = { sha256 = hash_read, path = file.path, member = file.member, name = file.name,
      known = known }
  end
  if plan.since then -- what it does to missing keys is part of what the ledger knows of a load
    run.conn:query(missing_statement, run.id, plan.name, plan.missing)
    return { plan = plan, since = plan.since, read = read }
  end
end

-- Records the files that were left out, and which loaded files they duplicate.
local function save_skipped(run, plan, result)
  local list = {}
  for i, file in ipairs(plan.skipped) do
    list[i] = { name = file.name, path = file.path, member = file.member, size = file.content_size,
      sha256 = file.sha256, same_as = file.same_as or (file.same_file and result:of(file.same_file).id) }
  end
  if #list == 0 then
    return
  end
  run.conn:query([[
    INSERT INTO pghost.files (run_id, table_name, name, path, member, state, mode, size, sha256, same_as, finished_at)
    SELECT $1, $2, f.name, f.path, f.member, 'skipped', $3, f.size, f.sha256, f.same_as, pg_catalog.clock_timestamp()
    FROM pg_catalog.jsonb_to_recordset($4::pg_catalog.jsonb) AS f (name text, path text, member text, size bigint,
      sha256 text, same_as bigint)]],
    run.id, plan.name, plan.mode, cjson.encode(recordable.value(run.conn, list)))
end

--- Holds what was read against what the ledger knew of it, and records what was left out.
---@param run pghost.Run
---@param plan pghost.Plan
---@param result pghost.Result
---@return pghost.ledger.Watched? watched what to look at once more when the run publishes
function M.settle(run, plan, result)
  local watched = check(run, plan, result)
  save_skipped(run, plan, result)
  return watched
end

local publish_statement = [[
  UPDATE pghost.files SET published_at = (SELECT pg_catalog.clock_timestamp()) ]] .. qualified [[
  WHERE run_id = $1 AND (state = 'staged' OR state = 'loaded') AND published_at IS NULL
    AND ($2::pg_catalog.jsonb IS NULL
      OR pg_catalog.concat(table_name, CASE WHEN state = 'staged' THEN '_raw' END) = ANY (
        SELECT pg_catalog.jsonb_array_elements_text($2::pg_catalog.jsonb)))]]

--- Marks the files of a run as published; runs inside the transaction that publishes their tables.
---@param conn pghost.Connection
---@param run_id integer
---@param tables? string[] names of the tables published so far; nil: all
function M.publish(conn, run_id, tables)
  conn:query(publish_statement, run_id, tables and cjson.encode(tables) or nil)
end

return M
