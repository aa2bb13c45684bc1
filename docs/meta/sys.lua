---@meta pghost.native.sys

--- The few facts about the system that neither Lua nor lua-filesystem gives.
---@class pghost.native.sys
local sys = {}

--- A clock that never goes back; only differences mean something.
---@return number seconds
function sys.clock() end

--- Waits, or returns early when a signal arrives.
---@param seconds number from 0
function sys.sleep(seconds) end

--- Whether a file descriptor is a terminal.
---@param fd integer 0, 1, 2: stdin, stdout, stderr
---@return boolean
function sys.is_tty(fd) end

--- The width of the terminal.
---@param fd integer
---@return integer? columns nil when the descriptor is no terminal
function sys.columns(fd) end

--- Processors that are online.
---@return integer
function sys.processors() end

--- The process id.
---@return integer
function sys.pid() end

--- The signal that asked the process to stop, if one did.
---@return integer? signal
function sys.interrupted() end

return sys
