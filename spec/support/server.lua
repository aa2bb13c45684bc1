-- A throw-away PostgreSQL server for specs: one per process, started on first use in a temporary
-- folder, reached through a unix socket, stopped when the Lua state closes.
--
-- A spec that must share a server with others (a whole suite in one go) gets it through the
-- environment variable PGHOST_SPEC_SOCKET, which the first server() of a process sets for nobody
-- but itself; set it by hand to use a server that is already running.

local sys = require "pghost.native.sys"

local M = {}

local function shell(command)
  local pipe = assert(io.popen("(" .. command .. ") 2>&1", "r"))
  local out = pipe:read("a")
  local ok = pipe:close()
  if not ok then
    error("command failed: " .. command .. "\n" .. out, 2)
  end
  return (out:gsub("%s+$", ""))
end

local function bindir()
  return shell("pg_config --bindir 2>/dev/null || ls -d /usr/lib/postgresql/*/bin | tail -n 1")
end

-- initdb refuses root: as root everything runs as the user postgres.
local function as_owner(command)
  if shell("id -u") == "0" then
    return "cd / && setpriv --reuid=postgres --regid=postgres --clear-groups " .. command
  end
  return command
end

-- Ends the server of a folder when this process has ended without doing that itself, however it ended.
local function watch(folder)
  os.execute(([[setsid sh -c 'while kill -0 %d && [ -d %s ]; do sleep 1; done; [ -d %s ] || exit 0
    main=$(head -n 1 %s/data/postmaster.pid); kill -CONT $main $(pgrep -P $main); kill -QUIT $main
    while kill -0 $main; do sleep 0.1; done; umount -l %s/full; rm -rf %s' >/dev/null 2>&1 </dev/null &]])
    :format(sys.pid(), folder, folder, folder, folder, folder))
end

local current

local Server = {}
Server.__index = Server

--- Runs psql; returns its output (unaligned, tuples only). Errors raise.
---@param sql string
---@param dsn string
---@return string
function M.psql(sql, dsn)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(sql, "\n")
  file:close()
  local out = shell(("psql -X -q -A -t -v ON_ERROR_STOP=1 -d '%s' -f %s"):format(dsn, name))
  os.remove(name)
  return out
end

--- The same on this server: in its own database, or in that of `dsn`.
---@param sql string
---@param dsn? string
---@return string
function Server:psql(sql, dsn)
  return M.psql(sql, dsn or self.dsn)
end

--- Creates a database with a name of its own; returns its conninfo string and name.
---@param script? string SQL to run in it
function Server:database(script)
  self.count = self.count + 1
  local name = ("spec_%d_%d"):format(os.time(), self.count)
  self:psql("create database " .. name)
  self.databases = self.databases or {}
  table.insert(self.databases, "'" .. name .. "'")
  local dsn = ("host=%s dbname=%s user=postgres"):format(self.socket, name)
  if script then
    self:psql(script, dsn)
  end
  return dsn, name
end

--- The databases of Server:database, as a list of SQL literals.
---@return string
function Server:names()
  return table.concat(self.databases or { "''" }, ", ")
end

function Server:stop()
  if self.folder then
    shell(as_owner(("%s/pg_ctl -D %s/data -m immediate -w stop"):format(self.bin, self.folder)))
    shell("rm -rf " .. self.folder)
    self.folder = nil
  end
end

Server.__gc = Server.stop
Server.__close = Server.stop

--- Starts the server again after Server:halt.
function Server:resume()
  shell(as_owner(("%s/pg_ctl -D %s/data -l %s/log -w start >/dev/null"):format(self.bin, self.folder, self.folder)))
end

--- Stops the server and keeps its data.
---@param mode "fast"|"immediate"|"smart"
function Server:halt(mode)
  shell(as_owner(("%s/pg_ctl -D %s/data -m %s -w stop"):format(self.bin, self.folder, mode)))
end

--- Process ids of the postmaster and all of its children.
---@return string
function Server:processes()
  return shell(("pid=$(head -n 1 %s/data/postmaster.pid); echo $pid $(pgrep -P $pid)"):format(self.folder))
end

--- A hot standby of this server, streaming from it.
function Server:standby()
  local folder = shell("mktemp -d /tmp/pghost_spec.XXXXXX")
  if shell("id -u") == "0" then
    shell("chown postgres " .. folder)
  end
  shell(as_owner(("%s/pg_basebackup -h %s -U postgres -D %s/data -R -X stream -c fast"):format(self.bin, self.socket,
    folder)))
  local conf <close> = assert(io.open(folder .. "/data/postgresql.conf", "a"))
  conf:write(("unix_socket_directories = '%s'\n"):format(folder))
  conf:close()
  watch(folder)
  local standby = setmetatable({ bin = self.bin, folder = folder, socket = folder, count = 0,
    dsn = ("host=%s dbname=postgres user=postgres"):format(folder) }, Server)
  standby:resume()
  return standby
end

-- A new cluster in `folder`. PGHOST_SPEC_CLUSTERS names a folder where a suite of many processes keeps one of each
-- version, made once: a copy takes half the time, and has the same system identifier.
local function make_cluster(bin, folder, is_another)
  local init = ("%s/initdb -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync -D "):format(bin)
  local kept = os.getenv "PGHOST_SPEC_CLUSTERS" or ""
  if kept == "" or is_another then
    return shell(as_owner(init .. folder .. "/data"))
  end
  local one = kept .. "/" .. bin:gsub("%W", "_")
  shell(as_owner(([[flock %s sh -c '[ -d %s ] || { %s%s.new >%s.log && mv %s.new %s; } && cp -a %s %s/data']])
    :format(kept, one, init, one, one, one, one, one, folder)))
end

--- Starts a server of its own (not the shared one). `settings` are lines for postgresql.conf, `bin`
--- the folder with the programs of another version; `is_another`: its system identifier is no other server's.
function M.start(settings, bin, is_another)
  bin = bin or bindir()
  local folder = shell("mktemp -d /tmp/pghost_spec.XXXXXX")
  if shell("id -u") == "0" then
    shell("chown postgres " .. folder)
  end
  make_cluster(bin, folder, is_another)
  local conf = assert(io.open(folder .. "/data/postgresql.conf", "a"))
  conf:write(([[
listen_addresses = ''
unix_socket_directories = '%s'
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 60
shared_buffers = 64MB
timezone = 'UTC'
log_min_messages = fatal
]]):format(folder), settings or "", "\n")
  conf:close()
  watch(folder)
  shell(as_owner(("%s/pg_ctl -D %s/data -l %s/log -w start >/dev/null"):format(bin, folder, folder)))
  return setmetatable({
    bin = bin,
    folder = folder,
    socket = folder,
    dsn = ("host=%s dbname=postgres user=postgres"):format(folder),
    count = 0,
  }, Server)
end

--- The shared server of this process.
function M.get()
  if not current then
    local socket = os.getenv("PGHOST_SPEC_SOCKET")
    if socket then
      current = setmetatable({
        bin = bindir(),
        socket = socket,
        dsn = ("host=%s dbname=postgres user=postgres"):format(socket),
        count = 0,
      }, Server)
    else
      current = M.start()
    end
  end
  return current
end

--- The shared server, where this process has asked for it.
function M.current()
  return current and (current.socket or current.folder) and current or nil
end

M.shell = shell
M.as_owner = as_owner

return M
