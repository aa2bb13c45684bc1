-- The contents of a file: to be read as CSV, sniffed or hashed. Everything a load reads from its files goes through
-- here.
--
-- A small file that is not compressed is opened and read once, when it is found (files.lua); header, dialect, hash and
-- records are taken from those bytes, so they are consistent even if the file is replaced in between. Others are opened
-- each time.

local csv = require "pghost.native.csv"
local errors = require "pghost.lib.errors"

local M = {}

M.small = 64 * 1024 -- bytes of a file that is kept
M.kept = 16 * 1024 * 1024 -- bytes of all files of a load that are

--- What is opened: of a URL all of it, also what is neither shown nor recorded.
---@param file pghost.File
---@return string
function M.place(file)
  return file.url or file.path
end

--- Opens a file to read its records.
---@param file pghost.File
---@param options pghost.csv.Options
---@return pghost.Source? source
---@return string? message
---@return string? code
function M.open(file, options)
  if file.contents then
    return csv.open_string(file.contents, options, file.path)
  end
  return csv.open(M.place(file), options)
end

--- What a file is, and its first bytes.
---@param file { path: string, url?: string }
---@param most integer bytes of a file that is not compressed to return
---@return table? found size, members of a zip, bytes
---@return string? message
---@return string? code
function M.look(file, most)
  return csv.look(M.place(file), most)
end

--- Looks at a file (sniff.lua); raises what cannot be read, is empty, or is not text.
---@param file pghost.File
---@param options pghost.sniff.Options
---@return pghost.sniff.Result
function M.sniff(file, options)
  local sniff = require "pghost.sniff" -- most loads sniff nothing
  if file.contents then
    return sniff.sniff_contents(file.path, file.contents, options)
  end
  local result = sniff.sniff(M.place(file), options)
  result.file = file.path == "-" and result.file or file.path
  return result
end

--- Size and hash of a file, or of its beginning; raises what cannot be read.
---@param file pghost.File
---@param limit? integer bytes at most
---@return { bytes: integer, sha256: string }
function M.digest(file, limit)
  if file.contents then
    local bytes = limit and file.contents:sub(1, limit) or file.contents
    return { bytes = #bytes, sha256 = errors.check(csv.hash(bytes)) }
  end
  return errors.check(csv.digest(M.place(file), limit, { member = file.member, version = file.version }))
end

M.sample = 64 * 1024 -- bytes at each place that is compared

local function sample_of(file)
  local handle, message, number = io.open(file.path, "rb")
  if not handle then
    errors.raise(message, number == 2 and "ENOENT" or "EIO")
  end
  local _ <close> = handle
  local size, bytes = handle:seek "end", {}
  local places = size > 3 * M.sample and { 0, (size - M.sample) // 2, size - M.sample } or { 0 }
  for i, place in ipairs(places) do
    handle:seek("set", place)
    bytes[i] = handle:read(#places > 1 and M.sample or 3 * M.sample) or ""
  end
  return size, table.concat(bytes)
end

--- Hash of the size of a file as it is stored, and of its first, middle and last 64 KiB; of one up to 192 KiB all
--- bytes count. Raises what cannot be read.
---@param file { path: string, contents?: string } not a URL
---@return string sha256
function M.sampled(file)
  local size, bytes
  if file.contents then
    size, bytes = #file.contents, file.contents
  else
    size, bytes = sample_of(file)
  end
  return (errors.check(csv.hash(("%d\n"):format(size) .. bytes)))
end

return M
