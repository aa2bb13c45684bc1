-- The lock of a pipeline and its target schema: one run at a time, across all machines.
--
-- A transaction-level advisory lock on a separate connection, whose transaction stays open until the run ends. The
-- server releases it when that connection ends, however it ends. A session lock would not do: a pooler in transaction
-- mode gives each transaction another session, and keeps the session with its lock when we are gone. The transaction
-- does not hold back vacuum: idle in READ COMMITTED, without an open portal, it has neither a snapshot nor a
-- transaction id.

local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"

local M = {}

---@class pghost.Lock
---@field conn pghost.Connection
---@field process integer backend that holds it
local Lock = {}
Lock.__index = Lock

-- One bigint of the server's own hash.
local key = "pg_catalog.hashtextextended(pg_catalog.concat('pghost:', $1::text, ':', $2::text), 0)"

-- A transaction that only we end: settings of the role or the database may limit them.
local function begin(conn)
  conn:exec "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
  conn:query [[
    SELECT pg_catalog.set_config(name, '0', true)
    FROM pg_catalog.unnest(ARRAY['idle_in_transaction_session_timeout', 'transaction_timeout']) AS name
    WHERE pg_catalog.current_setting(name, true) IS NOT NULL]] -- pg_settings would describe all of them first
end

--- A connection for locks, which hold until it ends.
---@param dsn? string of the same database, as for connection.open
---@return pghost.Lock
function M.open(dsn)
  local self = setmetatable({ conn = connection.open { dsn = dsn } }, Lock)
  local done, problem = pcall(begin, self.conn)
  if not done then
    self.conn:close()
    error(problem, 0)
  end
  return self
end

--- Takes a lock if nobody else has it.
---@param word string pipeline, or what else is locked
---@param target string
---@return boolean got
function Lock:try(word, target)
  local row = self.conn:query(([[
    SELECT pg_catalog.pg_try_advisory_xact_lock(%s) AS got, pg_catalog.pg_backend_pid() AS process]]):format(key),
    word, target)[1]
  self.conn:exec "SELECT 1" -- as a simple query: drops the portal of the last one, and its snapshot with it
  if row.got and not self.process then -- the first is that of the run
    self.process, self.pipeline, self.target = row.process, word, target
  end
  return row.got
end

--- Takes a lock for the rest of the transaction that conn is in, if nobody else has it.
---@param conn pghost.Connection
---@return boolean got
function M.try_here(conn, word, target)
  return conn:query(("SELECT pg_catalog.pg_try_advisory_xact_lock(%s) AS got"):format(key), word, target)[1].got
end

local anybody_query = ([[
WITH wanted AS (SELECT %s AS key)
SELECT EXISTS (
  SELECT 1 FROM pg_catalog.pg_locks, wanted
  WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND classid::bigint = (key >> 32) & 4294967295 AND objid::bigint = key & 4294967295
) AS held]]):format(key)

--- Whether some run of a pipeline and target holds its lock.
---@param conn pghost.Connection
---@param pipeline string
---@param target string
---@return boolean
function M.is_held(conn, pipeline, target)
  return conn:query(anybody_query, pipeline, target)[1].held
end

local held_query = ([[
WITH wanted AS (SELECT %s AS key)
SELECT EXISTS (
  SELECT 1 FROM pg_catalog.pg_locks, wanted
  WHERE locktype = 'advisory' AND pid = $3::int AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND classid::bigint = (key >> 32) & 4294967295 AND objid::bigint = key & 4294967295
) AS held]]):format(key)

--- Raises when the lock is no longer ours.
---@param control pghost.Connection
function Lock:check(control)
  if not control:query(held_query, self.pipeline, self.target, self.process)[1].held then
    errors.raise("the lock of this run is gone: its connection was ended, by the server or by a pooler", "08006")
  end
end

--- Lets go of it, at once where the server can still be told. A second call does nothing.
function Lock:release()
  if self.conn:status() == "transaction" then
    pcall(self.conn.exec, self.conn, "ROLLBACK")
  end
  self.conn:close()
end

return M
