-- Objects behind URLs: which ones a URL means, and what each is.
--
-- `s3://BUCKET/data/*.csv` and `s3://BUCKET/data/` are lists, as a glob and a folder are; http and https know no lists.
-- What is found has a version (ETag, or time of the last change), and every later read asks for that version: a load
-- never mixes two.

local errors = require "pghost.lib.errors"
local paths = require "pghost.lib.paths"
local remote = require "pghost.native.remote"

local M = {}

local function glob_start(url)
  return url:find("[*?%[]")
end

local function parts_of(text)
  local parts = {}
  for part in (text .. "/"):gmatch("([^/]*)/") do
    parts[#parts + 1] = part
  end
  return parts
end

-- As in a file system: a star never stands for a "/".
local function matches(key, glob)
  local given, wanted = parts_of(key), parts_of(glob)
  if #given ~= #wanted then
    return false
  end
  for i, part in ipairs(wanted) do
    if not paths.matches(given[i], part) then
      return false
    end
  end
  return true
end

local function list(prefix, shallow)
  return errors.check(remote.list(prefix, shallow))
end

local function expand_glob(url)
  local bucket, glob = url:match("^(s3://[^/]*)/(.*)$")
  if not bucket or bucket:find("[*?%[]") then
    errors.raise(("'%s': a glob can stand after the bucket only"):format(url), "usage")
  end
  local found = {}
  for _, key in ipairs(list(url:sub(1, glob_start(url) - 1), false)) do
    if matches(key, glob) then
      found[#found + 1] = bucket .. "/" .. key
    end
  end
  if #found == 0 then
    errors.raise(("no object matches '%s'"):format(url), "ENOENT")
  end
  return found
end

local function expand_folder(url)
  local bucket = url:match("^s3://[^/]*")
  local found = {}
  for _, key in ipairs(list(url, true)) do
    if paths.is_data(key) then
      found[#found + 1] = bucket .. "/" .. key
    end
  end
  if #found == 0 then
    errors.raise(("no .csv object below '%s'"):format(url), "ENOENT")
  end
  return found
end

--- The objects that a URL names. Raises when there is none, and for a scheme that is not read.
---@param url string
---@return string[]
function M.expand(url)
  local scheme = url:match("^(%w+)://")
  if scheme ~= "s3" then
    return { url }
  elseif glob_start(url) then
    return expand_glob(url)
  elseif url:find("/$") or not url:find("^s3://[^/]+/") then
    return expand_folder(url:find("/$") and url or url .. "/")
  end
  return { url }
end

-- The last part of its path, as its maker wrote it.
local function name_of(url)
  local path = url:gsub("^%w+://", ""):gsub("[?#].*$", "")
  local name = path:match("([^/]+)/*$") or path
  return (name:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

--- What is shown and recorded of a URL, the name of its file, and what is opened where that is more than is shown.
---@param url string
---@return string path, string name, string? url
function M.names(url)
  local shown = remote.shown(url)
  return shown, url:find("^s3:") and url:match("[^/]+$") or name_of(url), shown ~= url and url or nil
end

return M
