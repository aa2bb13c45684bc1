-- Checks that published tables are still as the replay found them. A concurrent change to a rebuilt table would be lost
-- with the old one; a key that has come into one that is added to would get the values of an old reject.
--
-- Where the key is the table's primary key, the server ensures that, and nobody is locked out. Where it is not (a
-- history has several rows of a key, or somebody has dropped the key), others must not write to the table between the
-- look and the COMMIT.

local columns = require "pghost.catalog.columns"
local errors = require "pghost.lib.errors"
local locks = require "pghost.publish.locks"

local M = {}

local unique_violation = "23505" -- SQLSTATE

local lock_wait = 60 -- seconds, as publishing has by default

-- Equal for equal records, in whatever order.
local function content(conn, table_name)
  return conn:query(([[
    SELECT pg_catalog.concat(pg_catalog.count(*), '/', pg_catalog.sum(pg_catalog.hashtextextended(
      t::pg_catalog.text, 0))) AS hash FROM %s AS t]]):format(table_name))[1].hash
end

--- Remembers the content of a table; to be called before its records are taken over.
---@param run pghost.Run
---@param table_name string qualified
function M.watch(run, table_name)
  local copied = run.replay.copied
  copied[#copied + 1] = { name = table_name, hash = content(run.conn, table_name) }
end

--- Remembers the keys that are added to a published table.
---@param run pghost.Run
---@param plan pghost.Plan
---@param published string quoted
function M.watch_keys(run, plan, published)
  local same = columns.same_key(columns.key(run.conn, published, plan.key), "t", "s")
  local added = run.replay.added
  local found = ("SELECT EXISTS (SELECT 1 FROM %s AS s JOIN %s AS t ON %s%s) AS found"):format(
    run:qualified(plan.clean_table), published, same, plan.mode == "history" and " AND t._valid_to IS NULL" or "")
  added[#added + 1] = { name = published, query = found,
    is_unique = plan.mode ~= "history" and columns.is_primary_key(run.conn, published, plan.key) }
end

-- From here to the end of the transaction it can be read, but not written to by others.
local function hold(run, one)
  locks.take(run.conn, { one.name }, "SHARE ROW EXCLUSIVE", (tonumber(run.settings.lock_wait) or lock_wait) * 1000)
end

local function check_keys(run, one)
  if run.conn:query(one.query)[1].found then
    errors.raise(("%s got a key of a replayed record during the replay: run it again"):format(one.name), "changed")
  end
end

--- Raises when one has changed.
---@param run pghost.Run
function M.check(run)
  for _, one in ipairs(run.replay.copied) do
    hold(run, one)
    if content(run.conn, one.name) ~= one.hash then
      errors.raise(("%s was written to during the replay: run it again"):format(one.name), "changed")
    end
  end
  for _, one in ipairs(run.replay.added) do
    if not one.is_unique then
      hold(run, one)
      check_keys(run, one)
    end
  end
end

--- Calls fn(), which adds the records in the transaction that publishes. Raises code "changed" where the server has
--- refused a key that came into a table during the replay.
---@generic T
---@param run pghost.Run
---@param fn fun(): T
---@return T
function M.adding(run, fn)
  local done, result = pcall(run.conn.transaction, run.conn, fn)
  if done then
    return result
  elseif errors.is(result) and result.code == unique_violation then
    for _, one in ipairs(run.replay.added) do
      check_keys(run, one)
    end
  end
  error(result, 0)
end

return M
