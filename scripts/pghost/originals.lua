-- The original bytes of rejects that were found on the server (duplicates, rules run again over a
-- raw table): read again from the files by physical line, in one pass a file, in constant memory.
--
-- These records were well-formed when they were loaded, so a record ends at the first line end with
-- an even number of quotes before it. Standard input and files that have changed stay without.

local errors = require "pghost.errors"
local lfs = require "lfs"

local M = {}

local batch_size = 500

-- Walks a file; fetch(line) gives the byte offset and the bytes of the record that starts there.
-- Lines must be asked for in rising order.
local function walker(path, line_end)
  local file, message = io.open(path, "rb")
  if not file then
    errors.raise("could not open " .. message, "ENOENT")
  end
  local rest, offset, at = "", 0, 1
  local function next_line()
    if line_end == "\n" then
      return file:read("L")
    end
    while not rest:find("\r", 1, true) do
      local more = file:read(65536)
      if not more then
        break
      end
      rest = rest .. more
    end
    local line = rest:match("^[^\r]*\r?")
    rest = rest:sub(#line + 1)
    return line ~= "" and line or nil
  end
  local function fetch(line)
    local text
    while at <= line do
      text = next_line()
      if not text then
        return nil
      end
      offset, at = offset + #text, at + 1
    end
    local start, pieces, quotes = offset - #text, {}, 0
    repeat
      quotes = quotes + select(2, text:gsub('"', ""))
      pieces[#pieces + 1] = text
      if quotes % 2 == 0 then
        break
      end
      text = next_line()
      offset, at = offset + #(text or ""), at + 1
    until not text
    local bytes = table.concat(pieces):gsub("[\r\n]$", "")
    return start, (line_end == "\n" and bytes:gsub("\r$", "") or bytes)
  end
  return fetch, file
end

-- "\n", or "\r" for a file that has no line feed at its start but carriage returns.
local function find_line_end(path)
  local file <close> = io.open(path, "rb")
  local start = file and file:read(65536) or ""
  return (start:find("\r", 1, true) and not start:find("\n", 1, true)) and "\r" or "\n"
end

local function to_hex(bytes)
  return (bytes:gsub(".", function(char)
    return ("%02x"):format(char:byte())
  end))
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

local function unchanged(path, size)
  return path ~= "-" and lfs.attributes(path, "mode") == "file" and lfs.attributes(path, "size") == size
end

--- Fills in offset, length and bytes of the rejects of one table of a run that lack them.
---@param run pghost.Run
---@param name string table that the records were meant for
function M.fill(run, name)
  local reader <close> = run:open()
  local batch = { ids = {}, offsets = {}, originals = {} }
  local current, fetch, file
  for row in reader:stream([[
      SELECT r.reject_id, r.file_id, r.line, f.path, f.size FROM pghost.rejects AS r JOIN pghost.files AS f USING (file_id)
      WHERE r.run_id = $1 AND r.table_name = $2 AND r.byte_offset IS NULL ORDER BY r.file_id, r.line]],
      run.id, name) do
    if row.file_id ~= current then
      if file then
        file:close()
      end
      current, fetch, file = row.file_id, nil, nil
      if unchanged(row.path, row.size) then
        fetch, file = walker(row.path, find_line_end(row.path))
      end
    end
    local offset, bytes = nil, nil
    if fetch then
      offset, bytes = fetch(row.line)
    end
    if offset then
      batch.ids[#batch.ids + 1] = row.reject_id
      batch.offsets[#batch.offsets + 1] = offset
      batch.originals[#batch.originals + 1] = to_hex(bytes)
      if #batch.ids >= batch_size then
        flush(run.conn, batch)
      end
    end
  end
  if file then
    file:close()
  end
  flush(run.conn, batch)
end

return M
