-- The transaction of a load, and whether it was committed when the answer to its COMMIT is lost.
--
-- Before the COMMIT the transaction's id is taken, and what tells this life of the server from
-- another one. Then the server can be asked. In another life (after a crash, or on a standby that was
-- promoted) an id that was lost may have been given to somebody else: there "committed" counts only
-- where the table holds what was loaded under that id.

local again = require "pghost.run.retry"
local errors = require "pghost.lib.errors"
local sys = require "pghost.native.sys"

local M = {}

M.patience = 60 -- seconds that a COMMIT which is still under way is waited for

local not_yet_given = "22023" -- "transaction ID ... is in the future" (invalid_parameter_value)

-- Processes of the server itself are started anew after a crash, also where the postmaster goes on.
local life_columns = [[
  pg_postmaster_start_time()::text AS started,
  (SELECT string_agg(pid::text, ' ') FROM pg_stat_get_activity(NULL) WHERE datid IS NULL AND usesysid IS NULL)
    AS processes]]

---@class pghost.copy_in.Ticket
---@field id string of the transaction (xid8)
---@field started string
---@field processes? string
---@field cluster? integer the server's system identifier, where the role may see it

-- Servers before PostgreSQL 13, and what is like PostgreSQL, may have no such functions.
local function can_ask(conn)
  return conn:query([[
    SELECT to_regproc('pg_catalog.pg_current_xact_id') IS NOT NULL
        AND to_regproc('pg_catalog.pg_xact_status') IS NOT NULL AS known,
      has_function_privilege('pg_control_system()', 'EXECUTE') AS named]])[1]
end

local function cluster_of(conn)
  return conn:query("SELECT system_identifier AS id FROM pg_control_system()")[1].id
end

local function take_ticket(conn)
  local can = can_ask(conn)
  if not can.known then
    return nil
  end
  local row = conn:query("SELECT pg_current_xact_id()::text AS id, " .. life_columns)[1]
  return { id = row.id, started = row.started, processes = row.processes, cluster = can.named and cluster_of(conn) }
end

local function same_life(conn, ticket)
  local now = conn:query("SELECT " .. life_columns)[1]
  if now.started ~= ticket.started then
    return false
  end
  local before = " " .. (ticket.processes or "") .. " "
  for process in (now.processes or ""):gmatch "%d+" do
    if before:find(" " .. process .. " ", 1, true) then
      return true
    end
  end
  return false
end

-- "committed", "aborted", "in progress"; nil: the server does not remember.
local function status_of(conn, id)
  local good, result = pcall(conn.query, conn, "SELECT pg_xact_status($1::xid8) AS status", id)
  if good then
    return result[1].status
  elseif errors.is(result) and result.code == not_yet_given then
    return "aborted" -- lost with what the server had not yet written, or not yet sent to its standby
  end
  error(result, 0)
end

-- What a server says of the ticket: "committed", "aborted", "in progress", or nil and why it is not known.
local function ask(conn, ticket, proof)
  local status = status_of(conn, ticket.id)
  if status == nil then
    return nil, "the server does not remember it"
  elseif status == "in progress" or same_life(conn, ticket) then
    return status
  elseif not ticket.cluster or cluster_of(conn) ~= ticket.cluster then
    return nil, "another server answers"
  elseif status == "committed" and not proof(conn, ticket.id) then
    return nil, "the server was started anew, or another one has taken its place"
  end
  return status
end

-- The same over a new connection; also nil where nobody answers.
local function ask_once(session, ticket, proof)
  local connected, conn = pcall(session.connect, session)
  if not connected then
    return nil, "nobody can be asked", conn
  end
  local _ <close> = conn
  local asked, status, why = pcall(ask, conn, ticket, proof)
  if not asked then
    return nil, tostring(status):match "^[^\n]*", status
  end
  return status, why
end

-- Asks until it is decided, or for as long as there is patience.
local function outcome(session, ticket, proof)
  local deadline = sys.clock() + M.patience
  for n = 1, math.huge do
    local status, why, problem = ask_once(session, ticket, proof)
    local passes = errors.is(problem) and again.may_pass(problem, true) and session.settings.retries > 0
    if (status and status ~= "in progress") or not (status or passes) then
      return status, why
    elseif sys.clock() >= deadline then
      return nil, status and "the server is still at it" or why
    end
    sys.sleep(again.delay(n, 0.1, 2))
  end
end

---@class pghost.copy_in.Commit
---@field what string that is not known otherwise: "whether the load was committed"
---@field advice string what to look at then
---@field proof fun(conn: pghost.Connection, id: string): boolean whether all that was loaded is there, under that id

local function settle(session, ticket, commit, problem)
  local line = tostring(problem):match "^[^\n]*"
  local status, why
  if ticket then
    status, why = outcome(session, ticket, commit.proof)
  else
    why = "this server cannot be asked"
  end
  if status == "aborted" then
    error(problem, 0)
  elseif status ~= "committed" then
    local text = ("%s; %s is not known (%s): %s"):format(line, commit.what, why, commit.advice)
    if sys.interrupted() then
      session.say(text, "warn") -- the host says "interrupted", and nothing else
    end
    errors.raise(text, problem.code, { exit = 3, unsure = true })
  end
  session.say(line .. "; the server has committed", "warn")
end

--- Runs fn() in a transaction. Raises where it was not committed; with `unsure` set and exit code 3
--- where that is not known.
---@generic T
---@param session pghost.copy_in.Session
---@param conn pghost.Connection
---@param describe fun(): pghost.copy_in.Commit
---@param fn fun(): T
---@return T
function M.transaction(session, conn, describe, fn)
  local result, ticket
  local sent = false
  local good, problem = pcall(conn.transaction, conn, function()
    result = fn()
    ticket = take_ticket(conn)
    sent = true
  end)
  if good then
    return result
  end
  if not (sent and conn:status() == "lost" and errors.is(problem)) then
    error(problem, 0)
  end
  settle(session, ticket, describe(), problem)
  return result
end

return M
