-- What the holder of a run tells other loaders of a load and its files, and what they make of it.
--
-- A loader has the same script, and so the rules and options; it gets the tables and how each file is read. A file is
-- the same where its size and samples of its bytes are, and once it has been read, its hash if the holder knows it.

local load_options = require "pghost.load.options"
local contents = require "pghost.input.contents"
local errors = require "pghost.lib.errors"
local fingerprint = require "pghost.lib.fingerprint"
local lfs = require "lfs"
local lists = require "pghost.lib.lists"
local names = require "pghost.catalog.names"
local plans = require "pghost.load.plan"
local rules_compiler = require "pghost.native.rules"
local workers = require "pghost.load.workers"

local M = {}

local file_fields <const> = lists.words [[
  path name size member version encoding line_end header headerless field_bytes reading header_names clean_map raw_map
  sha256 content_size skip_to dialect]]

local plan_fields <const> = lists.words "name targets mode missing first raw_columns clean_table raw_table"

local function picked(from, fields)
  local out = {}
  for name in pairs(fields) do
    out[name] = from[name]
  end
  return out
end

--- What loaders must have in common: the rules and options of a load, and what the published table makes of them.
---@param rules? table
---@param options pghost.LoadOptions
---@param plan table name, targets, first and raw_columns
---@return string
function M.fingerprint(rules, options, plan)
  return fingerprint.of { rules = rules, options = options, raw = plan.raw_columns, first = plan.first,
    targets = plan.targets }
end

--- A load, for others.
---@param plan pghost.Plan
---@return { fingerprint: string, plan: table }
function M.load(plan)
  return { fingerprint = plan.kept.fingerprint, plan = picked(plan, plan_fields) }
end

--- A file, for others. What is behind a URL they look up by themselves: it may hold a password.
---@param file pghost.PlannedFile
---@return { file: string, plan: table }
function M.file(file)
  local plan = picked(file, file_fields)
  plan.remote = file.url ~= nil or nil
  plan.sampled = not plan.remote and contents.sampled(file) or nil
  return { file = file.name, plan = plan }
end

local function refuse(...)
  errors.raise(string.format(...), "not_here")
end

local function check_same(file, sampled)
  local found = lfs.attributes(file.path)
  if not found then
    refuse("%s: not on this host", file.path)
  elseif found.mode == "file" and file.size and not file.member and found.size ~= file.size then
    refuse("%s: has %d bytes on this host, and %d where the run was planned", file.path, found.size, file.size)
  elseif sampled and contents.sampled(file) ~= sampled then
    refuse("%s: has other contents on this host", file.path)
  end
end

--- Raises code "not_here" where a file that was read is not the one that the holder has hashed.
---@param file pghost.PlannedFile
---@param counts pghost.Counts
function M.check_read(file, counts)
  if file.sha256 and counts.sha256 ~= file.sha256 then
    refuse("%s: has other contents on this host", file.path)
  end
end

--- The file of an item, to load. Raises code "not_here" where it is missing or another one.
---@param shipped table
---@param is_new boolean another process has planned it
---@return pghost.PlannedFile
function M.file_of(shipped, is_new)
  local file = picked(shipped, file_fields)
  if shipped.remote then
    refuse("%s: only the holder of the run knows how to reach it", file.path)
  end
  if is_new then
    check_same(file, shipped.sampled)
  end
  return plans.file(file)
end

--- The plan of a load that another process has made. Raises code "usage" where script or options differ.
---@param run pghost.Run
---@param found { fingerprint: string, plan: table }
---@param rules? table
---@param options pghost.LoadOptions
---@param kind "load"|"stage"
---@return pghost.Plan
function M.plan_of(run, found, rules, options, kind)
  local draft = found.plan
  options = load_options.of_step(kind, draft.name, options)
  if M.fingerprint(rules, options, draft) ~= found.fingerprint then
    errors.raise(("run:%s '%s': other rules or options than in run %d: give this host the script that the run was "
      .. "started with"):format(kind, draft.name, run.id), "usage", { exit = 1 })
  end
  local plan = picked(draft, plan_fields)
  plan.options, plan.files, plan.skipped, plan.batches = options, {}, {}, {}
  plan.forced, plan.complete, plan.position = false, false, draft.targets.clean == true
  plan.kept = { fingerprint = found.fingerprint, files = {}, built = true, complete = false, shared = true }
  if rules then
    plan.rules, plan.program = rules, rules_compiler.compile(rules)
    plan.clean_columns = names.with_sources(plan.program:columns(), rules)
    plan.key = #rules.key > 0 and rules.key or nil
  end
  plan.workers = workers.choose(options.workers or run.settings.workers, {}, 1)
  return plans.make(plan)
end

return M
