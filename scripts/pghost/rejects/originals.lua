-- The original bytes of rejects that were found on the server (duplicates, rules run again over a raw table): read
-- again from the files, in the way they were loaded, by the line that a record starts on; in one pass per file, in
-- constant memory.
--
-- Rejects from standard input and changed files stay without.

local contents = require "pghost.input.contents"
local dialect = require "pghost.input.dialect"
local hex = require "pghost.lib.hex"
local lfs = require "lfs"
local paths = require "pghost.lib.paths"

local M = {}

local batch_size = 500 -- rejects that are updated at once

-- A walk through a file, in the order of its lines.
local Walk = {}
Walk.__index = Walk

local function new_walk(options)
  return setmetatable({ options = options or {} }, Walk)
end

function Walk:close()
  if self.source then
    self.source:close()
    self.source = nil
  end
end

Walk.__close = Walk.close

local function size_of(row)
  if not row.member and not paths.is_url(row.path) then
    return lfs.attributes(row.path, "size")
  end
  local seen = contents.look(row, 0) or {}
  for _, member in ipairs(row.member and seen.members or {}) do
    if member.name == row.member then
      return member.size
    end
  end
  return not row.member and seen.size or nil
end

local function is_there(row)
  return row.path ~= "-" and (paths.is_url(row.path) or lfs.attributes(row.path, "mode") == "file")
    and size_of(row) == row.size
end

-- Goes to the start of the file of `row`; a file that has changed gives no records.
function Walk:start(row)
  self:close()
  self.file_id = row.file_id
  if is_there(row) then
    self.source = contents.open(row, dialect.of_file(self.options, row))
  end
end

-- Byte offset and bytes of the record that starts on a physical line, nil when there is none.
function Walk:fetch(line)
  if self.source then
    return self.source:find(line)
  end
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
    SET byte_offset = n.byte_offset, byte_length = pg_catalog.length(n.original) OPERATOR(pg_catalog./) 2,
      original = pg_catalog.decode(n.original, 'hex')
    FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]), pg_catalog.unnest($2::pg_catalog.int8[]),
      pg_catalog.unnest($3::pg_catalog.text[])) AS n (reject_id, byte_offset, original)
    WHERE r.reject_id = n.reject_id]], array(batch.ids), array(batch.offsets), array(batch.originals))
  batch.ids, batch.offsets, batch.originals = {}, {}, {}
end

-- What is missing, in the order of the files.
local missing = [[
  SELECT r.reject_id, r.file_id, r.line, f.path, f.member, f.encoding, coalesce(f.input_size, f.size) AS size
  FROM pghost.rejects AS r JOIN pghost.files AS f USING (file_id)
  WHERE r.run_id = $1 AND r.table_name = $2 AND r.byte_offset IS NULL
  ORDER BY r.file_id, r.line]]

local function add(batch, reject_id, offset, bytes)
  local n = #batch.ids + 1
  batch.ids[n], batch.offsets[n], batch.originals[n] = reject_id, offset, hex.encode(bytes)
end

--- Fills in offset, length and bytes of the rejects of one table of a run that lack them.
---@param run pghost.Run
---@param name string table that the records were meant for
---@param options? pghost.Dialect of the files
---@param files? pghost.FileResult[] that this run has read: their paths as they are, where the history has them escaped
function M.fill(run, name, options, files)
  local read = {}
  for _, one in ipairs(files or {}) do
    read[one.id or one] = one.file
  end
  local batch = { ids = {}, offsets = {}, originals = {} }
  local walk <close> = new_walk(options)
  for row in run:connection("rejects"):stream(missing, run.id, name) do
    if row.file_id ~= walk.file_id then
      local file = read[row.file_id] or { path = row.path, member = row.member }
      walk:start { file_id = row.file_id, size = row.size, encoding = row.encoding, path = file.path,
        member = file.member, url = file.url, version = file.version }
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
