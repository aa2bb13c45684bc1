-- Transient errors, and retries after them.
--
-- Four sizes: a connection that a starting server refuses is waited for; a transaction that the server broke off
-- (deadlock, serialization) is retried; a load is retried over new connections (a standalone one here, one of a run by
-- load/attempts.lua); a run that has lost its own connection or its lock is retried by the host, as a new run in a new
-- Lua state. Never retried: what may have been committed (commit.lua finds out), and what was read from a pipe.

local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local metadata = require "pghost.run.schema"
local sys = require "pghost.native.sys"

local M = {}

local transaction_tries = 5

M.retries = 2 -- how often, unless somebody says
M.connect_patience = 30 -- seconds that a server may take to come up

-- SQLSTATEs (PostgreSQL manual, appendix A).
local broken_off = { ["40001"] = true, ["40P01"] = true } -- serialization failure, deadlock
local going_down = { ["57P01"] = true, ["57P02"] = true, ["57P03"] = true } -- 03: starting up or shutting down
local too_many = "53300" -- connections

local function host()
  local found, module = pcall(require, "pghost.native.host")
  return found and module or {}
end

-- What the coordinator of a Citus cluster says, without an SQLSTATE of its own, when it has lost a node; these messages
-- are not translated.
local node_lost <const> = { "connection to the remote node", "connection marked as essential",
  "server closed the connection unexpectedly", "intermediate result file" }

local function is_of_node(problem)
  for _, text in ipairs(problem.code == "XX000" and node_lost or {}) do
    if problem.message:find(text, 1, true) then
      return true
    end
  end
  return false
end

local function is_lost(code)
  return code:find("^08") ~= nil and code ~= "08P01" or going_down[code] or false
end

--- Seconds to wait before try n + 1: twice as long each time, up to `most`, give or take a quarter.
---@param n integer from 1
---@param first number
---@param most number
---@return number
function M.delay(n, first, most)
  return math.min(most, first * 2.0 ^ (n - 1)) * (0.75 + math.random() / 2)
end

-- Which attempt of the script this is, from 1, and the run that failed before it.
---@return integer attempt
---@return integer? run_id
function M.attempt()
  local module = host()
  return module.attempt or 1, module.retry_of
end

--- Whether the host can execute the script again.
---@return boolean
function M.can_start_again()
  return host().can_retry == true
end

--- Whether a run that failed with this error may do better next time. A server that was never
--- reached is not there, rather than restarting.
---@param problem any
---@param reached boolean
function M.is_transient(problem, reached)
  if not errors.is(problem) or problem.unsure then
    return false
  end
  local code = problem.code
  if broken_off[code] or code == too_many or code == "57P03" or code == "changed" then -- what depends on a table
    return true
  end
  return (is_lost(code) or is_of_node(problem)) and (reached or M.attempt() > 1)
end

-- Adds to a transient error why it is not retried.
local function refuse(problem, why)
  problem.final = true
  problem.message = problem.message:gsub("^[^\n]*", function(line)
    return ("%s; not retried: %s"):format(line, why)
  end)
end

--- Marks the error that ends a run: the host executes the script again if it leaves the script. One that has ended the
--- last attempt at a load is final.
---@param run pghost.Run
---@param problem any
function M.mark(run, problem)
  local attempt, most = M.attempt(), run.settings.retries
  if not host().can_retry or attempt > most or not M.is_transient(problem, run.conn ~= nil) or problem.final then
    return
  elseif run.read_once then
    refuse(problem, files.once(run.read_once))
    return
  end
  local wait = M.delay(attempt, 1, 30)
  problem.retry = {
    wait = wait,
    run = run.id,
    say = function()
      run.log:warn("retry", run.name, ("%s; attempt %d of %d in %.1f s"):format(tostring(problem):match "^[^\n]*",
        attempt + 1, most + 1, wait), { attempt = attempt + 1, code = problem.code })
    end,
  }
end

-- Standard output for a run: written at once, or held back; write failures are remembered, because the stream forgets
-- them.
local Output = {}
Output.__index = Output

local function note(self, written, message)
  if not written then
    self.problem = self.problem or message
  end
end

