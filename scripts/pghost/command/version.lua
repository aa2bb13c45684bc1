-- pghost version (and --version): versions of pghost, Lua, the libraries and the server.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local connection = require "pghost.connection"
local host = require "pghost.native.host"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local function parse(arguments)
  local parser = argparse("pghost version", "Prints the versions of pghost, Lua, libpq, libcsv and the server. "
    .. "A private server that is not running is not started.")
  parser:epilog("Example: pghost version")
  return command_arguments.parse(parser, arguments, "pghost version")
end

parse { ... }
local versions = sys.versions()
print("pghost " .. host.version)
print("Lua " .. host.lua_version)
print("libpq " .. versions.libpq)
print("libcsv " .. versions.libcsv)
io.stdout:flush()
print("server " .. terminal_text.harmless(connection.server_version()))
