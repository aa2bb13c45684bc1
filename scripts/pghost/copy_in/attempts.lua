-- A load that failed for what may pass is done again, as a whole: another connection, another
-- transaction, the files from their start. As for pipelines (again.lua), but within one Lua state.

local again = require "pghost.run.retry"
local errors = require "pghost.lib.errors"
local metadata = require "pghost.run.schema"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.copy_in.Session what the attempts at one load share; a run, as far as again.lua needs one
---@field attempt integer from 1
---@field reached boolean the server was there
---@field once? string why there can be no other attempt: "standard input can be read only once"
---@field settings { retries: integer }
---@field dsn? string
---@field name string
---@field log table
---@field say fun(text: string, level?: string)
local Session = {}
Session.__index = Session

local function new_session(options)
  local log = {
    warn = function(_, _, _, text)
      options.say(text, "warn")
    end,
  }
  return setmetatable({ attempt = 1, reached = false, settings = { retries = options.retries or again.retries },
    dsn = options.dsn, name = options.into, log = log, say = options.say }, Session)
end

-- A standby may be promoted; behind a pooler a server that is not there is found out with the first query.
local function may_come(problem)
  return errors.is(problem) and problem.standby or again.may_pass(problem, true)
end

--- A connection to a server that can be written to. Waits for one that starts up; where it was
--- there before also for one that restarts, and for a standby until it is promoted.
---@return pghost.Connection
function Session:connect()
  local again_there = self.reached
  local deadline = sys.clock() + (again_there and self.settings.retries > 0 and again.connect_patience or 0)
  for n = 1, math.huge do
    local conn = again.connect(self, again_there)
    self.reached = true
    local good, problem = pcall(metadata.require_writable, conn)
    if good then
      return conn
    end
    conn:close()
    if not may_come(problem) or sys.clock() >= deadline then
      error(problem, 0)
    end
    sys.sleep(again.delay(n, 0.25, 3))
  end
end

local function first_line(problem)
  return tostring(problem):match "^[^\n]*"
end

-- Raises the problem where there is to be no other attempt.
local function consider(session, problem)
  local most = session.settings.retries
  if most == 0 or not again.may_pass(problem, session.reached) then
    error(problem, 0)
  elseif session.once then
    problem.message = problem.message:gsub("^[^\n]*", function(line)
      return ("%s; not tried again: %s"):format(line, session.once)
    end)
    error(problem, 0)
  elseif session.attempt > most then
    error(problem, 0)
  end
end

--- Calls fn(session) until it succeeds, fails for what does not pass, or has failed too often.
---@generic T
---@param options pghost.copy_in.Options
---@param fn fun(session: pghost.copy_in.Session): T...
---@return T...
function M.run(options, fn)
  local session = new_session(options)
  while true do
    local results = table.pack(pcall(fn, session))
    if results[1] then
      return table.unpack(results, 2, results.n)
    end
    local problem = results[2]
    consider(session, problem)
    local wait = again.delay(session.attempt, 1, 30)
    session.attempt = session.attempt + 1
    options.say(("%s; attempt %d of %d in %.1f s"):format(first_line(problem), session.attempt,
      session.settings.retries + 1, wait), "warn")
    sys.sleep(wait)
  end
end

return M
