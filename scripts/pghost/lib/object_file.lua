-- Writes an object in a store like a file: completely, or it stays as it was.

local errors = require "pghost.lib.errors"
local remote = require "pghost.native.remote"
local sys = require "pghost.native.sys"

local M = {}

local packings = { gz = "gzip", zst = "zstd", xz = "xz", bz2 = "bzip2" }

--- Writes an object: its bytes go to a temporary file without a name first, then into the store.
---@param url string s3://BUCKET/KEY
---@param fill fun(path: string, packing?: string): any writes the file; `packing` by the end of the URL
---@return any of `fill`
function M.write(url, fill)
  if not url:find("^s3://[^/]+/.*[^/]$") then
    errors.raise(("cannot write to '%s': a file or s3://BUCKET/KEY expected"):format(remote.shown(url)), "usage")
  end
  local file <close>, place = errors.check(sys.temporary_file())
  local result = fill(place, packings[url:match("%.(%w+)$")])
  errors.check(remote.upload(place, url))
  assert(file)
  return result
end

return M
