-- Connections for pipelines: finds the database, and raises error objects where the native
-- connection returns nil, message, code.
--
--   local connection = require "pghost.connection"
--   local db <close> = connection.open()
--   for row in db:stream("select * from users where status = $1", "active") do ... end

local dotenv = require "pghost.lib.dotenv"
local errors = require "pghost.lib.errors"
local known_keys = require "pghost.lib.known_keys"
local lists = require "pghost.lib.lists"
local native = require "pghost.native.conn"
local paths = require "pghost.lib.paths"

local M = {}

---@class pghost.Connection
--- Errors: those of the server with SQLSTATE as code and the position; a lost connection has exit code 3.
---@field native pghost.native.Connection for those who pass the connection to another native module
---@field description string where it leads, without a password
---@field origin string who named the database: "--dsn", "DATABASE_URL", ...
local Connection = {}
Connection.__index = Connection
Connection.__name = "pghost.Connection"

---@package its methods, for completion
M.methods = Connection

-- Passes through results of the native connection; an error keeps the statement that its position refers to.
local function checked(statement, value, message, code)
  if not value then
    errors.raise(message, code, { statement = statement })
  end
  return value
end

--- Runs one statement. Parameters are bound, never spliced: $1, $2 ... in the text.
--- Example: local rows = conn:query("SELECT * FROM users WHERE status = $1", "active")
---@param sql string
---@param ... string|number|boolean|nil
---@return pghost.native.Result
function Connection:query(sql, ...)
  return checked(sql, self.native:query(sql, ...))
end

--- Runs a COPY ... TO STDOUT into a file or an object (s3://), which is whole in its place afterwards, or not there.
--- Example: conn:copy_to("COPY users TO STDOUT (FORMAT csv)", "users.csv.gz")
--- Errors: what the server refuses, and what the file system does (errno name); the file is not there then.
---@param copy string
---@param path? string nil: standard output; packed as it ends: .gz, .zst, .xz, .bz2
---@return integer bytes before packing
function Connection:copy_to(copy, path)
  if not path or not paths.is_url(path) then
    return (errors.check(self.native:copy_to(copy, path)))
  end
  return require("pghost.lib.object_file").write(path, function(place, packing)
    return errors.check(self.native:copy_to(copy, place, packing))
  end)
end

--- Runs a COPY ... FROM STDIN (FORMAT binary) with rows of a file as binary COPY has them, without header and trailer.
---@param copy string
---@param path string
---@param fields? integer so many of each row, from the first on; nil: all
---@param rows? integer[] numbers of the rows to send, from 1, ascending; nil: all
---@return integer rows that the server counted
---@package
function Connection:copy_rows(copy, path, fields, rows)
  return (errors.check(self.native:copy_rows(copy, path, fields, rows)))
end

--- Runs a script of several statements.
--- Example: conn:exec("CREATE TABLE a (n int); CREATE INDEX ON a (n)")
---@param script string
function Connection:exec(script)
  checked(script, self.native:exec(script))
end

--- A query for `for row in`, whose rows come one by one in constant memory. The connection can do
--- nothing else until the loop ends.
--- Example: for row in conn:stream("SELECT * FROM users") do print(row.name) end
---@param sql string
---@param ... string|number|boolean|nil
---@return fun(): pghost.native.Row?
function Connection:stream(sql, ...)
  local iterate, stream, start_code = self.native:stream(sql, ...)
  if not iterate then
    errors.raise(stream, start_code, { statement = sql })
  end
  local function next_row()
    local row, message, code = stream:next()
    if not row and message then
      errors.raise(message, code, { statement = sql })
    end
    return row
  end
  return next_row, nil, nil, stream
end

local function results_of(ok, ...)
  if not ok then
    errors.raise(...)
  end
  return ...
end

--- Runs `fn(connection)` in a transaction, inside of another one in a savepoint. An error of it
--- rolls back and is raised again as it was. It cannot yield to a coroutine outside.
--- Example: conn:transaction(function(c) c:query("DELETE FROM users WHERE id = $1", 7) end)
--- Errors: those of fn, after the rollback; what the server says to the COMMIT.
---@generic T
---@param fn fun(connection: pghost.Connection): T...
---@param committed? fun() called right after the COMMIT, not inside of another transaction
---@return T... what fn returned
function Connection:transaction(fn, committed)
  return results_of(self.native:transaction(function()
    return fn(self)
  end, committed))
end

local early <const> = [[
  SELECT pg_catalog.set_config(name, max_val, true) FROM pg_catalog.pg_settings
  WHERE name = 'backend_flush_after' AND pg_catalog.current_setting('wal_level') = 'minimal']]

--- For the rest of this transaction, which fills a table that is new in it: the server has pages
--- written to disk while they come. With wal_level = minimal it writes no WAL for such a table but
--- syncs it at the commit, and would begin with the writing only there. Nothing but time depends on it.
---@package
function Connection:write_early()
  self:query(early)
end

local stay <const> = [[
  SELECT pg_catalog.set_config('idle_session_timeout', '0', false)
  WHERE pg_catalog.current_setting('idle_session_timeout', true) OPERATOR(pg_catalog.<>) '0'
    AND pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) $1]]

