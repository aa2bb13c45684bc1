-- The connection of the prompt: the global `conn`, so that Lua and SQL share one session and its transactions.

local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"

local M = {}

--- The connection, if there is one; opens nothing.
---@return pghost.Connection?
function M.current()
  local conn = rawget(_G, "conn")
  local metatable = type(conn) == "table" and getmetatable(conn)
  return metatable and metatable.__name == "pghost.Connection" and conn or nil
end

--- Its state.
---@return "none"|"idle"|"transaction"|"failed"|"active"|"lost"|"closed"
function M.state()
  local conn = M.current()
  return conn and conn:status() or "none"
end

--- The connection, opened when there is none.
---@return pghost.Connection
function M.get()
  local state = M.state()
  if state == "lost" or state == "closed" then
    errors.raise(("the connection is %s: \\connect makes a new one"):format(state), "08006")
  end
  return _G.conn
end

--- A new connection in the place of the old one.
---@param dsn? string
---@return pghost.Connection
function M.connect(dsn)
  local new = connection.open { dsn = dsn }
  local old = M.current()
  if old then
    old:close()
  end
  rawset(_G, "conn", new)
  return new
end

--- The name of the database, for the prompt.
---@return string?
function M.name()
  local conn = M.current()
  return conn and conn.description:match("^database '(.-)' on ")
end

return M
