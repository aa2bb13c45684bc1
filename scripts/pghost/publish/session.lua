-- The settings that publishing reads and writes SQL with. Names are looked up in pg_catalog alone, so
-- that nothing made in another schema is called in the place of what is meant, and everything else is
-- printed with its schema.

local M = {}

-- Setting, value; nil: as it is, but it comes back in the end.
local wanted = {
  { "search_path", "pg_catalog, pg_temp" },
  { "check_function_bodies", "off" },
  { "lock_timeout" },
  { "quote_all_identifiers", "off" },
  { "extra_float_digits", "1" }, -- constants are printed and read again
  { "jit", "off" }, -- recursive queries of the catalog look costly, are done in 5 ms, and are compiled for a second
  { "row_security", "off" }, -- an error rather than a policy of somebody's that runs as this role
}

--- Runs fn() inside a transaction; the caller's settings come back in the end.
---@generic T
---@param conn pghost.Connection
---@param fn fun(): T
---@return T
function M.with(conn, fn)
  local before = {}
  for i, setting in ipairs(wanted) do
    before[i] = conn:query("SELECT pg_catalog.current_setting($1::pg_catalog.text) AS value", setting[1])[1].value
    if setting[2] then
      conn:query("SELECT pg_catalog.set_config($1::pg_catalog.text, $2::pg_catalog.text, true)", setting[1], setting[2])
    end
  end
  local result = fn()
  for i, setting in ipairs(wanted) do
    conn:query("SELECT pg_catalog.set_config($1::pg_catalog.text, $2::pg_catalog.text, true)", setting[1], before[i])
  end
  return result
end

--- Runs fn() in a transaction of its own, or a savepoint, with these settings.
---@generic T
---@param conn pghost.Connection
---@param fn fun(): T
---@return T
function M.transaction(conn, fn)
  return conn:transaction(function()
    return M.with(conn, fn)
  end)
end

return M
