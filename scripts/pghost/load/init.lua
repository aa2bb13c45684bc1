-- A load: puts files, or other sources, into a target, and rejects into a sink.
--
-- A *target* is a place for records: tables of a run (into_build.lua), or one table that exists or is made
-- (into_table.lua), or those of a replay. It plans, owns the transactions, and finishes. A *sink* takes rejects: the
-- table pghost.rejects, or a file (sinks.lua). The path of records from file to COPY is the same for all.

local engine = require "pghost.load.engine"
local header = require "pghost.load.header"
local inputs = require "pghost.load.inputs"
local log = require "pghost.lib.log"
local results = require "pghost.load.result"

local M = {}

---@class pghost.load.Sink
---@field stream fun(): pghost.RejectsOptions where the engine writes rejects to

local function label(plan, files)
  return plan.name .. " " .. (#files == 1 and files[1].name or log.counted(#files, "file"))
end

-- How the engine opens the files of a batch. A source that is not a file describes itself.
local function work_of(target, plan, batch, result)
  return {
    files = batch.files,
    label = #batch.files > 0 and label(plan, batch.files) or nil,
    progress = target.progress,
    open = function(file)
      local source = inputs.open(file)
      header.check_same(file, source)
      if target.undigested then
        source:leave_digest()
      end
      return source, { file_id = result:of(file).id, raw_map = file.raw_map, expected_bytes = file.size,
        clean_map = plan.targets.clean and file.clean_map or nil, rejects = target.budget:of_file() }
    end,
    done = function(file, counts)
      result:of(file).counts = counts
      target:done(plan, result:of(file))
    end,
    name_of = function(id)
      return plan.files[id] and plan.files[id].name
    end,
    stopped = function(message)
      target:stopped(plan, result, message)
    end,
    failed = function(message, code)
      target:failed(plan, batch, message, code)
    end,
    tick = target.tick and function(records, bytes)
      target:tick(records, bytes)
    end or nil,
  }
end

--- Loads the files of one COPY.
---@param target pghost.load.Target
---@param sink pghost.load.Sink
---@param plan pghost.Plan
---@param result pghost.Result
---@param batch pghost.Batch
function M.batch(target, sink, plan, result, batch)
  target:before(plan, batch, result)
  local totals
  target:transaction(function()
    local streams = target:streams(plan, batch)
    streams.rejects = target.budget:enforce(sink.stream(), batch.files, result.totals.rejected, #plan.batches == 1)
    totals, result.cleaning = engine.run(streams, target:work(plan, batch) or work_of(target, plan, batch, result))
    if target.loaded then
      target:loaded(plan, result, totals)
    end
    target:filled(plan, result)
  end, plan, batch, result)
  result:add(totals) -- of the attempt that succeeded
  target:committed(plan, batch, result)
end

local function each_batch(_, plan, _, load_batch)
  for _, batch in ipairs(plan.batches) do
    load_batch(batch)
  end
end

--- Loads. Raises what does not fit before anything is loaded, and the first failure afterwards.
---@param target pghost.load.Target
---@param sink pghost.load.Sink
---@param files any what the target takes: a path, glob, folder or list of them
---@param rules? pghost.Rules
---@param options pghost.LoadOptions
---@return pghost.Result
---@return pghost.Plan
function M.run(target, sink, files, rules, options)
  local plan = target:plan(files, rules, options)
  local result = results.new(plan)
  if target.planned then
    target.planned(plan)
  end
  target:begin(plan, result)
  local each = target.each or each_batch
  each(target, plan, result, function(batch)
    M.batch(target, sink, plan, result, batch)
  end)
  target:finish(plan, result)
  return result, plan
end

return M
