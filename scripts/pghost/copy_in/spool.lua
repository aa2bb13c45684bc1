-- The spool of a load: its rejects as the engine writes them, until it is known what becomes of them.
--
-- A temporary file of rows of the rejects stream: binary COPY without header and trailer. It has no
-- name: a kill leaves nothing of it.

local errors = require "pghost.errors"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.copy_in.Reject
---@field file_id integer position of the file in the load
---@field line integer
---@field offset integer
---@field length integer
---@field column? string
---@field rule string
---@field reason string
---@field original string

---@class pghost.copy_in.Spool a file of rejects as binary COPY rows; gone when closed
---@field file file*
---@field path string opens it, in this process
local Spool = {}
Spool.__index = Spool

---@return pghost.copy_in.Spool
function M.new()
  local file, path = errors.check(sys.temporary_file())
  return setmetatable({ file = file, path = path }, Spool)
end

function Spool:close()
  if self.file then
    self.file:close()
    self.file = nil
  end
end

Spool.__close = Spool.close

local function read_value(file)
  local length = string.unpack(">i4", file:read(4))
  return length > 0 and file:read(length) or length == 0 and "" or nil
end

local function read_integer(file)
  local bytes = read_value(file)
  return bytes and string.unpack(">i8", bytes)
end

-- In the order that bindings/load/row.c writes them.
local function read_reject(file)
  read_value(file) -- run_id
  read_value(file) -- table_name
  return {
    file_id = read_integer(file),
    line = read_integer(file),
    offset = read_integer(file),
    length = read_integer(file),
    column = read_value(file),
    rule = read_value(file),
    reason = read_value(file),
    original = read_value(file),
  }
end

--- Iterates over the rejects in the order they were written: by file, within a file by line unless
--- there were several workers.
---@return fun(): pghost.copy_in.Reject?
function Spool:rejects()
  local file = assert(io.open(self.path, "rb"))
  local function next_reject()
    if file:read(2) then
      return read_reject(file)
    end
    file:close()
  end
  return next_reject, nil, nil, file
end

--- The first few rejects by file and line.
---@param most integer
---@return pghost.copy_in.Reject[]
function Spool:first(most)
  local first = {}
  for reject in self:rejects() do
    local at = #first + 1
    while at > 1 and (first[at - 1].file_id > reject.file_id
      or (first[at - 1].file_id == reject.file_id and first[at - 1].line > reject.line)) do
      at = at - 1
    end
    if at <= most then
      table.insert(first, at, reject)
      first[most + 1] = nil
    end
  end
  return first
end

return M