--- Has the server keep this connection, however long nothing is asked of it: others do the work of a long load. The
--- role or the database may have a time for that (idle_session_timeout, from PostgreSQL 14). Not through a pooler: it
--- reports another process than the session's, the session is not ours, and it opens a new one when that ends.
--- Example: local conn <close> = connection.open():stay()
---@return pghost.Connection self
---@package
function Connection:stay()
  self:query(stay, self.native:pid())
  return self
end

--- What the server said since the last call (warnings, notices), at most 1,000 of them.
--- Example: for _, notice in ipairs(conn:notices()) do print(notice.severity, notice.message) end
---@return { severity: string, message: string }[]
---@return integer dropped
function Connection:notices()
  return self.native:notices()
end

--- Asks the server to stop what this connection is doing.
--- Example: conn:cancel()
function Connection:cancel()
  self.native:cancel()
end

--- A name for SQL, in double quotes.
--- Example: conn:quote_identifier("Mixed Case")
--- Errors: a name with a NUL byte, or that is not valid in the encoding of the connection.
---@param name string
---@return string
function Connection:quote_identifier(name)
  return self.native:quote_identifier(name)
end

--- A text for SQL, in single quotes.
--- Example: conn:quote_literal("O'Hara")
--- Errors: a text with a NUL byte, or that is not valid in the encoding of the connection.
---@param text string
---@return string
function Connection:quote_literal(text)
  return self.native:quote_literal(text)
end

--- Number of the server's process.
--- Example: print(conn:pid())
--- Errors: none.
---@return integer process id of the server's backend
function Connection:pid()
  return self.native:pid()
end

--- What the connection is doing.
--- Example: assert(conn:status() == "idle")
--- Errors: none.
---@return "idle"|"transaction"|"failed"|"active"|"lost"|"closed"
function Connection:status()
  return self.native:status()
end

--- Ends the connection; an open transaction is rolled back.
--- Example: conn:close()
--- Errors: none; a second call does nothing.
function Connection:close()
  self.native:close()
end

Connection.__close = Connection.close
known_keys.strict_class("a connection has", Connection, lists.set { "native", "description", "origin" })

function Connection:__tostring()
  return ("pghost.Connection (%s, %s)"):format(self.description, self:status())
end

local function given(text)
  return text and text ~= "" and text or nil
end

local function from_host()
  local found, host = pcall(require, "pghost.native.host")
  return found and given(host.options.dsn) or nil
end

local function libpq_is_set()
  for _, name in ipairs(dotenv.places) do
    if given(os.getenv(name)) then
      return true
    end
  end
  return false
end

local dotenv_conninfo -- read once, so that its warning comes once; false: there is none

local function from_dotenv()
  if dotenv_conninfo == nil then
    local values = dotenv.read(".env")
    dotenv_conninfo = values and dotenv.conninfo(values) or false
  end
  return dotenv_conninfo or nil
end

local function from_private_server()
  local found, server = pcall(require, "pghost.native.server")
  if not found then
    errors.raise("no database is configured: set DATABASE_URL, or give --dsn", "08001", { exit = 3 })
  end
  local conninfo, message, code = server.ensure()
  if not conninfo then
    errors.raise(message, code, { exit = 3 })
  end
  return conninfo
end

local leader, leader_name -- see M.lead

--- From now on, connections for which no database is named lead to where `fn` says, whatever the environment says.
---@param fn fun(): string conninfo
---@param name string who says so, for messages
---@package
function M.lead(fn, name)
  leader, leader_name = fn, name
end

-- The first of the places in order that names a database, and its name; nil: none does.
local function find_configured(dsn)
  local places = {
    { "the script", given(dsn) },
    { "--dsn", from_host() },
    { "DATABASE_URL", given(os.getenv("DATABASE_URL")) },
    { "the PG* variables", libpq_is_set() and "" or nil },
  }
  for i = 1, 4 do
    if places[i][2] then
      return places[i][2], places[i][1]
    end
  end
  local conninfo = from_dotenv()
  return conninfo, conninfo and ".env"
end

-- What names the database, and who says so.
local function find(dsn)
  if leader and not given(dsn) then
    return leader(), leader_name
  end
  local conninfo, origin = find_configured(dsn)
  if conninfo then
    return conninfo, origin
  end
  return from_private_server(), "the private server"
