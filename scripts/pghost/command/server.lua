-- pghost server start|stop|status|env: the private server by hand.

local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"
local server = require "pghost.native.server"

local usage = [[
usage: pghost server start         start it, and keep it running until `pghost server stop`
       pghost server stop [-f]     stop it, once no pghost uses it any more (-f: now)
       pghost server status        tell whether and where it runs; exit code 3 when it does not
       pghost server env           lines for the shell: eval "$(pghost server env)"; psql
]]

local commands = {}

function commands.start()
  errors.check(server.start())
  local status = errors.check(server.status())
  print(("running in '%s' until `pghost server stop`"):format(status.folder))
end

function commands.stop(option)
  local result = errors.check(server.stop(option == "-f"))
  if result == "in use" then
    print("in use: it stops with the last pghost that uses it (-f: now)")
  else
    print(result)
  end
end

local function size(bytes)
  return bytes >= 1e9 and ("%.1f GB"):format(bytes / 1e9) or ("%.0f MB"):format(bytes / 1e6)
end

function commands.status()
  local status = errors.check(server.status())
  print(("state:  %s%s"):format(status.state, status.kept and ", kept until `pghost server stop`" or ""))
  print(("in use: %s"):format(status.in_use and "yes" or "no"))
  print(("folder: %s"):format(status.folder))
  if status.state ~= "absent" then
    print(("data:   %s (PostgreSQL %s%s)"):format(status.data, status.version or "of an unknown version",
      status.bytes and ", " .. size(status.bytes) or ""))
    print(("log:    %s"):format(status.log))
  end
  if status.socket then
    print(("socket: %s"):format(status.socket))
  end
  return status.state == "running" and 0 or 3
end

function commands.env()
  local variables = errors.check(server.env())
  for _, name in ipairs { "PGHOST", "PGPORT", "PGDATABASE", "PGUSER" } do
    print(("export %s='%s'"):format(name, (variables[name]:gsub("'", "'\\''"))))
  end
  if errors.check(server.status()).state ~= "running" then
    io.stderr:write("pghost: the private server is not running: pghost server start\n")
  end
end

local function is_option_of(name, option)
  return option == nil or (name == "stop" and option == "-f")
end

local function unknown(name)
  local names = {}
  for known in pairs(commands) do
    names[#names + 1] = known
  end
  errors.raise(("unknown command 'server %s'%s (see pghost server --help)"):format(name, nearest.hint(name, names)),
    "usage")
end

local name, option, more = ...
if name == "-h" or name == "--help" then
  io.write(usage)
  return 0
end
if name and not commands[name] then
  unknown(name)
elseif not commands[name] or not is_option_of(name, option) or more then
  io.stderr:write(usage)
  return 2
end
return commands[name](option)
