-- From what a pipeline names (a path, a glob, a folder, a list of them, "-") to the files meant.
--
-- Files come sorted by name, so that "first" means the same on every machine.

local errors = require "pghost.errors"
local lfs = require "lfs"

local M = {}

---@class pghost.File
---@field path string as opened; "-" is standard input
---@field name string last part of the path, for messages
---@field size? integer bytes; nil for standard input and pipes

local function describe(path)
  return { path = path, name = path:match("[^/]+$") or path, size = lfs.attributes(path, "size") }
end

-- A glob's part as a Lua pattern: * ? [abc] [!abc].
local function to_pattern(glob)
  local pattern = glob:gsub("[%^$().%%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", "."):gsub("%[!", "[^")
  return "^" .. pattern .. "$"
end

local function entries(folder)
  local names = {}
  local readable, iterator, state = pcall(lfs.dir, folder)
  if readable then
    for name in iterator, state do
      if not name:find("^%.") then
        names[#names + 1] = name
      end
    end
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
        for _, name in ipairs(entries(folder == "" and "." or folder)) do
          if name:find(to_pattern(part)) then
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

local function in_folder(folder)
  local found = {}
  for _, name in ipairs(entries(folder)) do
    local path = folder:gsub("/+$", "") .. "/" .. name
    if name:lower():find("%.csv$") and lfs.attributes(path, "mode") ~= "directory" then
      found[#found + 1] = path
    end
  end
  if #found == 0 then
    errors.raise(("no .csv file in folder '%s'"):format(folder), "ENOENT")
  end
  return found
end

local function expand(path)
  local mode = lfs.attributes(path, "mode")
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

--- Joins a relative path to a folder; absolute paths and "-" stay as they are.
---@param folder? string
---@param path string
---@return string
function M.join(folder, path)
  if path == "-" or path:sub(1, 1) == "/" or not folder or folder == "" or folder == "." then
    return path
  elseif path == "." then
    return folder
  end
  return (folder:gsub("/+$", "")) .. "/" .. path
end

--- The files that `spec` names, sorted by name, each once. Raises when there is none.
---@param spec string|string[]
---@param folder? string that relative paths are relative to
---@return pghost.File[]
function M.resolve(spec, folder)
  local found, seen = {}, {}
  for _, path in ipairs(type(spec) == "table" and spec or { spec }) do
    for _, match in ipairs(expand(M.join(folder, path))) do
      if not seen[match] then
        seen[match] = true
        found[#found + 1] = describe(match)
      end
    end
  end
  if #found == 0 then
    errors.raise("no files given", "usage")
  end
  table.sort(found, function(a, b)
    if a.name ~= b.name then
      return a.name < b.name
    end
    return a.path < b.path
  end)
  return found
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
  for _, name in ipairs(entries(folder)) do
    if name:sub(-#extension - 1) == "." .. extension then
      found[#found + 1] = M.join(folder, name)
    end
  end
  return found
end

return M
