-- What a run holds so that it is the only one: its pipeline and target schema, and a build schema that
-- it shares with others, on whatever machine they are.
--
-- Transaction-level advisory locks on a connection of their own, whose transaction stays open until
-- the run ends. The server lets go of them when that connection ends, however it ends. Locks of a
-- session would not do: a pooler in transaction mode gives each transaction another session, and
-- keeps the session with its lock when we are gone. The transaction holds back nothing: idle in
-- READ COMMITTED, without an open portal, it has neither a snapshot nor a transaction id.

local connection = require "pghost.connection"
local errors = require "pghost.errors"

local M = {}

---@class pghost.Lock
---@field conn pghost.Connection
---@field process integer backend that holds it
local Lock = {}
Lock.__index = Lock

-- One bigint of the server's own hash.
local key = "hashtextextended('pghost:' || $1::text || ':' || $2::text, 0)"

-- A transaction that nothing ends but us: settings of the role or the database may limit them.
local function begin(conn)
  conn:exec "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
  conn:query [[
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')]]
end

--- Opens the connection that locks are held on.
---@param dsn? string of the same database, as for connection.open
---@return pghost.Lock
function M.open(dsn)
  local self = setmetatable({ conn = connection.open { dsn = dsn } }, Lock)
  local _ <close> = setmetatable({}, { __close = function(_, problem)
    if problem ~= nil then
      self:release()
    end
  end })
  begin(self.conn)
  self.process = self.conn:query("SELECT pg_backend_pid() AS process")[1].process
  return self
end

--- Takes the lock of two words if nobody has it.
---@param kind string name of a pipeline, ...
---@param name string schema
---@return boolean got
function Lock:try(kind, name)
  local got = self.conn:query(("SELECT pg_try_advisory_xact_lock(%s) AS got"):format(key), kind, name)[1].got
  self.conn:exec "SELECT 1" -- as a simple query: drops the portal of the last one, and its snapshot with it
  return got
end

local held_query = ([[
WITH wanted AS (SELECT %s AS key)
SELECT EXISTS (
  SELECT FROM pg_locks, wanted
  WHERE locktype = 'advisory' AND pid = $3 AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = (key >> 32) & 4294967295 AND objid::bigint = key & 4294967295
) AS held]]):format(key)

--- Raises when the lock is no longer ours.
---@param control pghost.Connection
---@param kind string
---@param name string
function Lock:check(control, kind, name)
  if not control:query(held_query, kind, name, self.process)[1].held then
    errors.raise("the lock of this run is gone: its connection was ended, by the server or by a pooler", "08006")
  end
end

--- Lets go of all, at once where the server can still be told. A second call does nothing.
function Lock:release()
  if self.conn:status() == "transaction" then
    pcall(self.conn.exec, self.conn, "ROLLBACK")
  end
  self.conn:close()
end

--- Whether nobody holds a lock; it is taken for the rest of the transaction that `conn` is in.
---@param conn pghost.Connection
---@param kind string
---@param name string
---@return boolean
function M.try_for_transaction(conn, kind, name)
  return conn:query(("SELECT pg_try_advisory_xact_lock(%s) AS got"):format(key), kind, name)[1].got
end

return M
