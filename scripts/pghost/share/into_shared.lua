-- The target of a load that several loaders share: as into_build.lua, but files are taken from pghost.work.
--
-- Every attempt at a file has a _file_id of its own; small files are loaded together, and count all or not at all. The
-- COPYs begin only while the leases are ours, which is seen
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
local loads = require "pghost.share.shared_loads"
local work = require "pghost.share.work"

local M = {}

---@class pghost.share.Target: pghost.load.IntoBuild
---@field load pghost.share.Load
---@field owner string
---@field items? pghost.share.Item[] that are being loaded
---@field extended? number when their leases were
---@field rejects? pghost.Connection
---@field reading? pghost.FileResult[] of the items
---@field check_read? fun(file: pghost.PlannedFile, counts: pghost.Counts) raises where it is not the file of the holder

-- What a loader does instead of a target of one process.
local methods = {}

local function lost()
  errors.raise("the lease of the file has passed to another loader", "lost_lease")
end

function methods:before(plan, batch, result)
  local ids = file_records.insert(self.run.conn, { run_id = self.run.id, table = plan.name, options = plan.options,
    mode = plan.first and "replace" or plan.mode }, batch.files, lists.pluck(self.items, "file_id"))
  self.reading = {}
  for i, file in ipairs(batch.files) do
    self.reading[i] = result:of(file)
    self.reading[i].id = ids[i]
  end
end

-- Locks the tables for all connections, and then sees whether the leases are ours: who closes the load locks them too.
local function begin_guarded(self, plan)
  local names = {}
  for kind, name in pairs { raw = plan.raw_table, clean = plan.clean_table } do
    names[#names + 1] = plan.targets[kind] and self.run:qualified(name) or nil
  end
  for _, conn in ipairs(self.all) do
    conn:query(("LOCK TABLE %s IN ROW EXCLUSIVE MODE"):format(table.concat(names, ", ")))
  end
  if not work.are_mine(self.all[1], self.load, self.items, self.owner) then
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

--- Told while files are read: extends the leases. A lost one ends the attempt.
function methods:tick(records, bytes)
  local seconds = self.run.settings.lease
  if sys.clock() - self.extended < seconds / 4 then
    return
  end
  self.extended = sys.clock()
  if not work.extend(self.run.conn, self.load, self.items, self.owner, seconds, bytes, records) then
    lost()
  end
end

--- The rejects up to here are there to be looked at, as in a load of one process.
function methods:stopped(plan, result, message)
  self.rejects:exec "commit"
  self.base.stopped(self, plan, result, message)
end

function methods:loaded(plan, result, totals)
  for _, one in ipairs(self.check_read and self.reading or {}) do
    self.check_read(one.file, one.counts)
  end
  self.counted = totals
  self.base.loaded(self, plan, result, totals)
end

--- Has what is committed count, unless another loader has it by now.
function methods:committed(plan, _, result)
  for i, item in ipairs(self.items) do
    local counts = self.reading[i].counts
    item.counts = recordable.value(self.run.conn, { file = counts, totals = i == 1 and self.counted or nil })
    item.bytes, item.records = counts.bytes, counts.records
  end
  local done, problem = pcall(self.run.conn.transaction, self.run.conn, function(conn)
    if not work.done(conn, self.load, self.items, self.owner) then
      lost()
    end
    kept.keep(conn, self.run.id, plan, self.reading, self.attempt)
    cleaning.save(conn, self.run.id, plan.name, result.cleaning)
  end)
  if done then
    return
  elseif errors.is(problem) and problem.code == "lost_lease" then
    file_records.identify(self.run.conn, self.reading) -- the holder compares it with what counts
  end
  error(problem, 0)
end

-- The loop of a loader ---------------------------------------------------------------------------------------

local shortest <const>, longest <const> = 0.05, 1.0 -- seconds between two looks for work

---@class pghost.share.Loader
---@field batch fun(items: pghost.share.Item[]) loads them together
---@field failed fun(items: pghost.share.Item[], problem: any) raises what must end the loader
---@field idle? fun(progress: table) nothing is to be had now; true: not to wait for more

--- Loads what is to be had until all files of the load are loaded.
---@param target pghost.share.Target
---@param loader pghost.share.Loader
---@return table progress at the end
function M.loop(target, loader)
  local conn, pause, singly = target.run.conn, shortest, 0
  while true do
    local items = work.take(conn, target.load, target.owner, target.run.settings.lease,
      singly > 0 and 1 or work.most_items)
    if #items > 0 then
      target.items, pause, singly = items, shortest, math.max(singly - 1, 0)
      local done, problem = pcall(loader.batch, items)
      target.items = nil
      if not done then
        singly = #items > 1 and #items or singly -- which of them it is shows when each is loaded by itself
        loader.failed(items, problem)
      end
    else
      local progress = loads.progress(conn, target.load)
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

--- Whether an attempt failed because its loader was told to end.
---@param problem any
---@return boolean
function M.is_interrupted(problem)
  return sys.interrupted() or errors.is(problem) and problem.code == "interrupted"
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
