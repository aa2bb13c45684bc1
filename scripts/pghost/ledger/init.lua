-- The file ledger: which bytes a published table holds already, so that appending and merging the
-- same file twice, under any name, changes nothing.
--
-- A file is known by the SHA-256 of its content. One whose path is known with other content has changed,
-- and the option `changed` says what becomes of it.

local printable = require("pghost.input.printable").printable
local cjson = require "cjson"
local csv = require "pghost.native.csv"
local entries = require "pghost.ledger.entries"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local meanwhile = require "pghost.ledger.concurrent"

local M = {}

local policies = { error = true, load = true, skip = true, tail = true }

local function changed_policy(plan)
  local policy = plan.options.changed or (plan.mode == "append" and "error" or "load")
  if not policies[policy] then
    errors.raise(("table '%s': changed must be 'error', 'load', 'skip' or 'tail', got '%s'"):format(plan.name,
      tostring(policy)), "usage", { exit = 1 })
  end
  return policy
end

-- The hash of each file. What can be read only once is looked at when it is loaded.
local function hash(files)
  local hashed = {}
  for _, file in ipairs(files) do
    if not file.read_once then
      local digest = errors.check(csv.digest(file.path, nil, file.member))
      file.sha256, file.content_size = digest.sha256, digest.bytes
      hashed[#hashed + 1] = file
    end
  end
  return hashed
end

-- The rest of a file that has grown: what was loaded must still be its beginning.
local function take_tail(file, entry)
  local before = file.content_size > entry.size and errors.check(csv.digest(file.path, entry.size, file.member))
  if not before or before.sha256 ~= entry.sha256 then
    errors.raise(("is not what run %d loaded with more behind it: load it with changed = 'load' or 'skip'")
      :format(entry.run_id), "data", { file = file.name })
  end
  file.skip_to = entry.size
end

-- True when a file that has changed is to be loaded.
local function settle_changed(run, plan, file, entry, policy)
  if policy == "error" then
    errors.raise(("was loaded by run %d with other content: say with the option changed = 'load', 'tail' or 'skip' "
      .. "what becomes of it"):format(entry.run_id), "data", { file = file.name })
  elseif policy == "tail" then
    take_tail(file, entry)
  end
  run.log:warn("files", plan.name, ("%s has changed since run %d loaded it: %s"):format(file.name, entry.run_id,
    policy == "skip" and "left out" or policy == "tail" and "its new end is loaded" or "all of it is loaded"),
    { file = file.name, policy = policy })
  return policy ~= "skip"
end

-- What is in the raw table alone cannot be left out by a load of the clean one.
local function check_staged(plan, file, known)
  if known.only_staged and plan.targets.clean then
    errors.raise(("its content was staged by run %d into the raw table alone, and is not in '%s': the option force "
      .. "loads it into both"):format(known.run_id, plan.name), "data", { file = file.name })
  end
end

-- Whether a file has again what it had before its last content: to bring a table up to date that is news.
local function came_back(plan, file, known, earlier)
  return (plan.mode == "merge" or plan.mode == "history") and known.file_id ~= nil and earlier ~= nil
    and earlier.sha256 ~= file.sha256
end

-- Sorts files into those to load and those to leave out.
local function sort_out(run, plan, by_hash, by_place)
  local policy, wanted, skipped, seen = changed_policy(plan), {}, {}, {}
  for _, file in ipairs(plan.files) do
    local known, earlier = file.sha256 and (by_hash[file.sha256] or seen[file.sha256]), by_place[entries.place(file)]
    if known and came_back(plan, file, known, earlier) then
      file.known, known = known, nil
    end
    if known then
      check_staged(plan, file, known)
      file.same_as = known.file_id
      skipped[#skipped + 1] = file
    elseif not earlier or not file.sha256 or settle_changed(run, plan, file, earlier, policy) then
      wanted[#wanted + 1] = file
      seen[file.sha256 or file] = { name = file.name }
    else
      skipped[#skipped + 1] = file
    end
  end
  return wanted, skipped
end

-- Where records that are missing in the files leave the table, the files are all there is: they are
-- left out together or not at all.
local function is_snapshot(plan)
  return plan.missing == "delete" or plan.missing == "mark" or plan.missing == "close"
end

-- The contents that the last published run left in the table, or nil.
local function last_snapshot(run, plan)
  local row = run.conn:query([[
    SELECT string_agg(f.sha256, ' ' ORDER BY f.sha256) AS hashes FROM pghost.files AS f
    WHERE f.state <> 'skipped' AND f.run_id = (
      SELECT max(f2.run_id) FROM pghost.files AS f2 JOIN pghost.runs AS r USING (run_id)
      WHERE r.target_schema = $1 AND f2.table_name = $2 AND f2.published_at IS NOT NULL AND f2.state <> 'skipped'
    ) AND f.table_name = $2]], run.target, plan.name)[1]
  return row.hashes
end

local function same_snapshot(run, plan)
  local hashes = {}
  for i, file in ipairs(plan.files) do
    if not file.sha256 then
      return false
    end
    hashes[i] = file.sha256
  end
  table.sort(hashes)
  return not plan.first and table.concat(hashes, " ") == last_snapshot(run, plan)
end

local function is_forced(run, plan)
  if plan.options.force ~= nil then
    return plan.options.force
  end
  return run.settings.force
end

--- Takes the files out of a plan whose content is in the published table already; they go to
--- plan.skipped. Nothing of this in the mode that replaces, or with the option force.
---@param run pghost.Run
---@param plan pghost.Plan
function M.select(run, plan)
  plan.skipped, plan.forced = {}, is_forced(run, plan)
  if plan.mode == "replace" then
    return
  end
  meanwhile.watch(run, plan)
  if plan.forced then
    return
  end
  local hashed = hash(plan.files)
  if is_snapshot(plan) then
    if same_snapshot(run, plan) then
      plan.files, plan.skipped = {}, plan.files
    end
  else
    plan.files, plan.skipped = sort_out(run, plan, entries.read(run, plan, hashed))
  end
  if #plan.skipped > 0 then
    run.log:info("files", plan.name, ("%s left out: %s in the table already"):format(log.counted(#plan.skipped, "file"),
      #plan.skipped == 1 and "its content is" or "their content is"), { skipped = #plan.skipped })
  end
end

-- In the mode that replaces nothing is left out, but two files of one content are likely to be a mistake.
local function note_same(run, plan, file, other)
  run.log:warn("files", plan.name, ("%s has the same content as %s: its records are loaded twice"):format(file.name,
    other.name), { file = file.name })
end

-- What can be read only once is known when it is read: it must be new.
local function check_new(run, plan, file, other)
  local read = { sha256 = file.counts.sha256, path = printable(file.path), member = file.member, name = file.name }
  local known = other or entries.read(run, plan, { read })[read.sha256]
  if known then
    errors.raise((known.run_id and "was loaded by run %d as '%s': the option force loads it again"
      or "has the content of%s '%s': the option force loads both"):format(known.run_id or "", known.name), "data",
      { file = file.name })
  end
end

--- Holds what was read against what the ledger knew of it: a file must be what it was when it was
--- hashed, and what can be read only once must be new.
---@param run pghost.Run
---@param plan pghost.Plan
function M.check(run, plan)
  local seen = {}
  for _, file in ipairs(plan.files) do
    seen[file.sha256 or file] = file.sha256 and file
  end
  for _, file in ipairs(plan.files) do
    local hash_read = file.counts.sha256
    if file.sha256 and hash_read ~= file.sha256 then
      errors.raise("changed while it was read", "data", { file = file.name })
    elseif plan.mode == "replace" and seen[hash_read] then
      note_same(run, plan, file, seen[hash_read])
    elseif plan.mode ~= "replace" and not file.sha256 and not plan.forced then
      check_new(run, plan, file, seen[hash_read])
    end
    seen[hash_read] = seen[hash_read] or file
  end
end

--- Records the files that were left out, and what they are the same as.
---@param run pghost.Run
---@param plan pghost.Plan
function M.save_skipped(run, plan)
  local list = {}
  for i, file in ipairs(plan.skipped) do
    list[i] = { name = file.name, path = printable(file.path), member = file.member, size = file.content_size,
      sha256 = file.sha256, same_as = file.same_as }
  end
  if #list == 0 then
    return
  end
  run.conn:query([[
    INSERT INTO pghost.files (run_id, table_name, name, path, member, state, mode, size, sha256, same_as, finished_at)
    SELECT $1, $2, f.name, f.path, f.member, 'skipped', $3, f.size, f.sha256, f.same_as, clock_timestamp()
    FROM jsonb_to_recordset($4::jsonb) AS f (name text, path text, member text, size bigint, sha256 text,
      same_as bigint)]],
    run.id, plan.name, plan.mode, cjson.encode(list))
end

--- Marks the files of a run as published; runs inside the transaction that publishes their tables.
---@param conn pghost.Connection
---@param run_id integer
---@param tables? string[] names of the tables published so far; nil: all
function M.publish(conn, run_id, tables)
  conn:query([[
    UPDATE pghost.files SET published_at = clock_timestamp()
    WHERE run_id = $1 AND state IN ('staged', 'loaded') AND published_at IS NULL
      AND ($2::jsonb IS NULL
        OR table_name || CASE WHEN state = 'staged' THEN '_raw' ELSE '' END IN (
          SELECT jsonb_array_elements_text($2::jsonb)))]],
    run_id, tables and cjson.encode(tables) or nil)
end

return M
