-- Columns that lose their NOT NULL in the transaction that publishes. The lock for that keeps readers out until the
-- COMMIT, so it is taken as for an exchange of tables: within milliseconds, or released and retried.

local locks = require "pghost.publish.locks"
local relations = require "pghost.catalog.relations"
local session = require "pghost.publish.session"

local M = {}

local budget <const> = 50 -- milliseconds that a try may block readers while it waits

local function lock(run, change)
  local oid = run.conn:query("SELECT $1::regclass::oid::int8 AS oid", change.published)[1].oid
  locks.try(run.conn, { lock_wait = tonumber(run.settings.lock_wait) }, ("{%d}"):format(oid), function()
    locks.take(run.conn, { change.published }, "ACCESS EXCLUSIVE", budget)
  end)
end

--- Drops the NOT NULL of a change's `nullable` columns, which a run of pghost has made.
---@param run pghost.Run
---@param change pghost.modes.Change
function M.drop(run, change)
  if #(change.nullable or {}) == 0 then
    return
  end
  session.with(run.conn, function()
    lock(run, change)
    for _, name in ipairs(change.nullable) do
      run.conn:query(("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL"):format(change.published, relations.quote(name)))
      run.conn:query([[UPDATE pghost.published SET not_null = pg_catalog.array_remove(not_null, $2::pg_catalog.text)
        WHERE relation = $1::pg_catalog.regclass::pg_catalog.oid]], change.published, name)
    end
  end)
end

return M
