-- pghost server start|stop|restart|status|env|psql|log: the private server by hand.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local server = require "pghost.native.server"
local shell = require "pghost.lib.shell"

local function new_parser()
  local parser = argparse("pghost server", "Starts, stops and shows the private server: the PostgreSQL that is yours "
    .. "alone, used where no database is configured.")
  parser:command("start", "Start it, and keep it running until `pghost server stop`.")
  parser:command("stop", "Stop it, once no pghost uses it any more."):flag("-f --force", "Now.")
  parser:command("restart", "Stop and start it."):flag("-f --force", "Even if it is in use.")
  parser:command("status", "Tell whether and where it runs; exit code 3 when it does not.")
  parser:command("env", 'Print lines for the shell: eval "$(pghost server env)"; psql')
  parser:command("psql", "Run psql in it, with any of psql's arguments."):handle_options(false):add_help(false)
    :argument("arguments"):args("*")
  local log = parser:command("log", "Print the last lines of its log.")
  log:option("-n --lines", "How many."):argname("N"):convert(command_arguments.whole(1)):default "50"
  log:flag("-f --follow", "And what comes.")
  parser:command_target("command")
  parser:epilog("Example: pghost server psql -c '\\dt'")
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

function commands.restart(options)
  local kept = errors.check(server.status()).kept
  if errors.check(server.stop(options.force or false)) == "in use" then
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

function commands.psql(options)
  errors.check(server.ensure())
  local variables, words = errors.check(server.env()), { unset }
  for _, name in ipairs { "PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGREQUIREPEER" } do
    words[#words + 1] = name .. "=" .. shell.quote(variables[name])
  end
  words[#words + 1] = "psql"
  local code = shell.run(table.concat(words, " "), table.unpack(options.arguments))
  if code == 127 then
    errors.raise("psql is not installed: it comes with the package postgresql-client", "ENOENT")
  end
  return code
end

function commands.log(options)
  local path = errors.check(server.status()).log
  if lfs.attributes(path, "mode") ~= "file" then
    errors.raise("the private server has no log yet: it was never started", "ENOENT")
  end
  return shell.run("tail", "-n", tostring(options.lines), options.follow and "-F" or "--", path)
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
  for _, name in ipairs { "PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGREQUIREPEER" } do
    print(("export %s=%s"):format(name, shell.quote(variables[name])))
  end
  if errors.check(server.status()).state ~= "running" then
    io.stderr:write("pghost: the private server is not running: pghost server start\n")
  end
end

local options = command_arguments.parse(new_parser(), { ... }, "pghost server")
return commands[options.command](options)