end

--- What a connection to another database of the same server is asked for with.
---@param name string
---@return string conninfo
---@package
function M.conninfo_of(name)
  local base = find()
  if base:find "^postgres%w*://" then
    local escaped = name:gsub("[^%w_.~-]", function(char)
      return ("%%%02X"):format(char:byte())
    end)
    return ("%s%sdbname=%s"):format(base, base:find("?", 1, true) and "&" or "?", escaped)
  end
  return ("%s dbname='%s'"):format(base, (name:gsub("[\\']", "\\%0")))
end

-- If the private server is the one to use: describes it without starting it; nil while it runs.
local function stopped_private_server()
  local status = require("pghost.native.server").status()
  if not status or status.state == "absent" then
    return "none (no database is configured, and the private server has not been created)"
  elseif status.state ~= "running" then
    return ("PostgreSQL %s (the private server, which is not running)"):format(
      status.version or "of an unknown version")
  end
end

--- Connects. In this order: options.dsn, `--dsn`, DATABASE_URL, libpq's own environment (PGHOST,
--- PGSERVICE ...), a .env file in the current folder, the private server.
--- Example: local conn <close> = connection.open()
--- Errors: exit code 3 where the database cannot be reached, with who named it and without a password.
---@param options? { dsn?: string } conninfo string or postgresql:// URL
---@return pghost.Connection raises an error object with exit code 3 when it cannot
function M.open(options)
  known_keys.check(options, { dsn = true }, "connection.open")
  local conninfo, origin = find(options and options.dsn)
  local conn, message, code = native.connect(conninfo)
  if not conn then
    if code == "interrupted" then
      errors.raise(message, code)
    end
    local hint = origin == ".env" and message:find("no password supplied", 1, true)
      and "; a password for it is read from that file alone" or ""
    errors.raise(("%s (the connection is set by %s%s)"):format(message, origin, hint), code, { exit = 3 })
  end
  return setmetatable({ native = conn, description = conn:description(), origin = origin }, Connection)
end

-- In a URL the later words stand, as they do among keywords.
local function moved(conninfo, place)
  local words = { host = place.host, port = tostring(place.port), dbname = place.database, connect_timeout = "5" }
  local list, is_url = {}, conninfo:find "^postgres%l*://"
  for _, name in ipairs(lists.sorted_keys(words)) do
    local value = is_url and words[name]:gsub("[^%w.-]", function(byte)
      return ("%%%02X"):format(byte:byte())
    end) or "'" .. words[name]:gsub("[\\']", "\\%0") .. "'"
    list[#list + 1] = name .. "=" .. value
  end
  if is_url then
    return conninfo .. (conninfo:find("?", 1, true) and "&" or "?") .. table.concat(list, "&")
  end
  return conninfo .. " " .. table.concat(list, " ")
end

--- Connects to another server as M.open would connect to its own: with the same user and options.
---@param options { dsn?: string }
---@param place { host: string, port: integer, database: string }
---@return pghost.Connection raises what M.open raises, and where an address is given beside the name of the host
---@package
function M.open_at(options, place)
  local conninfo = find(options.dsn)
  if conninfo:find("hostaddr", 1, true) or os.getenv "PGHOSTADDR" then
    errors.raise("hostaddr names one server", "usage")
  end
  return M.open { dsn = moved(conninfo, place) }
end

--- The version of the server that M.open would connect to, for people; starts no server and raises nothing.
---@return string "PostgreSQL 15.12 (DATABASE_URL)", or why there is none
---@package
function M.server_version()
  local stopped = not find_configured() and stopped_private_server()
  if stopped then
    return stopped
  end
  local good, result = pcall(function()
    local conn <close> = M.open()
    local row = conn:query("SELECT pg_catalog.current_setting('server_version') AS version")[1]
    return ("PostgreSQL %s (%s)"):format(row.version, conn.origin)
  end)
  return good and result or ("not reachable: %s"):format(tostring(result))
end

--- Runs fn() inside a transaction of each connection and commits them side by side. An error of it
--- rolls all back. No two-phase commit: when one commit fails others may have been done.
---@param connections pghost.Connection[]
---@param fn function
---@package
function M.transaction_of_all(connections, fn)
  local natives = {}
  local _ <close> = setmetatable({}, { __close = function()
    for _, conn in ipairs(natives) do
      if conn:status() ~= "idle" then
        conn:exec("rollback") -- a connection that is lost has rolled back
      end
    end
  end })
  for i, conn in ipairs(connections) do
    natives[i] = conn.native
    conn:exec("begin")
  end
  fn()
  errors.check(native.commit_all(natives))
end

return known_keys.strict(M, "pghost.connection")
