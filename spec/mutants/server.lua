-- A server for the specs of a trial of mutants: prints the folder of its socket, and runs until its input ends.
package.path = arg[0]:match "^(.*)/mutants/" .. "/?.lua;" .. package.path

local server <close> = require("support.server").start "max_connections = 200"
print(server.socket)
io.stdout:flush()
io.read "a"
