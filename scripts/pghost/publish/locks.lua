-- Takes the locks of the short transaction so that nobody waits long for it.
--
-- A session waiting for an exclusive lock blocks all that come after it. So the wait is bounded: when a table cannot be
-- locked within some milliseconds, all locks are released, readers proceed, and a retry follows a little later.

local errors = require "pghost.lib.errors"
local sys = require "pghost.native.sys"

local M = {}

local lock_not_available = "55P03" -- SQLSTATE

local function sleep(seconds)
  sys.sleep(seconds)
  if sys.interrupted() then
    errors.raise("interrupted", "interrupted")
  end
end

local holder_query = [[
SELECT l.pid, coalesce(a.usename::text, '?') AS role, coalesce(nullif(a.application_name, ''), '?') AS application,
  to_char(coalesce(a.xact_start, p.prepared), 'YYYY-MM-DD HH24:MI:SS TZ') AS since,
  l.relation::regclass::text AS relation, quote_literal(p.gid) AS gid, p.owner::text AS owner
FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
LEFT JOIN pg_locks AS x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid'
  AND x.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_prepared_xacts AS p ON p.transaction = x.transactionid
WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.relation = ANY ($1::oid[])
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY coalesce(a.xact_start, p.prepared) LIMIT 1]]

local function described(holder)
  if holder.gid then
    return ("the prepared transaction %s of '%s' since %s"):format(holder.gid, holder.owner, holder.since)
  end
  return ("process %d of '%s' (%s)%s"):format(holder.pid, holder.role, holder.application,
    holder.since and " since " .. holder.since or "")
end

--- Who holds a lock on one of these tables, in words; nil: nobody that can be seen.
---@param conn pghost.Connection with the search_path pg_catalog
---@param oids string array literal
---@return string?
function M.holder(conn, oids)
  conn:query("SELECT pg_stat_clear_snapshot()")
  local found = conn:query(holder_query, oids)[1]
  return found and described(found)
end

--- Raises that one of these tables could not be locked, and who has it.
---@param conn pghost.Connection
---@param oids string array literal
---@param seconds number that it was waited for
function M.raise_busy(conn, oids, seconds)
  conn:query("SELECT pg_stat_clear_snapshot()")
  local holder = conn:query(holder_query, oids)[1]
  local remedy = holder and holder.gid and ("rollback prepared %s, or commit it"):format(holder.gid)
    or "end that"
  errors.raise(("cannot publish: %s is in use and could not be locked in %g s%s; %s, or raise lock_wait"):format(
    holder and "'" .. holder.relation .. "'" or "a table", seconds, holder and ", by " .. described(holder) or "",
    remedy), lock_not_available)
end

--- Sets how long a statement of this transaction may wait for a lock.
---@param conn pghost.Connection
---@param milliseconds number
function M.limit(conn, milliseconds)
  conn:query("SELECT set_config('lock_timeout', $1, true)", ("%dms"):format(math.max(1, math.floor(milliseconds))))
end

--- Bounds what each statement of this transaction may take: lock_timeout does not reach the nodes of a cluster.
---@param conn pghost.Connection
---@param milliseconds number
function M.limit_nodes(conn, milliseconds)
  conn:query("SELECT set_config('statement_timeout', $1, true)", ("%dms"):format(math.max(1, milliseconds // 1)))
end

--- Locks tables one after the other, all within `milliseconds`.
---@param conn pghost.Connection
---@param names string[] quoted
---@param mode string SQL
---@param milliseconds number
function M.take(conn, names, mode, milliseconds)
  local started = sys.clock()
  for _, name in ipairs(names) do
    local left = math.max(1, math.floor(milliseconds - (sys.clock() - started) * 1000))
    conn:exec(("SET LOCAL lock_timeout = '%dms'; LOCK TABLE %s IN %s MODE"):format(left, name, mode))
  end
end

---@class pghost.publish.LockOptions
---@field lock_wait? number seconds to keep trying (default: 60)
---@field lock_budget? number milliseconds that one try may hold up readers while it waits, 50 unless given

--- Runs fn() in a savepoint until its locks can be had.
---@param conn pghost.Connection
---@param options pghost.publish.LockOptions
---@param oids string array literal of what is locked, to name who holds it
---@param fn fun()
function M.try(conn, options, oids, fn)
  local started, pause, wait = sys.clock(), 0.02, options.lock_wait or 60
  while true do
    local ok, problem = pcall(conn.transaction, conn, fn)
    if ok then
      return
    elseif not (errors.is(problem) and problem.code == lock_not_available) then
      error(problem, 0)
    elseif sys.clock() - started >= wait then
      M.raise_busy(conn, oids, wait)
    end
    sleep(pause)
    pause = math.min(pause * 1.5, 0.5)
  end
end

local snapshot_query = [[
SELECT pid, coalesce(usename::text, '?') AS role, coalesce(nullif(application_name, ''), '?') AS application,
  to_char(xact_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS since
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND backend_xmin IS NOT NULL AND backend_xid IS NULL AND xact_start < $1::timestamptz
ORDER BY xact_start LIMIT 1]]

--- Waits until no transaction is left that looks at the database as it was before `built`: it would
--- find the new tables empty, since their records are too young for it. Only sessions whose
--- snapshots this role may see are waited for (its own; all with pg_read_all_stats), and none that
--- write: a load takes long and reads nothing.
---@param conn pghost.Connection
---@param options pghost.publish.LockOptions
---@param built string timestamp
function M.wait_for_snapshots(conn, options, built)
  local started, wait = sys.clock(), options.lock_wait or 60
  while true do
    conn:query("SELECT pg_stat_clear_snapshot()")
    local holder = conn:query(snapshot_query, built)[1]
    if not holder then
      return
    elseif sys.clock() - started >= wait then
      errors.raise(("cannot publish: %s has a snapshot from before the tables were built and would find them empty; "
        .. "end that, or raise lock_wait"):format(described(holder)), lock_not_available)
    end
    sleep(0.05)
  end
end

return M
