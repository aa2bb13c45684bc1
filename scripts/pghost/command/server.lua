-- pghost server start|stop|restart|status|env|psql|log: the private server by hand.

local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local nearest = require "pghost.lib.nearest"
local server = require "pghost.native.server"
local shell = require "pghost.lib.shell"

local usage = [[
usage: pghost server start         start it, and keep it running until `pghost server stop`
       pghost server stop [-f]     stop it, once no pghost uses it any more (-f: now)
       pghost server restart [-f]  stop and start it (-f: even if it is in use)
       pghost server status        tell whether and where it runs; exit code 3 when it does not
       pghost server env           lines for the shell: eval "$(pghost server env)"; psql
       pghost server psql [ARG...] psql in it, with any of psql's arguments
       pghost server log [-n N] [-f]  the last N lines of its log (50); -f: and what comes
Example: pghost server psql -c '\dt'
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

function commands.restart(option)
  local kept = errors.check(server.status()).kept
  if errors.check(server.stop(option == "-f")) == "in use" then
    if kept then
      errors.check(server.start()) -- as it was
    end
    errors.raise("the private server is in use: restart it when nobody uses it, or now with `pghost server restart -f`",
      "usage", { exit = 1 })
  end
  commands.start()
end

-- What would lead psql elsewhere, or into trouble.
local unset = "env -u PGSERVICE -u PGSERVICEFILE -u PGHOSTADDR -u PGSSLMODE -u PGOPTIONS -u PGPASSWORD"

function commands.psql(...)
  errors.check(server.ensure())
  local variables, words = errors.check(server.env()), { unset }
  for _, name in ipairs { "PGHOST", "PGPORT", "PGDATABASE", "PGUSER" } do
    words[#words + 1] = name .. "=" .. shell.quote(variables[name])
  end
  words[#words + 1] = "psql"
  local code = shell.run(table.concat(words, " "), ...)
  if code == 127 then
    errors.raise("psql is not installed: it comes with the package postgresql-client", "ENOENT")
  end
  return code
end

local function log_options(...)
  local lines, follow, words = 50, false, { ... }
  local at = 1
  while words[at] do
    if words[at] == "-f" then
      follow = true
    elseif words[at] == "-n" and words[at + 1] then
      local count, problem = command_arguments.whole(1)(words[at + 1])
      lines, at = count or errors.raise("-n: " .. problem, "usage"), at + 1
    else
      errors.raise(("unknown argument '%s' (see pghost server --help)"):format(words[at]), "usage")
    end
    at = at + 1
  end
  return lines, follow
end

function commands.log(...)
  local lines, follow = log_options(...)
  local path = errors.check(server.status()).log
  if lfs.attributes(path, "mode") ~= "file" then
    errors.raise("the private server has no log yet: it was never started", "ENOENT")
  end
  return shell.run("tail", "-n", tostring(lines), table.unpack { follow and "-F" or "--", path })
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
    print(("export %s=%s"):format(name, shell.quote(variables[name])))
  end
  if errors.check(server.status()).state ~= "running" then
    io.stderr:write("pghost: the private server is not running: pghost server start\n")
  end
end

local with_arguments = { psql = true, log = true }

local function takes(name, option, more)
  local may_force = name == "stop" or name == "restart"
  return with_arguments[name] or not more and (option == nil or option == "-f" and may_force)
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
elseif not commands[name] or not takes(name, option, more) then
  io.stderr:write(usage)
  return 2
end
return commands[name](select(2, ...))
