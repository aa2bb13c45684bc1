-- The lock under which published tables are written to.

local authority = require "pghost.publish.authority"
local lists = require "pghost.lib.lists"
local row_security = require "pghost.catalog.row_security"

local M = {}

--- Locks the published tables of changes for writing. From here on nobody can add a trigger, rule or policy; those
--- added since the run began are seen.
---@param conn pghost.Connection in a transaction
---@param changes pghost.modes.Change[]
function M.lock(conn, changes)
  local names = lists.pluck(changes, "published")
  if #names > 0 then
    conn:query(("LOCK TABLE %s IN ROW EXCLUSIVE MODE"):format(table.concat(names, ", ")))
    for _, name in ipairs(names) do
      row_security.check(conn, name)
    end
    authority.check_added(conn, names)
  end
end

return M
