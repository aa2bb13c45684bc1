-- The lock of a pipeline and its target schema: one run at a time, on whatever machine it is.
--
-- A transaction-level advisory lock on a connection of its own, whose transaction stays open until
-- the run ends. The server lets go of it when that connection ends, however it ends. A lock of a
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

local function raise_locked(control, pipeline, target)
  local holder = control:query([[
    SELECT run_id, host_user, host_name, process_id, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS TZ') AS since
    FROM pghost.runs WHERE pipeline = $1 AND target_schema = $2 AND state = 'running'
    ORDER BY run_id DESC LIMIT 1]], pipeline, target)[1]
  local who = "another run that has just started"
  if holder then
    who = ("run %d of '%s' on '%s' (process %d) since %s"):format(holder.run_id, holder.host_user or "?",
      holder.host_name or "?", holder.process_id or 0, holder.since)
  end
  errors.raise(("pipeline '%s' into schema '%s' is already running: %s holds the lock; try again when it is done")
    :format(pipeline, target, who), "locked")
end

-- A transaction that nothing ends but us: settings of the role or the database may limit them.
local function begin(conn)
  conn:exec "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
  conn:query [[
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')]]
end

--- Takes the lock; raises, saying who holds it, when another run has it.
---@param control pghost.Connection to ask who it is
---@param dsn? string of the same database, as for connection.open
---@param pipeline string
---@param target string
---@return pghost.Lock
function M.take(control, dsn, pipeline, target)
  local self = setmetatable({ conn = connection.open { dsn = dsn } }, Lock)
  local _ <close> = setmetatable({}, { __close = function(_, problem)
    if problem ~= nil then
      self:release()
    end
  end })
  begin(self.conn)
  local row = self.conn:query(("SELECT pg_try_advisory_xact_lock(%s) AS got, pg_backend_pid() AS process"):format(key),
    pipeline, target)[1]
  if not row.got then
    raise_locked(control, pipeline, target)
  end
  self.conn:exec "SELECT 1" -- as a simple query: drops the portal of the last one, and its snapshot with it
  self.process, self.pipeline, self.target = row.process, pipeline, target
  return self
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
