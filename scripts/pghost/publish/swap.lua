-- Makes built tables visible: puts them in the place of the published ones, with everything that
-- hangs on those.
--
-- Two steps. prepare() carries over to the built tables what costs time (indexes, constraints,
-- foreign keys, materialized views with their data), while readers read on. swap() then takes the
-- locks, looks that nothing has changed since, drops the old tables and moves the new ones: some
-- milliseconds, in the caller's transaction, so that everything becomes visible at once or nothing.
-- docs/PUBLISHING.md says what survives, what is refused, and which rights it takes.

local as_built = require "pghost.publish.as_built"
local dependents = require "pghost.publish.dependents"
local exchange = require "pghost.publish.exchange"
local locks = require "pghost.publish.locks"
local preparation = require "pghost.publish.preparation"
local subjects = require "pghost.publish.subjects"

local M = {}

---@class pghost.publish.Options: pghost.publish.LockOptions
---@field build string schema the tables are in
---@field target string schema they go to
---@field tables string[]
---@field old_snapshots? "wait"|"ignore" transactions that would find the new tables empty are waited for
---@field prepared? pghost.publish.Prepared what prepare() returned; without it swap prepares itself

---@class pghost.publish.Prepared
---@field gone table<string, string[]> columns of published tables that the built ones have not, by table
---@field at string when it was done
---@field locked? number after swap: seconds that it held the locks

-- Settings that statements are printed and read with; the caller's come back in the end.
local function with_settings(conn, fn)
  local before = conn:query([[
    SELECT current_setting('search_path') AS search_path, current_setting('check_function_bodies') AS bodies,
      current_setting('lock_timeout') AS lock_timeout, current_setting('quote_all_identifiers') AS quoted]])[1]
  local function set(search_path, bodies, lock_timeout, quoted)
    conn:query([[
      SELECT set_config('search_path', $1, true), set_config('check_function_bodies', $2, true),
        set_config('lock_timeout', $3, true), set_config('quote_all_identifiers', $4, true)]],
      search_path, bodies, lock_timeout, quoted)
  end
  set("", "off", before.lock_timeout, "off")
  local result = fn()
  set(before.search_path, before.bodies, before.lock_timeout, before.quoted)
  return result
end

--- Does everything that takes time before the tables are swapped. Nothing of it can be seen outside
--- of the build schema, and what is there when it fails goes with that schema.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@return pghost.publish.Prepared
function M.prepare(conn, options)
  local prepared = conn:transaction(function()
    return with_settings(conn, function()
      return preparation.prepare(conn, options)
    end)
  end)
  prepared.at = conn:query("SELECT clock_timestamp()::text AS at")[1].at
  return prepared
end

-- Locks against other changes of the tables, without holding up who reads or writes.
local function hold(conn, options)
  local names = {}
  for _, subject in ipairs(subjects.read(conn, options)) do
    if subject.oid then
      names[#names + 1] = subject.qualified
    end
  end
  if #names > 0 then
    locks.take(conn, names, "SHARE UPDATE EXCLUSIVE", (options.lock_wait or 60) * 1000)
  end
end

--- Replaces the tables of the target schema by the built ones. Must run inside a transaction, which
--- should end soon after: readers wait for it.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@return pghost.publish.Prepared prepared with `locked`, the seconds that the locks were held
function M.swap(conn, options)
  return with_settings(conn, function()
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
