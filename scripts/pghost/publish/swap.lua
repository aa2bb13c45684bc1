-- Makes built tables visible: puts them in place of the published ones, with everything that depends on those.
--
-- Two steps. prepare() carries over to the built tables what takes time (indexes, constraints, foreign keys,
-- materialized views with their data), while readers continue. swap() then takes the locks, checks that nothing has
-- changed since, drops the old tables and moves the new ones: some milliseconds, in the caller's transaction, so that
-- everything becomes visible at once, or nothing. docs/PUBLISHING.md says what survives, what is refused, and which
-- rights it takes.

local as_built = require "pghost.publish.as_built"
local dependents = require "pghost.publish.dependents"
local errors = require "pghost.lib.errors"
local exchange = require "pghost.publish.exchange"
local locks = require "pghost.publish.locks"
local partitions = require "pghost.publish.partition_subjects"
local preparation = require "pghost.publish.preparation"
local session = require "pghost.publish.session"
local subjects = require "pghost.publish.subjects"

local M = {}

---@class pghost.publish.Options: pghost.publish.LockOptions
---@field build string schema the tables are in
---@field target string schema they go to
---@field tables string[]
---@field cluster? boolean the database has the extension citus
---@field exchanges? pghost.partitions.Exchange[] partitions that replace published ones
---@field old_snapshots? "wait"|"ignore" transactions that would find the new tables empty are waited for
---@field prepared? pghost.publish.Prepared what prepare() returned; without it swap prepares itself

---@class pghost.publish.Prepared
---@field gone table<string, string[]> columns of published tables that the built ones do not have, by table
---@field at string when it was done
---@field locked? number after swap: seconds that it held the locks

-- Runs fn(); the error for a lock that could not be taken names its holder.
local function naming_holders(conn, options, fn)
  local done, result = pcall(fn)
  if not done and errors.is(result) and result.code == "55P03" and conn:status() ~= "lost" then
    session.transaction(conn, function()
      locks.raise_busy(conn, dependents.lockable(conn, options), options.lock_wait or 60)
    end)
  elseif not done then
    error(result, 0)
  end
  return result
end

--- Does everything that takes time before the tables are swapped. Nothing of it can be seen outside
--- of the build schema, and what is there when it fails goes with that schema.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@return pghost.publish.Prepared
function M.prepare(conn, options)
  local prepared = naming_holders(conn, options, function()
    return session.transaction(conn, function()
      locks.limit(conn, (options.lock_wait or 60) * 1000)
      return preparation.prepare(conn, options)
    end)
  end)
  prepared.at = conn:query("SELECT pg_catalog.clock_timestamp()::pg_catalog.text AS at")[1].at
  return prepared
end

-- Locks against other changes to the tables, without blocking readers or writers.
local function hold(conn, options)
  local names = {}
  for _, subject in ipairs(subjects.read(conn, options)) do
    if subject.oid and (not subject.part_of or subject.attach) then
      names[#names + 1] = subject.qualified
    end
  end
  table.move(partitions.wholes(options), 1, #partitions.wholes(options), #names + 1, names)
  table.sort(names)
  if #names > 0 then
    naming_holders(conn, options, function()
      return conn:transaction(function() -- a savepoint: who holds them can be asked then
        return locks.take(conn, names, "SHARE UPDATE EXCLUSIVE", (options.lock_wait or 60) * 1000)
      end)
    end)
  end
end

--- Replaces the tables of the target schema by the built ones. Must run inside a transaction, which
--- should end soon after: readers wait for it.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@return pghost.publish.Prepared prepared with `locked`, the seconds that the locks were held
function M.swap(conn, options)
  return session.with(conn, function()
    hold(conn, options)
    local prepared = options.prepared
    if not prepared then
      prepared = preparation.prepare(conn, options)
      prepared.at = conn:query("SELECT now()::text AS at")[1].at
    end
    local oids = subjects.published(prepared.subjects)
    if dependents.state(conn, oids, options.build) ~= prepared.state then
      exchange.raise_changed(options)
    end
    as_built.write(conn, options.target, prepared.subjects)
    exchange.run(conn, prepared, options, oids)
    return prepared
  end)
end

return M