function Output:write(...)
  if self.held then
    table.move({ ... }, 1, select("#", ...), #self.held + 1, self.held)
  else
    note(self, io.stdout:write(...))
  end
  return self
end

function Output:flush()
  if not self.held then
    note(self, io.stdout:flush())
  end
end

--- Where answers are printed: standard output, but kept back until an attempt has succeeded or is the
--- last one, so that they are there once. People at a terminal see them at once.
---@param settings table
---@return file*
function M.output(settings)
  if sys.is_tty(1) then
    return io.stdout
  end
  local at_once = not host().can_retry or settings.retries == 0
  return setmetatable({ held = not at_once and {} or nil }, Output)
end

--- Prints what was kept back, unless the run is retried.
---@param run pghost.Run
---@param problem? any
---@return string? message why not all of the output could be written
function M.release_output(run, problem)
  local out = run.out
  if getmetatable(out) ~= Output or errors.is(problem) and problem.retry then
    return nil
  end
  local held = out.held
  out.held = nil
  out:write(table.concat(held or {}))
  out:flush()
  return out.problem
end

local function is_coming_up(problem)
  if not errors.is(problem) then
    return false
  end
  return problem.code == "57P03" or (M.attempt() > 1 and (is_lost(problem.code) or problem.code == too_many))
end

--- Connects; waits for a server that is starting, also for one that an earlier attempt lost.
---@param run pghost.Run
---@param lost? boolean the server was there a moment ago
---@return pghost.Connection
function M.connect(run, lost)
  local deadline = sys.clock() + (run.settings.retries > 0 and M.connect_patience or 0)
  for n = 1, math.huge do
    local open, result = pcall(connection.open, { dsn = run.dsn })
    if open then
      local conn = result
      open, result = pcall(conn.stay, conn)
      if open then
        return conn
      end
      conn:close()
      lost = true -- it was there
    end
    if sys.clock() >= deadline or not (is_coming_up(result)
      or lost and errors.is(result) and M.is_transient(result, true)) then
      error(result, 0)
    elseif n == 1 then
      run.log:warn("connect", run.name, ("%s; waiting up to %d s for it"):format(tostring(result), M.connect_patience))
    end
    sys.sleep(M.delay(n, 0.25, 3))
  end
end

--- Calls fn(conn) with the run's control connection, and again when the server broke off the
--- transaction that it is (deadlock, serialization failure). Within a transaction it is called once.
---@generic T
---@param run pghost.Run
---@param fn fun(conn: pghost.Connection): T... one transaction, without effects outside of it
---@return T...
function M.repeated(run, fn)
  local conn = run.conn
  if conn:status() ~= "idle" or run.settings.retries == 0 then
    return fn(conn)
  end
  for n = 1, transaction_tries do
    local results = table.pack(pcall(fn, conn))
    if results[1] then
      return table.unpack(results, 2, results.n)
    end
    local problem = results[2]
    if n == transaction_tries or not (errors.is(problem) and broken_off[problem.code]) then
      error(problem, 0)
    end
    run.log:warn("retry", run.name, ("%s; rolled back, retrying"):format(tostring(problem)), { code = problem.code })
    sys.sleep(M.delay(n, 0.1, 2))
  end
end

--- Runs fn(conn) in a transaction of the run's control connection, and again when the server broke
--- it off. Inside of another one it is a savepoint, and not repeated.
---@generic T
---@param run pghost.Run
---@param fn fun(conn: pghost.Connection): T... without effects outside of the transaction
---@return T...
function M.transaction(run, fn)
  return M.repeated(run, function(conn)
    return conn:transaction(fn)
  end)
end

-- A load by itself -------------------------------------------------------------------------------------

---@class pghost.retry.Options
---@field retries? integer attempts after the first one
---@field dsn? string
---@field name string of what is loaded
---@field say pghost.load.Say
---@field reached? boolean the server was there
---@field can_retry? fun(): boolean asked after a transient error; false: somebody else retries what this is a part of

---@class pghost.retry.Session what the attempts at one load share
---@field attempt integer from 1
---@field reached boolean the server was there
---@field can_retry? fun(): boolean
---@field why_not? string why there can be no other attempt: "standard input can be read only once"
---@field settings { retries: integer }
---@field dsn? string
---@field name string
---@field log table
---@field say pghost.load.Say
local Session = {}
Session.__index = Session

local function new_session(options)
  local log = {
    warn = function(_, kind, _, text)
      options.say("warn", kind, text)
    end,
  }
  return setmetatable({ attempt = 1, reached = options.reached or false, can_retry = options.can_retry,
    settings = { retries = options.retries or M.retries }, dsn = options.dsn, name = options.name, log = log,
    say = options.say }, Session)
end

-- A standby may be promoted; through a pooler a missing server only shows with the first query.
local function may_come(problem)
  return errors.is(problem) and problem.standby or M.is_transient(problem, true)
end

--- A connection to a server that can be written to. Waits for one that starts up; where it was
--- there before also for one that restarts, and for a standby until it is promoted.
---@return pghost.Connection
function Session:connect()
  local there_before = self.reached
  local deadline = sys.clock() + (there_before and self.settings.retries > 0 and M.connect_patience or 0)
  for n = 1, math.huge do
    local conn = M.connect(self, there_before)
    self.reached = true
    local good, problem = pcall(metadata.require_writable, conn)
    if good then
      return conn
    end
    conn:close()
    if not may_come(problem) or sys.clock() >= deadline then
      error(problem, 0)
    end
    sys.sleep(M.delay(n, 0.25, 3))
  end
end

--- There is no other attempt any more: what was read or written cannot be so twice.
---@param why string
function Session:never_again(why)
  self.why_not = self.why_not or why
end

local function first_line(problem)
  return tostring(problem):match "^[^\n]*"
end

-- Raises the problem if it must not be retried.
local function consider(session, problem)
  local most = session.settings.retries
  if most == 0 or not M.is_transient(problem, session.reached) or session.can_retry and not session.can_retry() then
    error(problem, 0)
  elseif session.why_not then
    refuse(problem, session.why_not)
    error(problem, 0)
  elseif session.attempt > most then
    problem.final = true
    error(problem, 0)
  end
end

--- Calls fn(session) until it succeeds, fails for what is not a transient error, or has failed too often.
---@generic T
---@param options pghost.retry.Options
---@param fn fun(session: pghost.retry.Session): T...
---@return T...
function M.attempts(options, fn)
  local session = new_session(options)
  while true do
    local results = table.pack(pcall(fn, session))
    if results[1] then
      return table.unpack(results, 2, results.n)
    end
    local problem = results[2]
    consider(session, problem)
    local wait = M.delay(session.attempt, 1, 30)
    session.attempt = session.attempt + 1
    options.say("warn", "retry", ("%s; attempt %d of %d in %.1f s"):format(first_line(problem), session.attempt,
      session.settings.retries + 1, wait))
    sys.sleep(wait)
  end
end

return M
