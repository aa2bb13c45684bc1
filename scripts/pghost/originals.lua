-- The original bytes of rejects that were found on the server (duplicates, rules run again over a
-- raw table): read again from the files by physical line, in one pass a file, in constant memory.
--
-- These records were well-formed when they were loaded, so a record ends at the first line end with
-- an even number of quotes before it. Standard input and files that have changed stay without.

local lfs = require "lfs"

local M = {}

local batch_size = 500 -- rejects that are updated at once
local block_size = 1024 * 1024 -- bytes that are read at once

-- A walk through a file, in the order of its lines.
local Walk = {}
Walk.__index = Walk

local function new_walk()
  return setmetatable({}, Walk)
end

function Walk:close()
  if self.file then
    self.file:close()
    self.file = nil
  end
end

Walk.__close = Walk.close

-- "\n", or "\r" for a file that has no line feed at its start but carriage returns.
local function find_line_end(file)
  local start = file:read(65536) or ""
  file:seek("set", 0)
  return (start:find("\r", 1, true) and not start:find("\n", 1, true)) and "\r" or "\n"
end

-- Goes to the start of the file of `row`; a file that is not as it was gives no records.
function Walk:start(row)
  self:close()
  self.file_id = row.file_id
  if row.path == "-" or lfs.attributes(row.path, "mode") ~= "file"
    or lfs.attributes(row.path, "size") ~= row.size then
    return
  end
  self.file = io.open(row.path, "rb")
  if self.file then
    self.line_end = find_line_end(self.file)
    self.block, self.at = "", 1 -- bytes in memory, and where the next line starts in them
    self.base = 0 -- offset of the block in the file
    self.line = 1 -- number of the next line
  end
end

-- Reads on, keeping what follows `at`. False at the end of the file.
function Walk:refill()
  local more = self.file:read(block_size)
  if more then
    self.base = self.base + self.at - 1
    self.block, self.at = self.block:sub(self.at) .. more, 1
  end
  return more ~= nil
end

-- Goes to the start of a line further down. False when the file has no such line.
function Walk:skip_to(line)
  while self.line < line do
    local stop = self.block:find(self.line_end, self.at, true)
    if stop then
      self.at, self.line = stop + 1, self.line + 1
    elseif not self:refill() then
      return false
    end
  end
  return self.at <= #self.block or self:refill()
end

-- The next physical line with its end.
function Walk:next_line()
  local stop
  repeat
    stop = self.block:find(self.line_end, self.at, true)
  until stop or not self:refill()
  stop = stop or #self.block
  local text = self.block:sub(self.at, stop)
  self.at, self.line = stop + 1, self.line + 1
  return text
end

-- Byte offset and bytes of the record that starts on a physical line, nil when there is none.
function Walk:fetch(line)
  if not self.file or not self:skip_to(line) then
    return nil
  end
  local start, pieces, quotes = self.base + self.at - 1, {}, 0
  repeat
    local text = self:next_line()
    pieces[#pieces + 1] = text
    quotes = quotes + select(2, text:gsub('"', ""))
  until quotes % 2 == 0 or text == ""
  local bytes = table.concat(pieces):gsub(self.line_end .. "$", "")
  return start, (self.line_end == "\n" and bytes:gsub("\r$", "") or bytes)
end

local hex = {}
for byte = 0, 255 do
  hex[string.char(byte)] = ("%02x"):format(byte)
end

local function to_hex(bytes)
  return (bytes:gsub(".", hex))
end

local function flush(conn, batch)
  if #batch.ids == 0 then
    return
  end
  local function array(list)
    return "{" .. table.concat(list, ",") .. "}"
  end
  conn:query([[
    UPDATE pghost.rejects AS r
    SET byte_offset = n.byte_offset, byte_length = octet_length(decode(n.original, 'hex')),
      original = decode(n.original, 'hex')
    FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS n (reject_id, byte_offset, original)
    WHERE r.reject_id = n.reject_id]], array(batch.ids), array(batch.offsets), array(batch.originals))
  batch.ids, batch.offsets, batch.originals = {}, {}, {}
end

-- What is missing, in the order of the files.
local missing = [[
  SELECT r.reject_id, r.file_id, r.line, f.path, f.size
  FROM pghost.rejects AS r JOIN pghost.files AS f USING (file_id)
  WHERE r.run_id = $1 AND r.table_name = $2 AND r.byte_offset IS NULL
  ORDER BY r.file_id, r.line]]

local function add(batch, reject_id, offset, bytes)
  local n = #batch.ids + 1
  batch.ids[n], batch.offsets[n], batch.originals[n] = reject_id, offset, to_hex(bytes)
end

--- Fills in offset, length and bytes of the rejects of one table of a run that lack them.
---@param run pghost.Run
---@param name string table that the records were meant for
function M.fill(run, name)
  local batch = { ids = {}, offsets = {}, originals = {} }
  local walk <close> = new_walk()
  for row in run:connection("rejects"):stream(missing, run.id, name) do
    if row.file_id ~= walk.file_id then
      walk:start(row)
    end
    local offset, bytes = walk:fetch(row.line)
    if offset then
      add(batch, row.reject_id, offset, bytes)
    end
    if #batch.ids >= batch_size then
      flush(run.conn, batch)
    end
  end
  flush(run.conn, batch)
end

return M
