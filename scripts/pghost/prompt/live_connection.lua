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

local function is_dsn(text)
  return text:find("=", 1, true) ~= nil or text:find("://", 1, true) ~= nil
end

--- A new connection in the place of the old one; what connects after it leads there, too.
---@param place? string name of a database of the same server, or a DSN; nil: where the old one leads
---@return pghost.Connection
function M.connect(place)
  local dsn = place and (is_dsn(place) and place or connection.conninfo_of(place))
  local new = connection.open { dsn = dsn }
  if dsn then
    connection.lead(function()
      return dsn
    end, "\\connect")
  end
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
