-- pgbouncer in front of a server of the specs.

local server = require "support.server"

local shell = server.shell

local M = {}

local Pooler = {}
Pooler.__index = Pooler

--- Starts one.
---@param own table from support.server
---@param mode "session"|"transaction"
function M.start(own, mode)
  local folder = shell "mktemp -d /tmp/pghost_spec.XXXXXX"
  local conf <close> = assert(io.open(folder .. "/pgbouncer.ini", "w"))
  conf:write(([[
[databases]
* = host=%s user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = %s
listen_port = 6432
auth_type = any
pool_mode = %s
default_pool_size = 30
max_client_conn = 200
logfile = %s/log
pidfile = %s/pid
]]):format(own.socket, folder, mode, folder, folder))
  conf:close()
  if shell "id -u" == "0" then
    shell("chown -R postgres " .. folder)
  end
  shell(server.as_owner(("$(command -v pgbouncer || echo /usr/sbin/pgbouncer) -q -d %s/pgbouncer.ini"):format(folder)))
  return setmetatable({ folder = folder }, Pooler)
end

--- A conninfo of the server as one that leads through the pooler.
function Pooler:through(dsn)
  return (dsn:gsub("host=%S+", ("host=%s port=6432"):format(self.folder)))
end

function Pooler:stop()
  if self.folder then
    shell(("kill $(cat %s/pid) && while kill -0 $(cat %s/pid 2>/dev/null) 2>/dev/null; do sleep 0.05; done; rm -rf %s")
      :format(self.folder, self.folder, self.folder))
    self.folder = nil
  end
end

Pooler.__gc = Pooler.stop
Pooler.__close = Pooler.stop

return M
