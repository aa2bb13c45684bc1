---@meta pghost.native.sys
-- The few facts about the system that neither Lua nor lua-filesystem gives (bindings/lua/sys.c).

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

--- Height of the terminal; nil when it is none.
---@param fd integer
---@return integer?
function sys.lines(fd) end

--- Processors online.
---@return integer
function sys.processors() end

---@return integer
function sys.pid() end

--- Name of the user who runs this process; its number when it has no name.
---@return string
function sys.user() end

--- An empty file in TMPDIR (else /tmp) without a name: it is gone with the process, however that ends.
---@return file*|nil file open for writing and reading
---@return string message_or_path `path` opens it once more, in this process, while `file` is open
---@return string? code errno name
function sys.temporary_file() end

--- A new file, open for writing; fails where something is, a link to a missing file too.
---@param path string
---@return file*|nil file
---@return string? message
---@return integer? number errno
function sys.create(path) end

--- What was written to a file is on the disk then; nothing for what cannot be synced (a pipe).
---@param file file*
---@return boolean|nil done
---@return string? message
---@return integer? number errno
function sys.sync(file) end

--- Appends to a file, which it creates if there is none: all of the text or nothing, in one piece.
---@param path string
---@param text string
---@return boolean|nil done
---@return string? message
---@return integer? number errno
function sys.append(path, text) end

--- The versions of libraries that this binary uses, as "3.0.3". That of libpq is in native.conn.
---@return { libcsv: string }
function sys.versions() end

--- The number of the signal that asked us to stop, if any.
---@return integer?
function sys.interrupted() end

return sys
