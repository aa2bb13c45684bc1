-- The encoding that a database stores text in.

local M = {}

local known = setmetatable({}, { __mode = "k" }) -- by connection

local all_of_unicode = { UTF8 = true, SQL_ASCII = true } -- the latter takes any bytes

--- What csv.open is told of it (option `stored`): a record with a character that the database does not have is a
--- reject then, and not the end of the load. nil where there is no such character.
---@param conn pghost.Connection
---@return string? name as the server has it
function M.of(conn)
  known[conn] = known[conn] or conn:query("SELECT pg_catalog.current_setting('server_encoding') AS name")[1].name
  return not all_of_unicode[known[conn]] and known[conn] or nil
end

return M
