-- Whether a transaction was committed when the answer to its COMMIT is lost: asked of the server, never guessed. For a
-- run its row shows it; for a standalone load the state of its transaction.
--
-- Before the COMMIT, the transaction's id is saved with something that identifies this life of the server. With these
-- the server can be asked later. In another life (after a crash, or on a standby that was promoted) an id that was lost
-- may have been given to somebody else: there "committed" counts only where the table holds what was loaded under that
-- id.

local errors = require "pghost.lib.errors"
local history = require "pghost.run.history"
local retry = require "pghost.run.retry"
local sys = require "pghost.native.sys"

local M = {}

M.patience = 60 -- seconds that a COMMIT which is still under way is waited for

local not_yet_given = "22023" -- "transaction ID ... is in the future" (invalid_parameter_value)

-- Processes of the server itself are restarted after a crash, even where the postmaster survives.
local life_columns = [[
  pg_catalog.pg_postmaster_start_time()::text AS started,
  (SELECT pg_catalog.string_agg(pid::text, ' ') FROM pg_catalog.pg_stat_get_activity(NULL)
    WHERE datid IS NULL AND usesysid IS NULL)
    AS processes]]

---@class pghost.commit.Ticket
---@field id string of the transaction (xid8)
---@field started string
---@field processes? string
---@field cluster? integer the server's system identifier, where the role may see it

-- Servers before PostgreSQL 13, and what is like PostgreSQL, may have no such functions.
local function can_ask(conn)
  return conn:query([[
    SELECT pg_catalog.to_regproc('pg_catalog.pg_current_xact_id') IS NOT NULL
        AND pg_catalog.to_regproc('pg_catalog.pg_xact_status') IS NOT NULL AS known,
      pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS named]])[1]
end

local function cluster_of(conn)
  return conn:query("SELECT system_identifier AS id FROM pg_catalog.pg_control_system()")[1].id
end

local function take_ticket(conn)
  local can = can_ask(conn)
  if not can.known then
    return nil
  end
  local cluster = can.named and "(SELECT system_identifier FROM pg_catalog.pg_control_system())" or "NULL"
  local row = conn:query(("SELECT pg_catalog.pg_current_xact_id()::text AS id, %s AS cluster, %s"):format(cluster,
    life_columns))[1]
  return { id = row.id, started = row.started, processes = row.processes, cluster = row.cluster }
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
  local good, result = pcall(conn.query, conn, "SELECT pg_catalog.pg_xact_status($1::xid8) AS status", id)
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
    return nil, "the server no longer knows its outcome"
  elseif status == "in progress" or same_life(conn, ticket) then
    return status
  elseif not ticket.cluster or cluster_of(conn) ~= ticket.cluster then
    return nil, "another server answers"
  elseif status == "committed" and not proof(conn, ticket.id) then
    return nil, "the server was restarted or replaced"
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

-- Asks until it is decided or the time is up.
local function outcome(session, ticket, proof)
  local deadline = sys.clock() + M.patience
  for n = 1, math.huge do
    local status, why, problem = ask_once(session, ticket, proof)
    local transient = errors.is(problem) and retry.is_transient(problem, true) and session.settings.retries > 0
    if (status and status ~= "in progress") or not (status or transient) then
      return status, why
    elseif sys.clock() >= deadline then
      return nil, status and "the server has not finished it" or why
    end
    sys.sleep(retry.delay(n, 0.1, 2))
  end
end

---@class pghost.commit.Unknown what is said where nobody knows
---@field what string "whether the load was committed"
---@field advice string what to look at then
---@field say fun(text: string)

--- Settles what became of a COMMIT whose answer was lost: returns where it was done, and raises the problem where it
--- was not. Where nobody knows it raises an error with `unsure` set and exit code 3.
---@param problem pghost.Error by which the answer was lost
---@param state fun(): "committed"|"aborted"|nil, string?, pghost.Connection? the state, else why it is not known
---@param unknown pghost.commit.Unknown
---@return pghost.Connection? conn over which it was asked, where that is still open
function M.settle(problem, state, unknown)
  local line = tostring(problem):match "^[^\n]*"
  local status, why, conn = state()
  if status == "aborted" then
    error(problem, 0)
  elseif status ~= "committed" then
    local text = ("%s; %s is not known (%s): %s"):format(line, unknown.what, why, unknown.advice)
    if sys.interrupted() then
      unknown.say(text) -- the host says "interrupted", and nothing else
    end
    errors.raise(text, errors.is(problem) and problem.code or nil, { exit = 3, unsure = true })
  end
  unknown.say(line .. "; the server has committed")
  return conn
end

--- Asks for the row of a run: the transaction that publishes changes it, so it is locked until that is decided.
---@param run pghost.Run
---@return fun(): "committed"|"aborted"|nil, string?, pghost.Connection? ask for settle
function M.by_run(run)
  return function()
    local good, conn = pcall(retry.connect, run, true)
    if not good then
      return nil, "nobody can be asked"
    end
    local known, published = pcall(history.was_published, conn, run.id)
    if known and published then
      return "committed", nil, conn
    end
    conn:close()
    return known and "aborted" or nil, tostring(published):match "^[^\n]*"
  end
end

-- Asks for the state of a transaction by its id. A load by itself has no row, and its role may be allowed to insert
-- and nothing else.
local function by_transaction(session, ticket, proof)
  return function()
    if not ticket then
      return nil, "this server cannot be asked"
    end
    return outcome(session, ticket, proof)
  end
end

--- Runs fn() in a transaction. Raises where it was not committed; with `unsure` set and exit code 3
--- where that is not known.
---@generic T
---@param session pghost.retry.Session
---@param conn pghost.Connection
---@param describe fun(): pghost.commit.Unknown, fun(conn: pghost.Connection, id: string): boolean and whether all that
--- was written is there, under that id
---@param fn fun(): T
---@param committed? fun() called as soon as that is known
---@return T
function M.transaction(session, conn, describe, fn, committed)
  local result, ticket
  local sent = false
  local good, problem = pcall(conn.transaction, conn, function()
    result = fn()
    ticket = take_ticket(conn)
    sent = true
  end, committed)
  if good then
    return result
  elseif not (sent and conn:status() == "lost" and errors.is(problem)) then
    error(problem, 0)
  end
  local unknown, proof = describe()
  unknown.say = function(text)
    session.say("warn", "commit", text)
  end
  M.settle(problem, by_transaction(session, ticket, proof), unknown)
  if committed then
    committed()
  end
  return result
end

return M
