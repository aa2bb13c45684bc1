-- Statements of a run side by side: tasks that do not need each other, each over a connection of its own.
--
-- A task is a function over a view of the run whose control connection is a lane: SQL written for the one works on the
-- other. While a lane waits for the server, other tasks run; Lua stays on one thread. The outcome is that of running
-- the tasks in order: the first error in that order is raised, and later tasks count for nothing.
--
-- Nothing may depend on the session: a lane is used only if its session looks like that of the control connection.

local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"
local native = require "pghost.native.conn"
local sys = require "pghost.native.sys"

local M = {}

local most <const> = 8 -- connections, unless the setting `workers` says how many

---@class pghost.Lane: pghost.Connection a connection whose statements let other tasks run
local Lane = setmetatable({}, { __index = connection.methods })
Lane.__index = Lane

function Lane:query(text, ...)
  local sent, message, code = self.native:send(text, ...)
  local result
  if sent then
    coroutine.yield(self)
    result, message, code = self.native:receive()
  end
  if not result then
    errors.raise(message, code, { statement = text })
  end
  return result
end

-- As the native one, which cannot yield.
function Lane:transaction(fn)
  local nested = self:status() ~= "idle"
  self:query(nested and "savepoint pghost" or "begin")
  local results = table.pack(pcall(fn, self))
  if results[1] and self:status() == "failed" then
    results = { false, errors.new { message = "the transaction is rolled back: a statement in it had failed",
      code = "25P02" } }
  end
  if results[1] then
    self:query(nested and "release savepoint pghost" or "commit")
    return table.unpack(results, 2, results.n)
  end
  self.native:exec(nested and "rollback to savepoint pghost; release savepoint pghost" or "rollback")
  error(results[2], 0)
end

-- What a statement can see of its session. Temporary tables have no equal elsewhere.
local session_query <const> = [[
  SELECT pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.=) 0 AS bare,
    pg_catalog.concat_ws(' ', current_user, session_user, (
      SELECT pg_catalog.string_agg(pg_catalog.concat_ws('=', s.name, s.setting), ' ' ORDER BY s.name)
      FROM pg_catalog.pg_settings AS s WHERE s.source OPERATOR(pg_catalog.=) 'session')) AS state]]

local function session(conn)
  local row = conn:query(session_query)[1]
  return row.bare and row.state
end

-- The connections of the run that have nothing to do, then new ones; a server that has no room for more gets along
-- with fewer.
local function others(run, count)
  local purposes, list = {}, {}
  for purpose, conn in pairs(run.connections) do
    if conn:status() == "idle" then
      purposes[#purposes + 1] = purpose
    end
  end
  table.sort(purposes)
  for i = 1, count do
    local opened, conn = pcall(run.connection, run, purposes[i] or "lane" .. i)
    if not opened then
      if errors.is(conn) and conn.code == "interrupted" then
        error(conn, 0)
      end
      break
    end
    list[i] = conn
  end
  return list
end

--- How many tasks may run at once. A cluster has one statement use all its nodes already.
---@param run pghost.Run
---@return integer
function M.bound(run)
  if run.cluster or run.conn:status() ~= "idle" then
    return 1
  end
  return run.settings.workers or math.max(1, math.min(sys.processors(), most))
end

--- The connections for so many tasks, the control connection among them.
---@param run pghost.Run
---@param count integer
---@return pghost.Connection[]
local function connections(run, count)
  local list, own = { run.conn }, nil
  count = math.min(count, M.bound(run))
  if count > 1 then
    own = session(run.conn)
  end
  for _, conn in ipairs(own and others(run, count - 1) or {}) do
    if session(conn) == own then
      list[#list + 1] = conn
    end
  end
  return list
end

--- Whether tasks of this run would have more than one connection.
---@param run pghost.Run
---@return boolean
function M.several(run)
  return #connections(run, 2) > 1
end

---@class pghost.lanes.Task
---@field call fun(view: pghost.Run): any
---@field needs? table<integer, true> numbers of tasks that must be done before; all of them lower

---@class pghost.lanes.Crew
---@field run pghost.Run
---@field tasks pghost.lanes.Task[]
---@field free pghost.Lane[]
---@field busy pghost.Lane[] those with a statement under way
---@field results table<integer, any>
---@field done table<integer, true>
---@field started table<integer, true>
---@field failed? integer the first task in order that has failed
---@field problem? any
local Crew = {}
Crew.__index = Crew

local function view_of(run, lane)
  return setmetatable({ conn = lane }, { __index = run, __newindex = function(_, name)
    error(("a task must not set '%s' of the run"):format(name), 2)
  end })
end

local function drop(self, keep)
  for i = #self.busy, 1, -1 do
    local lane = self.busy[i]
    if not keep or lane.task > keep then
      table.remove(self.busy, i)
      lane.native:abandon()
      coroutine.close(lane.thread)
      self.free[#self.free + 1] = lane
    end
  end
end

-- Runs the task of a lane until its next statement is under way, or its end.
function Crew:continue(lane, ...)
  local good, result = coroutine.resume(lane.thread, ...)
  if good and coroutine.status(lane.thread) == "suspended" then
    self.busy[#self.busy + 1] = lane
    return
  end
  self.free[#self.free + 1] = lane
  self.done[lane.task] = true
  if good then
    self.results[lane.task] = result
  elseif not self.failed or lane.task < self.failed then
    self.failed, self.problem = lane.task, result
    drop(self, lane.task)
  end
end

function Crew:next_task()
  for i, task in ipairs(self.tasks) do
    if self.failed and i > self.failed then
      return nil
    end
    local ready = not self.started[i]
    for needed in pairs(task.needs or {}) do
      ready = ready and self.done[needed]
    end
    if ready then
      return i
    end
  end
end

function Crew:fill_lanes()
  local number = #self.free > 0 and self:next_task()
  while number do
    local lane = table.remove(self.free)
    self.started[number] = true
    lane.task, lane.thread = number, coroutine.create(self.tasks[number].call)
    self:continue(lane, view_of(self.run, lane))
    number = #self.free > 0 and self:next_task()
  end
end

function Crew:wait()
  local natives = {}
  for i, lane in ipairs(self.busy) do
    natives[i] = lane.native
  end
  self:continue(table.remove(self.busy, (errors.check(native.ready(natives)))))
end

-- Tells of the tasks before the first one that failed.
local function report(crew, done)
  for i = 1, (crew.failed or #crew.tasks + 1) - 1 do
    done(i, crew.results[i])
  end
end

--- Runs tasks side by side, then calls done for each in order; raises the first error in order, after those before it.
---@param run pghost.Run with no transaction open
---@param tasks pghost.lanes.Task[]
---@param done fun(number: integer, result: any)
function M.run(run, tasks, done)
  local crew = setmetatable({ run = run, tasks = tasks, free = {}, busy = {}, results = {}, done = {}, started = {} },
    Crew)
  for i, conn in ipairs(connections(run, #tasks)) do
    crew.free[i] = setmetatable({ native = conn.native, description = conn.description, origin = conn.origin }, Lane)
  end
  local _ <close> = setmetatable({}, { __close = function()
    drop(crew)
  end })
  crew:fill_lanes()
  while #crew.busy > 0 do
    crew:wait()
    crew:fill_lanes()
  end
  report(crew, done)
  if crew.failed then
    error(crew.problem, 0)
  end
end

return M
