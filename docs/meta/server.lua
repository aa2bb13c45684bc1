---@meta pghost.native.server

---The private server: a PostgreSQL cluster of the user's own, made on first use in
---`$PGHOST_SERVER_DIR`, `/var/lib/pghost/server` (root) or `$XDG_DATA_HOME/pghost/server`
---(`~/.local/share/pghost/server`). It is reached through a unix socket by its owner alone and
---stops with the last pghost that uses it; its data stays. `$PGHOST_SERVER_BIN` names the folder of
---PostgreSQL's server programs if they are in none of the usual ones.
---
---Every function returns `nil, message, code` when the outside world fails: code "08001" (cannot
---connect; exit code 3) or "interrupted".
local server = {}

---@class pghost.ServerStatus
---@field state "absent"|"stopped"|"running" absent: not created yet
---@field folder string
---@field data string the cluster, a folder in `folder`
---@field log string file
---@field version? integer PostgreSQL's major version that made the cluster
---@field bytes? integer what the cluster takes on disk
---@field socket? string folder of its socket
---@field kept boolean runs until server.stop, used or not
---@field in_use boolean by this or another pghost

---@class pghost.ServerEnvironment
---@field PGHOST string
---@field PGPORT string
---@field PGDATABASE string
---@field PGUSER string
---@field PGREQUIREPEER string user that the server must run as

---Makes sure that the server runs, creating it first if needed, and that it keeps running as
---long as this process does.
---@return string? conninfo
---@return string? message
---@return string? code
function server.ensure() end

---As ensure, and the server stays until server.stop.
---@return string? conninfo
---@return string? message
---@return string? code
function server.start() end

---Takes back start and this process's own use, and stops the server: at once when no other pghost uses it
---(or with `force`: their transactions are rolled back), else with the last of them ("in use").
---@param force? boolean
---@return "stopped"|"not running"|"in use"|nil
---@return string? message
---@return string? code
function server.stop(force) end -- luacheck: ignore 212

---@return pghost.ServerStatus?
---@return string? message
---@return string? code
function server.status() end

---The variables that lead psql and other clients to the server.
---@return pghost.ServerEnvironment?
---@return string? message
---@return string? code
function server.env() end

return server
