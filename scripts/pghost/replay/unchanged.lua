-- That a published table which a replay builds anew is still what it was when its records were taken over:
-- what somebody writes to it meanwhile would be gone with the old one.

local errors = require "pghost.errors"
local locks = require "pghost.publish.locks"

local M = {}

local lock_wait = 60 -- seconds, as publishing has by default

-- Equal for equal records, in whatever order.
local function content(conn, table_name)
  return conn:query(("SELECT count(*) || '/' || coalesce(sum(hashtextextended(t::text, 0)), 0) AS hash FROM %s AS t")
    :format(table_name))[1].hash
end

--- Remembers the content of a table; to be called before its records are taken over.
---@param run pghost.Run
---@param table_name string qualified
function M.watch(run, table_name)
  local copied = run.replay.copied
  copied[#copied + 1] = { name = table_name, hash = content(run.conn, table_name) }
end

--- Raises when one has changed. From here to the end of the transaction it can be read, but not written to.
---@param run pghost.Run
function M.check(run)
  for _, one in ipairs(run.replay.copied) do
    locks.take(run.conn, { one.name }, "SHARE", (tonumber(run.settings.lock_wait) or lock_wait) * 1000)
    if content(run.conn, one.name) ~= one.hash then
      errors.raise(("%s was written to during the replay: run it again"):format(one.name), "changed")
    end
  end
end

return M
