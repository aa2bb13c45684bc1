-- Paths: joining, normalising, and expanding globs and folders.

local errors = require "pghost.lib.errors"
local lfs = require "lfs"

local M = {}

-- What a folder is searched for.
local endings = { ".csv", ".csv.gz", ".csv.zst", ".csv.xz", ".csv.bz2", ".zip" }

-- What stands between the brackets of a glob as a Lua set: ranges of letters and digits stay ranges.
local function to_set(inside)
  local negated = inside:find("^[!^]") ~= nil
  local set = inside:sub(negated and 2 or 1):gsub("(%w)%-(%w)", "%1\0%2"):gsub("[%^%]%%%-]", "%%%0"):gsub("%z", "-")
  return "[" .. (negated and "^" or "") .. set .. "]"
end

-- A glob's part as a Lua pattern: * ? [abc] [a-c] [!abc]. A bracket that is never closed is one.
local function to_pattern(glob)
  local out, at = {}, 1
  while at <= #glob do
    local char = glob:sub(at, at)
    local inside, after = glob:match("^%[([!^]?.[^%]]*)%]()", at)
    if inside then
      out[#out + 1] = to_set(inside)
    elseif char == "*" or char == "?" then
      out[#out + 1] = char == "*" and ".*" or "."
    else
      out[#out + 1] = char:gsub("%W", "%%%0")
    end
    at = after or at + 1
  end
  return "^" .. table.concat(out) .. "$"
end

-- Rewords the file system's "cannot open x: Permission denied".
local function raise_unreadable(path, message, code)
  errors.raise(("could not open '%s': %s"):format(path, message:match("[^:]*$"):lower():match("%S.*")), code)
end

--- The names in a folder, sorted, without hidden ones; none if it is not a folder.
---@param folder string
---@return string[]
function M.entries(folder)
  local names = {}
  local readable, iterator, state = pcall(lfs.dir, folder)
  if readable then
    for name in iterator, state do
      if not name:find("^%.") then
        names[#names + 1] = name
      end
    end
  elseif lfs.attributes(folder, "mode") == "directory" then
    raise_unreadable(folder, iterator, "EACCES")
  end
  table.sort(names)
  return names
end

local function glob(pattern)
  local found = { pattern:sub(1, 1) == "/" and "/" or "" }
  for part in pattern:gmatch("[^/]+") do
    local next_found = {}
    for _, folder in ipairs(found) do
      local before = folder == "" and "" or folder == "/" and "/" or folder .. "/"
      if part:find("[*?%[]") then
        local pattern_of_part = to_pattern(part)
        for _, name in ipairs(M.entries(folder == "" and "." or folder)) do
          if name:find(pattern_of_part) then
            next_found[#next_found + 1] = before .. name
          end
        end
      elseif lfs.attributes(before .. part, "mode") then
        next_found[#next_found + 1] = before .. part
      end
    end
    found = next_found
  end
  return found
end

local function is_wanted(name)
  local folded = name:lower()
  for _, ending in ipairs(endings) do
    if folded:sub(-#ending) == ending then
      return true
    end
  end
  return false
end

--- Whether a name is that of a file that a folder stands for: CSV, also packed.
---@param name string
---@return boolean
M.is_data = is_wanted

--- Whether a name is one that a part of a glob means, between two slashes.
---@param name string
---@param part string
---@return boolean
function M.matches(name, part)
  return name:find(to_pattern(part)) ~= nil
end

local schemes = { http = true, https = true, s3 = true }

--- Whether a path is the URL of an object that can be read.
---@param path string
---@return boolean
function M.is_url(path)
  return schemes[path:match("^(%w+)://")] or false
end

local function in_folder(folder)
  local found = {}
  for _, name in ipairs(M.entries(folder)) do
    local path = folder:gsub("/+$", "") .. "/" .. name
    if is_wanted(name) and lfs.attributes(path, "mode") ~= "directory" then
      found[#found + 1] = path
    end
  end
  if #found == 0 then
    errors.raise(("no .csv file in folder '%s'"):format(folder), "ENOENT")
  end
  return found
end

local missing = { [2] = true, [20] = true, [36] = true } -- ENOENT, ENOTDIR; ENAMETOOLONG: a long glob

--- The paths that one names: a glob those it matches, a folder its CSV files, also packed. Raises when there is none.
---@param path string
---@return string[]
function M.expand(path)
  local mode, message, code = lfs.attributes(path, "mode")
  if not mode and not missing[code] and path ~= "-" then
    raise_unreadable(path, message, code == 13 and "EACCES" or "EIO")
  end
  if path == "-" or (mode and mode ~= "directory") then
    return { path }
  elseif mode == "directory" then
    return in_folder(path)
  elseif not path:find("[*?%[]") then
    local folder = path:match("^(.*)/[^/]*$") or "."
    if folder ~= "" and not lfs.attributes(folder, "mode") then
      errors.raise(("no such file '%s': there is no folder '%s'"):format(path, folder), "ENOENT")
    end
    errors.raise(("no such file '%s'"):format(path), "ENOENT")
  end
  local found = {}
  for _, match in ipairs(glob(path)) do
    if lfs.attributes(match, "mode") ~= "directory" then
      found[#found + 1] = match
    end
  end
  if #found == 0 then
    errors.raise(("no file matches '%s'"):format(path), "ENOENT")
  end
  return found
end

--- Joins a relative path to a folder; absolute paths, URLs and "-" stay as they are.
---@param folder? string
---@param path string
---@return string
function M.join(folder, path)
  if path == "-" or path:sub(1, 1) == "/" or M.is_url(path) or not folder or folder == "" or folder == "." then
    return path
  elseif path == "." then
    return folder
  end
  return (folder:gsub("/+$", "")) .. "/" .. path
end

local function is_link(path)
  return lfs.symlinkattributes(path, "mode") == "link"
end

--- One spelling for a path, whatever the current folder: absolute, without `.`, `//` and, after what
--- is not a link, `..`. Links stay as they are named.
---@param path string
---@return string
function M.absolute(path)
  if path == "-" or M.is_url(path) then
    return path
  end
  local parts = {}
  for part in (path:sub(1, 1) == "/" and path or lfs.currentdir() .. "/" .. path):gmatch("[^/]+") do
    if part == ".." and parts[#parts] ~= ".." and not is_link("/" .. table.concat(parts, "/")) then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return "/" .. table.concat(parts, "/")
end

--- The .sql (or other) files of a folder in name order.
---@param folder string
---@param extension string without the dot
---@return string[] paths
function M.list(folder, extension)
  if lfs.attributes(folder, "mode") ~= "directory" then
    errors.raise(("no such folder '%s'"):format(folder), "ENOENT")
  end
  local found = {}
  for _, name in ipairs(M.entries(folder)) do
    if name:sub(-#extension - 1) == "." .. extension then
      found[#found + 1] = M.join(folder, name)
    end
  end
  return found
end

return M
