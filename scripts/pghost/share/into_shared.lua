-- The target of a load that several loaders share: as into_build.lua, but files are taken from pghost.work.
--
-- Every attempt at a file has a _file_id of its own. Its COPYs begin only while its lease is its own, which is seen
-- with the tables locked; what it has committed counts once pghost.work says so. The holder of the run waits until all
-- files are loaded, and then deletes what attempts have left that do not count: with the tables locked against COPY, so
-- nothing can follow.

local connection = require "pghost.connection"
local cleaning = require "pghost.load.cleaning"
local errors = require "pghost.lib.errors"
local file_records = require "pghost.load.file_records"
local kept = require "pghost.load.kept"
local lists = require "pghost.lib.lists"
local recordable = require "pghost.run.recordable"
local retry = require "pghost.run.retry"
local sys = require "pghost.native.sys"
local work = require "pghost.share.work"

local M = {}

---@class pghost.share.Target: pghost.load.IntoBuild
---@field load pghost.share.Load
---@field owner string
---@field item? pghost.share.Item that is being loaded
---@field extended? number when its lease was
---@field rejects? pghost.Connection
---@field reading? pghost.FileResult of the item
---@field check_read? fun(file: pghost.PlannedFile, counts: pghost.Counts) raises where it is not the file of the holder

-- What a loader does instead of a target of one process.
local methods = {}

local function lost()
  errors.raise("the lease of the file has passed to another loader", "lost_lease")
end

function methods:before(plan, batch, result)
  local ids = file_records.insert(self.run.conn, { run_id = self.run.id, table = plan.name, options = plan.options,
    mode = plan.first and "replace" or plan.mode }, batch.files, { self.item.file_id })
  result:of(batch.files[1]).id = ids[1]
  self.reading = result:of(batch.files[1])
end

-- Locks the tables for all connections, and then sees whether the lease is ours: who closes the load locks them too.
local function begin_guarded(self, plan)
  local names = {}
  for kind, name in pairs { raw = plan.raw_table, clean = plan.clean_table } do
    names[#names + 1] = plan.targets[kind] and self.run:qualified(name) or nil
  end
  for _, conn in ipairs(self.all) do
    conn:query(("LOCK TABLE %s IN ROW EXCLUSIVE MODE"):format(table.concat(names, ", ")))
  end
  if not work.is_mine(self.all[1], self.load, self.item, self.owner) then
    lost()
  end
end

--- One transaction of all connections, also of that for rejects: those of a lost attempt are never seen.
function methods:transaction(fn, plan)
  self:take_connections(plan)
  self.rejects = self.run:connection "rejects"
  self.all[#self.all + 1] = self.rejects
  self.extended = sys.clock()
  connection.transaction_of_all(self.all, function()
    begin_guarded(self, plan)
    fn()
  end)
end

--- Told while files are read: extends the lease. A lost one ends the attempt.
function methods:tick(records, bytes)
  local seconds = self.run.settings.lease
  if sys.clock() - self.extended < seconds / 4 then
    return
  end
  self.extended = sys.clock()
  if not work.extend(self.run.conn, self.load, self.item, self.owner, seconds, bytes, records) then
    lost()
  end
end

--- The rejects up to here are there to be looked at, as in a load of one process.
function methods:stopped(plan, result, message)
  self.rejects:exec "commit"
  self.base.stopped(self, plan, result, message)
end

function methods:loaded(plan, result, totals)
  if self.check_read then
    self.check_read(self.reading.file, self.reading.counts)
  end
  self.counted = totals
  self.base.loaded(self, plan, result, totals)
end

--- Has what is committed count, unless another loader has it by now.
function methods:committed(plan, batch, result)
  local file = result:of(batch.files[1])
  local counts, counted = recordable.value(self.run.conn, { file = file.counts, totals = self.counted }), false
  self.run.conn:transaction(function(conn)
    counted = work.done(conn, self.load, self.item, self.owner, counts)
    if counted then
      kept.keep(conn, plan, { file })
      cleaning.save(conn, self.run.id, plan.name, result.cleaning)
    end
  end)
  if not counted then
    file_records.identify(self.run.conn, { file }) -- the holder compares it with what counts
    lost()
  end
end

-- The loop of a loader ---------------------------------------------------------------------------------------

local shortest <const>, longest <const> = 0.05, 1.0 -- seconds between two looks for work

---@class pghost.share.Loader
---@field batch fun(item: pghost.share.Item) loads it
---@field failed fun(item: pghost.share.Item, problem: any) raises what must end the loader
---@field idle? fun(progress: table) nothing is to be had now; true: not to wait for more

--- Loads what is to be had until all files of the load are loaded.
---@param target pghost.share.Target
---@param loader pghost.share.Loader
---@return table progress at the end
function M.loop(target, loader)
  local conn, pause = target.run.conn, shortest
  while true do
    local item = work.take(conn, target.load, target.owner, target.run.settings.lease)
    if item then
      target.item, pause = item, shortest
      local done, problem = pcall(loader.batch, item)
      target.item = nil
      if not done then
        loader.failed(item, problem)
      end
    else
      local progress = work.progress(conn, target.load)
      if progress.open + progress.leased == 0 or loader.idle and loader.idle(progress) then
        return progress
      end
      sys.sleep(pause)
      pause = math.min(pause * 1.5, longest)
    end
  end
end

--- Whether an attempt failed in a way that lets its loader try again: the lease was lost, or a connection for data. A
--- COMMIT of unknown outcome too: what it may have committed is not counted, and deleted.
---@param problem any
---@return boolean
function M.is_transient(problem)
  return errors.is(problem) and (problem.code == "lost_lease" or problem.unsure or retry.is_transient(problem, true))
end

--- Makes a target one that shares its load.
---@param target pghost.load.IntoBuild
---@param load pghost.share.Load
---@param owner string
---@return pghost.share.Target
function M.over(target, load, owner)
  local base = getmetatable(target).__index
  local class = lists.merged(base, methods)
  target.base, target.load, target.owner = base, load, owner
  return setmetatable(target, { __index = class })
end

return M
