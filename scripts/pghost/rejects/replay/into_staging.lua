-- The target of a replay: tables in the build schema that hold the outcome of each reject, until the published ones are
-- made from them.

local budget = require "pghost.load.budget"
local build_plan = require "pghost.load.build_plan"
local cleaning = require "pghost.load.cleaning"
local defaults = require "pghost.load.target"
local columns_of = require "pghost.catalog.columns"
local distribute = require "pghost.distribute"
local errors = require "pghost.lib.errors"
local header = require "pghost.load.header"
local plans = require "pghost.load.plan"
local published = require "pghost.rejects.replay.published"
local raw_columns = require "pghost.load.raw_columns"
local sinks = require "pghost.load.sinks"
local sources = require "pghost.rejects.replay.sources"
local staging = require "pghost.rejects.replay.staging"
local tables = require "pghost.load.tables"

local M = {}

---@class pghost.replay.Target: pghost.load.Target
---@field run pghost.Run
---@field name string
---@field targets { raw?: boolean, clean?: boolean }
---@field published pghost.replay.Published
---@field reading pghost.replay.Reading
---@field counts { records: integer, loaded: integer, rejected: integer, filtered: integer } when it is finished
local Target = setmetatable({}, defaults)
Target.__index = Target

---@return pghost.replay.Target
function M.new(run, name, targets)
  return setmetatable({ run = run, name = name, targets = targets, budget = budget.unlimited() }, Target)
end

--- Where records go that are refused once more.
---@return pghost.load.Sink
function Target:sink()
  return sinks.into_table(self.run, self.name, tables.copy(staging.name(self.run, "rejects"), {}))
end

--- Raises when a later run has rebuilt the table: it has its own rejects, those of this run are history.
---@param run pghost.Run
---@param plan pghost.Plan
function M.check_not_replaced(run, plan)
  local later = run.conn:query([[
    SELECT n.run_id FROM pghost.runs AS n
    WHERE n.target_schema = $2 AND n.run_id > $3 AND (
      $5::boolean AND n.pipeline = $1 AND n.state = 'published' AND n.replay_of IS DISTINCT FROM $3 AND EXISTS (
        SELECT FROM pghost.steps AS s
        WHERE s.run_id = n.run_id AND s.kind IN ('load', 'stage', 'clean', 'replay') AND s.name = $4)
      OR EXISTS ( -- whatever its pipeline, and the mode now
        SELECT FROM pghost.files AS f
        WHERE f.run_id = n.run_id AND f.table_name = $4 AND f.mode IN ('replace', 'partitions')
          AND f.published_at IS NOT NULL))
    ORDER BY 1 DESC LIMIT 1]], run.name, run.target, run.replay.of.run_id, plan.name, plan.mode == "replace")[1]
  if later then
    errors.raise(("run %d has rebuilt table '%s' since run %d: replay that one"):format(later.run_id, plan.name,
      run.replay.of.run_id), "usage", { exit = 1 })
  end
end


function Target:plan(_, rules, options)
  local run, targets = self.run, self.targets
  local draft = build_plan.draft(run, self.name, targets.clean and rules or nil, options, targets)
  draft.missing = "keep" -- what is replayed is not all there is
  M.check_not_replaced(run, draft)
  self.published, draft.raw_columns = published.find(run, self.name, targets)
  if draft.first then
    published.find_obstacle(run, self.published, draft.key)
  end
  if draft.first and not self.published.obstacle then
    local number = #run.replay.plans + 1 -- a name with a suffix might be too long
    draft.first, draft.clean_table, draft.raw_table = false, "pghost_added_" .. number, "pghost_added_raw_" .. number
    distribute.rename(run, self.name, draft.clean_table)
    distribute.rename(run, self.name .. "_raw", draft.raw_table)
  end
  draft.batches[1] = plans.batch { files = {}, program = draft.program }
  draft.workers, draft.position = 1, true
  return plans.make(draft)
end

function Target:begin(plan)
  published.create(self.run, plan, self.published)
end

function Target:streams(plan, batch)
  local run = self.run
  local function stream(kind, purpose, columns, as_text)
    return { connections = { run:connection(purpose) }, as_text = as_text, copy = tables.copy(staging.name(run, kind),
      { names = columns, position = true, as_text = as_text }) }
  end
  local clean
  if plan.targets.clean then
    clean = stream("clean", "clean1", columns_of.names(plan.clean_columns), batch.program:needs_text())
    clean.position = true
  end
  return { program = batch.program, workers = 1, memory = self.run.settings.memory, clean = clean,
    raw = plan.targets.raw and stream("raw", "raw1", plan.raw_columns) or nil }
end

--- Sources made of the original bytes, in the place of files.
function Target:work(plan)
  local next_source
  next_source, self.reading = sources.each(self.run, plan)
  local wanted = plan.clean_columns or {}
  return {
    files = next_source,
    open = function(one)
      local map, rest = header.match(plan.name, one.header, wanted)
      return one.source, { file_id = one.number, clean_map = plan.program and map or nil, raw_map = plan.targets.raw
        and raw_columns.map(map, raw_columns.rest(plan.name, one.header, wanted, rest), plan.raw_columns) or nil }
    end,
    failed = errors.raise,
  }
end

--- Notes what became of each reject, and builds the tables.
function Target:finish(plan, result)
  self.counts = published.build(self.run, plan, self.published)
  cleaning.save(self.run.conn, self.run.id, plan.name, result.cleaning)
end

return M
