-- Row-level security silently hides records from a role. A table that is read to find out what it already holds, or to
-- clean it, must be read completely.

local errors = require "pghost.lib.errors"

local M = {}

--- Raises when policies would hide records of the table from the run.
---@param conn pghost.Connection
---@param name string quoted, with its schema
function M.check(conn, name)
  local row = conn:query([[
    SELECT pg_catalog.row_security_active($1::text) AS active, current_user AS role,
      $1::text::regclass::text AS name]], name)[1]
  if row.active then
    errors.raise(("table '%s' has row-level security, which may hide records from role '%s': run as a role that it "
      .. "does not apply to (its owner without FORCE, or one with BYPASSRLS)"):format(row.name, row.role), "42501")
  end
end

return M
