-- Which files of a load are new to the published table, and which it already has.
--
-- A file is known by the SHA-256 of its content. One whose path is known with other content has changed, and the option
-- `changed` says what becomes of it. For appending, a content is new once. For merge and history it is new unless it
-- was the last one loaded: after another file the table may hold something else.

local printable = require("pghost.input.printable").printable
local contents = require "pghost.input.contents"
local entries = require "pghost.ledger.entries"
local errors = require "pghost.lib.errors"

local M = {}

local policies = { error = true, load = true, skip = true, tail = true }

local function changed_policy(request)
  local policy = request.options.changed or (request.mode == "append" and "error" or "load")
  if not policies[policy] then
    errors.raise(("table '%s': changed must be 'error', 'load', 'skip' or 'tail', got '%s'"):format(request.name,
      tostring(policy)), "usage", { exit = 1 })
  end
  return policy
end

-- The rest of a file that has grown: what was loaded must still be its beginning.
local function take_tail(file, entry)
  local before = file.content_size > entry.size and contents.digest(file, entry.size)
  if not before or before.sha256 ~= entry.sha256 then
    errors.raise(("is not what run %d loaded with records appended: load it with changed = 'load' or 'skip'")
      :format(entry.run_id), "data", { file = file.name })
  end
  file.skip_to = entry.size
end

-- True when a file that has changed is to be loaded.
local function settle_changed(run, request, file, entry, policy)
  if policy == "error" then
    errors.raise(("was loaded by run %d with other content: set the option changed to 'load', 'tail' or 'skip'")
      :format(entry.run_id), "data", { file = file.name })
  elseif policy == "tail" then
    take_tail(file, entry)
  end
  run.log:warn("files", request.name, ("%s has changed since run %d loaded it: %s"):format(file.name, entry.run_id,
    policy == "skip" and "left out" or policy == "tail" and "its new end is loaded" or "all of it is loaded"),
    { file = file.name, policy = policy })
  return policy ~= "skip"
end

-- What is in the raw table alone cannot be left out by a load of the clean one.
local function check_staged(request, file, known)
  if known.only_staged and request.targets.clean then
    errors.raise(("its content was staged by run %d into the raw table alone, and is not in '%s': the option force "
      .. "loads it into both"):format(known.run_id, request.name), "data", { file = file.name })
  end
end

-- The contents loaded into a table, in order: the ledger's, then those of this run.
local Told = {}
Told.__index = Told

local function told(run, request, by_hash)
  return setmetatable({ by_hash = by_hash, in_run = {}, once = request.mode == "append",
    last = request.mode ~= "append" and not request.first and entries.newest(run, request.name) or nil }, Told)
end

-- What makes loading a content redundant: an entry of the ledger, or a file of this run.
function Told:has(sha256)
  local entry, file = self.by_hash[sha256], self.in_run[sha256]
  if self.once or self.last == sha256 then
    return entry, file
  end
end

function Told:add(file)
  self.last = file.sha256 or file -- what is read only once is like nothing else
  if file.sha256 then
    self.in_run[file.sha256] = file
  end
end

local function is_unchanged(file, earlier)
  return earlier ~= nil and earlier.sha256 == file.sha256
end

--- Sorts files into those to load and those to leave out. Notes of each file what it has in common with the ledger:
--- `known`, the newest load of its content, `same_as` and `same_file` of one that is left out, `skip_to` of a tail.
---@param run pghost.Run
---@param request { name: string, mode: string, first: boolean, options: table, targets: table }
---@param files table[] with sha256 and content_size where they can be read twice
---@param hashed table[] those of them
---@return table[] wanted
---@return table[] skipped
function M.sort(run, request, files, hashed)
  local by_hash, by_place = entries.read(run, request, hashed)
  local policy, wanted, skipped = changed_policy(request), {}, {}
  local all = told(run, request, by_hash)
  for _, file in ipairs(files) do
    local earlier, same_entry, same_file = by_place[entries.place(run.conn, file)], nil, nil
    file.known = file.sha256 and by_hash[file.sha256]
    if file.sha256 and is_unchanged(file, earlier) and file.known then
      same_entry = file.known
    elseif file.sha256 then
      same_entry, same_file = all:has(file.sha256)
    end
    local skip = same_entry or same_file
    if same_entry then
      check_staged(request, file, same_entry)
    elseif not skip and earlier and file.sha256 and not is_unchanged(file, earlier) then
      skip = not settle_changed(run, request, file, earlier, policy)
    end
    file.same_as, file.same_file = same_entry and same_entry.file_id, same_file
    table.insert(skip and skipped or wanted, file)
    if not skip then
      all:add(file)
    end
  end
  return wanted, skipped
end

--- What the ledger knows of the content of files that are loaded whatever it is.
function M.note_known(run, request, hashed)
  local by_hash = entries.read(run, request, hashed)
  for _, file in ipairs(hashed) do
    file.known = by_hash[file.sha256]
    file.same_as = file.known and file.known.file_id
  end
end

--- Whether what was read of a file that can be read only once is not new; returns what has it.
---@return table? entry with `name`, and `run_id` where it is one of the ledger
---@return table? known the newest load of the content
function M.is_known(run, request, file, sha256, other)
  if other then
    return other
  end
  local read = { sha256 = sha256, path = printable(file.path), member = file.member, name = file.name }
  local by_hash = entries.read(run, request, { read })
  local entry = told(run, request, by_hash):has(read.sha256)
  return entry, by_hash[sha256]
end

return M
