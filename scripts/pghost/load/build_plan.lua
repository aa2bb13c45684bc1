-- The plan of a load into the build schema: its files, their headers, the columns of its tables, what becomes of the
-- published ones, what is there already.
--
-- Whatever is missing stops here, before anything is loaded.

local adoption = require "pghost.publish.adoption"
local columns = require "pghost.catalog.columns"
local dialect = require "pghost.input.dialect"
local errors = require "pghost.lib.errors"
local header = require "pghost.load.header"
local inputs = require "pghost.load.inputs"
local kept_tables = require "pghost.load.kept"
local known_header = require "pghost.input.known_header"
local ledger = require "pghost.ledger"
local modes = require "pghost.modes"
local names = require "pghost.catalog.names"
local paths = require "pghost.lib.paths"
local plans = require "pghost.load.plan"
local raw_table = require "pghost.load.raw_table"
local relations = require "pghost.catalog.relations"
local rules_compiler = require "pghost.native.rules"
local stored_encoding = require "pghost.catalog.stored_encoding"
local workers = require "pghost.load.workers"

local M = {}

local own_columns = 3 -- of a raw table: _file_id, _line, _loaded_at
local longest_name = relations.longest_name - #"_raw"

local function say_for(run, name)
  return function(level, kind, text, fields)
    run.log[level](run.log, kind, name, text, fields)
  end
end

--- What a user says of a table, checked and compiled: the beginning of every plan.
---@param run pghost.Run
---@param name string
---@param rules? pghost.Rules
---@param options pghost.LoadOptions checked
---@param targets { raw?: boolean, clean?: boolean }
---@return table draft of a plan
function M.draft(run, name, rules, options, targets)
  if type(name) ~= "string" or name == "" or #name > longest_name then
    errors.raise(("table name of 1 to %d bytes expected, got '%s'"):format(longest_name, tostring(name)), "usage",
      { exit = 1 })
  end
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
  return draft
end

-- What no rule takes: where it goes, and under which name.
local function report_rest(draft, file, rest, say)
  if draft.clean_columns and #rest.written > 0 then
    say("warn", "columns", ("%s: only in the raw table: %s"):format(file.name, table.concat(rest.written, ", ")),
      { columns = rest.written })
  end
  for i, name in ipairs(rest.names) do
    if name ~= rest.written[i]:lower() then
      say("warn", "columns", ("%s: column %d '%s' is named %s in the raw table"):format(file.name,
        rest.positions[name], rest.written[i], name))
    end
  end
end

-- Matches headers with the columns of the rules. Of thousands of files most have the same header: what is the same is
-- matched once.
local function header_matcher(wanted)
  local known = {}
  return function(file)
    local key = table.concat(file.header, "\0")
    local one = known[key]
    if not one then
      local map, rest = header.match(file.name, file.header, wanted)
      one = { clean_map = map, rest = header.rest(file.name, file.header, wanted, rest) }
      known[key] = one
    end
    return one
  end
end

-- Looks at every header, and finds each column's place in each file.
local function read_headers(run, draft, say)
  local wanted, matched, rests = draft.clean_columns or {}, {}, {}
  local match, goal = header_matcher(wanted), known_header.goal(wanted, true)
  local more = { any_header = names.by_position(wanted) or nil, stored = stored_encoding.of(run.conn) }
  for i, file in ipairs(draft.files) do
    inputs.look(file, draft.options, more, say, goal)
    run.read_once = run.read_once or (file.read_once and file)
    local one = match(file)
    if not matched[one] then
      rests[#rests + 1], matched[one] = one.rest, true
    end
    matched[i], file.clean_map = one, one.clean_map
    report_rest(draft, file, one.rest, say)
  end
  draft.raw_columns = header.union(columns.names(wanted), rests)
  if draft.targets.raw then
    header.check_width(draft.name .. "_raw", #draft.raw_columns, own_columns, draft.files)
  end
  for i, file in ipairs(draft.files) do
    local one = matched[i]
    one.raw_map = one.raw_map or header.raw_map(one.clean_map, one.rest, draft.raw_columns)
    file.raw_map = one.raw_map
  end
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

local function finish(run, draft)
  local count = (draft.targets.raw and 1 or 0) + (draft.targets.clean and 1 or 0)
  draft.position = draft.targets.clean and (draft.key ~= nil or draft.kept ~= nil or not draft.first) or false
  draft.workers = workers.choose(draft.options.workers or run.settings.workers, draft.files, count)
  return plans.make(draft)
end

-- A table that pghost has not published is nobody's to replace.
local function check_adoption(run, draft)
  if draft.first then
    local clean, raw = draft.targets.clean and draft.clean_table, draft.targets.raw and draft.raw_table
    adoption.check(run, { clean or raw, raw or clean }, draft.options.adopt)
  end
end

--- The plan of files into tables of the build schema.
---@param run pghost.Run
---@param spec string|string[] files
---@param draft table from draft
---@return pghost.Plan
function M.of_files(run, spec, draft)
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
  local kept = kept_tables.find(run, draft)
  draft.kept, draft.complete = kept, kept ~= nil and kept.complete
  local both = frozen(table.move(draft.skipped, 1, #draft.skipped, #draft.files + 1, { table.unpack(draft.files) }))
  local count = #draft.files
  draft.skipped = table.move(both, count + 1, #both, 1, {})
  draft.files = table.move(both, 1, count, 1, {})
  for i, files in ipairs(kept_tables.groups(run, draft)) do
    draft.batches[i] = plans.batch { files = files, program = draft.program }
  end
  return finish(run, draft)
end

--- The plan of the records of a raw table, through the rules, into the clean one.
---@param run pghost.Run
---@param draft table from draft
---@return pghost.Plan
function M.of_raw_table(run, draft)
  check_adoption(run, draft)
  draft.raw_source = raw_table.find(run, draft)
  draft.batches[1] = plans.batch { files = {}, program = draft.program }
  return finish(run, draft)
end

return M
