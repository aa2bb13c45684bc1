-- The settings that publishing reads and writes SQL with. Names are looked up in pg_catalog alone, so that nothing in
-- another schema is called instead of what is meant, and everything else is printed with its schema.

local M = {}

-- Setting, value; nil: left unchanged, but restored at the end.
local wanted = {
  { "search_path", "pg_catalog, pg_temp" },
  { "check_function_bodies", "off" },
  { "lock_timeout" },
  { "statement_timeout" },
  { "quote_all_identifiers", "off" },
  { "extra_float_digits", "1" }, -- constants are printed and read again
  { "jit", "off" }, -- recursive queries of the catalog look costly, are done in 5 ms, and are compiled for a second
  { "row_security", "off" }, -- an error rather than a policy of somebody's that runs as this role
}

-- One statement for all settings: each statement costs a round trip.
local read_query, set_query, restore_query
do
  local read, set, restore, given = {}, {}, {}, 0
  for i, setting in ipairs(wanted) do
    read[i] = ("pg_catalog.current_setting('%s') AS s%d"):format(setting[1], i)
    restore[i] = ("pg_catalog.set_config('%s', $%d::pg_catalog.text, true)"):format(setting[1], i)
    if setting[2] then
      given = given + 1
      set[given] = ("pg_catalog.set_config('%s', '%s', true)"):format(setting[1], setting[2])
    end
  end
  read_query, set_query = "SELECT " .. table.concat(read, ", "), "SELECT " .. table.concat(set, ", ")
  restore_query = "SELECT " .. table.concat(restore, ", ")
end

--- Runs fn() inside a transaction; the caller's settings come back in the end.
---@generic T
---@param conn pghost.Connection
---@param fn fun(): T
---@return T
function M.with(conn, fn)
  local row, before = conn:query(read_query)[1], {}
  for i in ipairs(wanted) do
    before[i] = row["s" .. i]
  end
  conn:query(set_query)
  local result = fn()
  conn:query(restore_query, table.unpack(before, 1, #wanted))
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
