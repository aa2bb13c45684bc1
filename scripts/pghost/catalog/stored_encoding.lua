-- The encoding that a database stores text in.

local M = {}

local known = setmetatable({}, { __mode = "k" }) -- by connection

local all_of_unicode = { UTF8 = true, SQL_ASCII = true } -- the latter takes any bytes

--- The value of the option `stored` of csv.open: a record with a character that the database cannot store becomes a
--- reject and does not end the load. nil if every character can be stored.
---@param conn pghost.Connection
---@return string? name as the server has it
function M.of(conn)
  known[conn] = known[conn] or conn:query("SELECT pg_catalog.current_setting('server_encoding') AS name")[1].name
  return not all_of_unicode[known[conn]] and known[conn] or nil
end

return M
