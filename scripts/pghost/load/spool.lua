-- The spool of a load: its rejects as the engine writes them, until their destination is known.
--
-- A temporary file of rows of the rejects stream: binary COPY without header and trailer. It has no name, so a kill
-- leaves nothing behind.

local errors = require "pghost.lib.errors"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.SpooledReject
---@field file_id integer position of the file in the load
---@field line integer
---@field offset integer
---@field length integer
---@field column? string
---@field rule string
---@field reason string
---@field original string

---@class pghost.Spool a file of rejects as binary COPY rows; gone when closed
---@field file file*
---@field path string opens it, in this process
local Spool = {}
Spool.__index = Spool

---@return pghost.Spool
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

local function value(bytes)
  return bytes and (">s4"):pack(bytes) or (">i4"):pack(-1)
end

local function integer(number)
  return value(number and (">i8"):pack(number))
end

--- Adds rejects that were found after the engine has written its own; in the order that bindings/load/row.c has.
---@param list pghost.SpooledReject[]
function Spool:add(list)
  local file <close> = assert(io.open(self.path, "ab"))
  for _, reject in ipairs(list) do
    assert(file:write((">i2"):pack(10), integer(), value(), integer(reject.file_id), integer(reject.line),
      integer(reject.offset), integer(reject.length), value(reject.column), value(reject.rule), value(reject.reason),
      value(reject.original)))
  end
end

-- The file is read in pieces.
local piece_size = 65536

local Walk = {}
Walk.__index = Walk

-- Whether that many bytes are there.
function Walk:has(count)
  if #self.piece - self.at + 1 < count then
    local piece, message = self.file:read(math.max(count, piece_size))
    if not piece and message then -- no end of the file
      errors.raise("could not read the rejects back: " .. message, "EIO")
    end
    self.piece = self.piece:sub(self.at) .. (piece or "")
    self.at = 1
  end
  return #self.piece - self.at + 1 >= count
end

function Walk:value()
  self:has(4)
  local length, at = string.unpack(">i4", self.piece, self.at)
  self.at = at
  if length < 0 then
    return nil
  end
  self:has(length)
  self.at = self.at + length
  return self.piece:sub(self.at - length, self.at - 1)
end

function Walk:integer()
  local bytes = self:value()
  return bytes and string.unpack(">i8", bytes)
end

-- In the order that bindings/load/row.c writes them.
local function read_reject(walk)
  walk.at = walk.at + 2 -- number of fields
  walk:value() -- run_id
  walk:value() -- table_name
  return {
    file_id = walk:integer(),
    line = walk:integer(),
    offset = walk:integer(),
    length = walk:integer(),
    column = walk:value(),
    rule = walk:value(),
    reason = walk:value(),
    original = walk:value(),
  }
end

--- Iterates over the rejects in the order they were written: by file, within a file by line unless
--- there were several workers.
---@return fun(): pghost.SpooledReject?
function Spool:rejects()
  local file = assert(io.open(self.path, "rb"))
  local walk = setmetatable({ file = file, piece = "", at = 1 }, Walk)
  local function next_reject()
    if walk:has(2) then
      return read_reject(walk)
    end
    file:close()
  end
  return next_reject, nil, nil, file
end

--- The first few rejects by file and line.
---@param most integer
---@param in_order? boolean there was one worker
---@param counts? fun(reject: pghost.SpooledReject): boolean default: all do
---@return pghost.SpooledReject[]
function Spool:first(most, in_order, counts)
  local first = {}
  for reject in self:rejects() do
    if in_order and #first == most then
      break
    end
    local at = #first + 1
    while at > 1 and (first[at - 1].file_id > reject.file_id
      or (first[at - 1].file_id == reject.file_id and first[at - 1].line > reject.line)) do
      at = at - 1
    end
    if at <= most and (not counts or counts(reject)) then
      table.insert(first, at, reject)
      first[most + 1] = nil
    end
  end
  return first
end

return M
