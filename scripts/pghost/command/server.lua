-- pghost server start|stop|status|env: the private server by hand.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local server = require "pghost.native.server"

local function new_parser()
  local parser = argparse("pghost server", "Starts, stops and shows the private server: the PostgreSQL that is yours "
    .. "alone, used where no database is configured.")
  parser:command("start", "Start it, and keep it running until `pghost server stop`.")
  parser:command("stop", "Stop it, once no pghost uses it any more."):flag("-f --force", "Now.")
  parser:command("status", "Tell whether and where it runs; exit code 3 when it does not.")
  parser:command("env", "Print lines for the shell.")
  parser:command_target("command")
  parser:epilog('Example: eval "$(pghost server env)"; psql')
  return parser
end

local commands = {}

function commands.start()
  errors.check(server.start())
  local status = errors.check(server.status())
  print(("running in '%s' until `pghost server stop`"):format(status.folder))
end

function commands.stop(options)
  local result = errors.check(server.stop(options.force or false))
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

local options = command_arguments.parse(new_parser(), { ... }, "pghost server")
return commands[options.command](options)
