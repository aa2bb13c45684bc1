-- A statement that may wait for a lock: after a moment the log names the holder.

local errors = require "pghost.lib.errors"
local locks = require "pghost.publish.locks"

local M = {}

local patience = 2 -- seconds without a word
local lock_not_available = "55P03" -- SQLSTATE

local function setting(conn, name)
  return conn:query("SELECT pg_catalog.current_setting($1) AS value", name)[1].value
end

local function set(conn, name, value)
  conn:query("SELECT pg_catalog.set_config($1, $2, true)", name, value)
end

local function holder(conn, table_name)
  local path = setting(conn, "search_path")
  local oid = conn:query("SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.int8 AS oid", table_name)[1].oid
  set(conn, "search_path", "pg_catalog")
  local found = oid and locks.holder(conn, ("{%d}"):format(oid))
  set(conn, "search_path", path)
  return found
end

--- Runs a statement of a transaction, however long it waits for the locks of a table. Where somebody has set a limit,
--- that counts.
---@param conn pghost.Connection in a transaction
---@param table_name string as SQL has it
---@param statement string|fun()
---@param say pghost.load.Say
function M.query(conn, table_name, statement, say)
  local run = type(statement) == "function" and statement or function()
    conn:query(statement)
  end
  local limit = setting(conn, "lock_timeout")
  if limit ~= "0" then
    return run()
  end
  local done, problem = pcall(conn.transaction, conn, function()
    set(conn, "lock_timeout", patience .. "s")
    run()
    set(conn, "lock_timeout", limit)
  end)
  if done then
    return
  elseif not (errors.is(problem) and problem.code == lock_not_available) then
    error(problem, 0)
  end
  local other = holder(conn, table_name)
  say("warn", "lock", ("waiting for a lock on %s%s"):format(table_name, other and ", which is held by " .. other or ""))
  run()
end

return M
