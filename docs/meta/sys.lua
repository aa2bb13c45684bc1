---@meta pghost.native.sys
-- The few facts about the system that neither Lua nor lua-filesystem gives (bindings/sys.c).

local sys = {}

--- Seconds of a clock that never goes back.
---@return number
function sys.clock() end

--- Returns early when a signal arrives.
---@param seconds number from 0
function sys.sleep(seconds) end

---@param fd integer
---@return boolean
function sys.is_tty(fd) end

--- Width of the terminal; nil when it is none.
---@param fd integer
---@return integer?
function sys.columns(fd) end

--- Processors online.
---@return integer
function sys.processors() end

---@return integer
function sys.pid() end

--- The number of the signal that asked us to stop, if any.
---@return integer?
function sys.interrupted() end

return sys
