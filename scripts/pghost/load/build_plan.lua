-- The plan of a load into the build schema: its files, their headers, the columns of its tables, what happens to the
-- published ones, what exists already.
--
-- Whatever is missing stops here, before anything is loaded.

local adoption = require "pghost.publish.adoption"
local dialect = require "pghost.input.dialect"
local distribute = require "pghost.distribute"
local inputs = require "pghost.load.inputs"
local kept_tables = require "pghost.load.kept"
local known_header = require "pghost.input.known_header"
local ledger = require "pghost.ledger"
local lists = require "pghost.lib.lists"
local modes = require "pghost.modes"
local names = require "pghost.catalog.names"
local partitions = require "pghost.partitions"
local paths = require "pghost.lib.paths"
local plans = require "pghost.load.plan"
local raw_columns = require "pghost.load.raw_columns"
local raw_table = require "pghost.load.raw_table"
local rules_compiler = require "pghost.native.rules"
local stored_encoding = require "pghost.catalog.stored_encoding"
local workers = require "pghost.load.workers"

local M = {}

local function say_for(run, name)
  return function(level, kind, text, fields)
    run.log[level](run.log, kind, name, text, fields)
  end
end

-- The user's options for a table, checked and compiled: the start of every plan.
local function draft_of(run, name, rules, options, targets)
  local draft = { name = name, options = options, targets = targets, files = {}, skipped = {}, batches = {},
    forced = false, position = false, complete = false }
  if rules then
    draft.rules, draft.program = rules, rules_compiler.compile(rules)
    draft.clean_columns = names.with_sources(draft.program:columns(), rules)
    draft.key = #rules.key > 0 and rules.key or nil
  end
  dialect.check(options, 1)
  for field, value in pairs(modes.choose(run, draft)) do
    draft[field] = value
  end
  distribute.plan(run, draft)
  draft.partition = partitions.of(run, draft)
  return draft
end

-- Reads every header, and finds each column's place in each file.
local function read_headers(run, draft, say)
  local wanted = draft.clean_columns or {}
  local goal = known_header.goal(wanted, true)
  local more = { any_header = names.by_position(wanted) or nil, stored = stored_encoding.of(run.conn) }
  for _, file in ipairs(draft.files) do
    inputs.look(file, draft.options, more, say, goal)
    run.read_once = run.read_once or (file.read_once and file)
  end
  draft.raw_columns = raw_columns.place(draft.files, draft.clean_columns,
    draft.targets.raw and draft.name .. "_raw" or nil, say)
end

local function frozen(files)
  local made, list = {}, {}
  local function freeze(file)
    if not made[file] then
      local other = file.same_file
      file.same_file = other and freeze(other) or nil
      made[file] = plans.file(file)
    end
    return made[file]
  end
  for i, file in ipairs(files) do
    list[i] = freeze(file)
  end
  return list
end

-- A raw table that is read keeps as many connections busy as one that is filled.
local function finish(run, draft, sources)
  local count = ((draft.targets.raw or draft.raw_source) and 1 or 0) + (draft.targets.clean and 1 or 0)
  draft.position = draft.targets.clean and (draft.key ~= nil or draft.kept ~= nil or not draft.first
    or draft.partition ~= nil) or false
  draft.workers = workers.choose(draft.options.workers or run.settings.workers, sources, count)
  return plans.make(draft)
end

-- A table that pghost has not published must not be replaced.
local function check_adoption(run, draft)
  if draft.first then
    local clean, raw = draft.targets.clean and draft.clean_table, draft.targets.raw and draft.raw_table
    adoption.check(run, { clean or raw, raw or clean }, draft.options.adopt)
  end
end

local function of_files(run, spec, draft)
  local say = say_for(run, draft.name)
  check_adoption(run, draft)
  draft.files = inputs.find(spec, run.settings.data, say)
  for _, file in ipairs(draft.files) do
    file.path = paths.absolute(file.path) -- what the history knows them by does not depend on the current folder
  end
  local selected = ledger.select(run, draft)
  draft.files, draft.skipped, draft.forced, draft.since = selected.files, selected.skipped, selected.forced,
    selected.since
  read_headers(run, draft, say)
  local kept, groups = kept_tables.find(run, draft)
  draft.kept, draft.complete = kept, kept ~= nil and kept.complete
  local both = frozen(table.move(draft.skipped, 1, #draft.skipped, #draft.files + 1, { table.unpack(draft.files) }))
  local count = #draft.files
  draft.skipped = table.move(both, count + 1, #both, 1, {})
  draft.files = table.move(both, 1, count, 1, {})
  for i, group in ipairs(groups) do
    draft.batches[i] = plans.batch { program = draft.program, files = lists.map(group, function(place)
      return draft.files[place]
    end) }
  end
  return finish(run, draft, draft.files)
end

-- The records of a raw table, through the rules, into the clean one.
local function of_raw_table(run, draft)
  check_adoption(run, draft)
  draft.raw_source = raw_table.find(run, draft)
  draft.batches[1] = plans.batch { files = {}, program = draft.program }
  return finish(run, draft, { { size = raw_table.size(run, draft.raw_source) } })
end

--- The beginning of the plan of a replay: what a user says of a table, checked and compiled.
---@param run pghost.Run
---@param name string
---@param rules? pghost.Rules
---@param options pghost.LoadOptions checked
---@param targets { raw?: boolean, clean?: boolean }
---@return table draft of a plan
M.draft = draft_of

--- The plan of files, or of the raw table, into tables of the build schema.
---@param run pghost.Run
---@param name string of the clean table
---@param files? string|string[] nil: the records are those of the raw table
---@param rules? pghost.Rules
---@param options pghost.LoadOptions checked
---@param targets { raw?: boolean, clean?: boolean }
---@return pghost.Plan
function M.make(run, name, files, rules, options, targets)
  local draft = draft_of(run, name, rules, options, targets)
  run.met[name] = true
  return files and of_files(run, files, draft) or of_raw_table(run, draft)
end

return M
