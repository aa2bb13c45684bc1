-- Proxies (proxy.py) between pghost and a server, which lose what a mode of theirs says.

local pghost = require "support.pghost"
local server = require "support.server"

local M = {}

local running = {} -- processes and folders of a test

--- Starts one; it ends with M.stop.
---@param mode string of proxy.py
---@param socket? string folder of the server's; default: that of the specs
---@return string place folder of its own socket
function M.start(mode, socket)
  local place = pghost.folder()
  server.shell("chmod 777 " .. place)
  local pid = server.shell(("python3 %s/spec/support/proxy.py %s %s %s >/dev/null 2>&1 </dev/null & echo $!")
    :format(pghost.root, place, socket or server.get().socket, mode))
  server.shell(("for i in $(seq 100); do [ -S %s/.s.PGSQL.5432 ] && exit 0; sleep 0.05; done; exit 1"):format(place))
  running[#running + 1] = { pid = pid, place = place }
  return place
end

--- Ends all that were started.
function M.stop()
  for _, one in ipairs(running) do
    os.execute("kill " .. one.pid)
    pghost.remove(one.place)
  end
  running = {}
end

return M
