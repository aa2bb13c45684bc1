-- pghost version (and --version): versions of pghost, Lua, the libraries and the server.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local connection = require "pghost.connection"
local host = require "pghost.native.host"
local native_conn = require "pghost.native.conn"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local function parse(arguments)
  local parser = argparse("pghost version", "Prints the versions of pghost, Lua, libpq, libcsv and the server. "
    .. "A private server that is not running is not started.")
  parser:epilog("Example: pghost version")
  return command_arguments.parse(parser, arguments, "pghost version")
end

parse { ... }
print("pghost " .. host.version)
print("Lua " .. host.lua_version)
print("libpq " .. native_conn.libpq_version())
print("libcsv " .. sys.versions().libcsv)
io.stdout:flush()
print("server " .. terminal_text.harmless(connection.server_version()))
