-- `pghost fix` for the rejects of `pghost load`: the corrected records go into the same table, by the same engine.

local by_itself = require "pghost.load.by_itself"
local cjson = require "cjson"
local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local load_call = require "pghost.rejects.load_call"
local load_fixes = require "pghost.rejects.load_fixes"
local log = require "pghost.lib.log"
local own_file = require "pghost.lib.own_file"
local relations = require "pghost.catalog.relations"
local rejects_reader = require "pghost.rejects.reader"
local named_rules = require "pghost.load.named_rules"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local function say(format, ...)
  io.stderr:write(terminal_text.harmless(format:format(...)), "\n")
end

-- The rules come from the path recorded with the run, if nobody else can have written them; a rejects file only says
-- that there were some, whatever is in it.
local function rules_of(fixes, given)
  local recorded = fixes.call.rules
  if given or not recorded then
    return given and named_rules.read(given), given
  elseif not fixes.of then
    errors.raise(("'%s' is of a load with rules '%s': give --rules FILE"):format(fixes.path, recorded), "usage")
  elseif lfs.attributes(recorded, "mode") ~= "file" then
    errors.raise(("no rules file '%s': give --rules FILE"):format(recorded), "usage")
  end
  local problem = own_file.script_problem(recorded)
  if problem then
    errors.raise(("the rules '%s' of run %d: the file %s and is not run: give --rules FILE if you trust it"):format(
      recorded, fixes.of.run_id, problem), "usage")
  end
  return named_rules.read(recorded), recorded
end

-- Reports what happened to the records.
local function tell(fixes, run_id)
  local failed = false
  for _, refused in ipairs(fixes.refused) do
    say("%s:%d: %s: not loaded", fixes.path, refused.at, refused.reason)
    failed = failed or not refused.taken
  end
  for _, one in ipairs(fixes.open) do
    say("%s:%d: %s", fixes.path, one.at, one.note)
  end
  if not run_id then
    say("%s: no record of an open reject: nothing to do", fixes.path)
    return failed and 1 or 0
  end
  say("%s: %s corrected, %s passed as they were, %s still open", fixes.path, log.count(fixes.corrected),
    log.count(fixes.replayed), log.count(#fixes.open))
  return failed and 1 or 0
end

-- A load has one table: another one is a mistake.
local function check_table(fixes, only)
  local schema, name = relations.parse(fixes.call.into)
  if only and only ~= name and only ~= fixes.call.into and only ~= ("%s.%s"):format(schema, name) then
    errors.raise(("'%s' is of a load into %s, not into '%s': leave --table out"):format(fixes.path, fixes.call.into,
      only), "usage", { exit = 1 })
  end
end

local function load(fixes, options)
  check_table(fixes, options.table)
  local rules, path = rules_of(fixes, options.rules)
  local result = by_itself.load { files = { fixes.path }, into = fixes.call.into, rules = rules, rules_file = path,
    null_text = fixes.call.null, allow_dropped = fixes.call.allow_dropped, max_rejects = {}, fixes = fixes, shown = 0,
    progress = { enabled = false }, say = function(level, _, text)
      if level == "warn" then
        say("warn: %s", text)
      end
    end }
  if result.run_id then
    say("loaded %s into %s, run %d", log.counted(result.loaded, "record"), result.table, result.run_id)
  end
  return tell(fixes, result.run_id)
end

--- Takes in the rejects of a recorded load (`--rejects table`).
---@param run table from recorded.find
---@param path string
---@param options { rules?: string, table?: string }
---@return integer exit_code
function M.of_run(run, path, options)
  local config = cjson.decode(run.config or "{}")
  local call = load_call.read(config.load) or load_call.of_config(config)
  return load(load_fixes.of_run(path, run, call), options)
end

-- How the load was called, according to its first record.
local function first_call(path)
  local reader <close> = rejects_reader.open { path = path }
  for record in reader:records() do
    local call = load_call.read(record.load)
    if call then
      return call
    end
  end
end

--- Takes in those of a load that is not recorded (`--rejects FILE`).
---@param path string
---@param options { rules?: string, table?: string }
---@return integer exit_code
function M.of_file(path, options)
  local call = first_call(path)
  if not call then
    errors.raise(("'%s' does not say which table it is for, column _load is missing: pghost load %s --into TABLE")
      :format(path, path), "usage", { exit = 1 })
  end
  return load(load_fixes.of_file(path, call), options)
end

return M
