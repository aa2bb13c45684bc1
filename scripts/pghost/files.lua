-- From what a pipeline names (a path, a glob, a folder, a list of them, "-") to the files meant.
--
-- A zip stands for the CSV files in it. What is a zip, or compressed, is told by its bytes; names only say
-- what a folder is searched for.
--
-- Files come sorted by name, so that "first" means the same on every machine.

local csv = require "pghost.native.csv"
local errors = require "pghost.errors"
local lfs = require "lfs"

local M = {}

---@class pghost.File
---@field path string as opened; "-" is standard input
---@field name string last part of the path, for messages
---@field size? integer bytes, of a member of a zip those it has unpacked; nil for standard input and pipes
---@field read_once? string what it is, where its bytes are gone when they are read: "named pipe"
---@field member? string name of the file in the zip at `path`

-- What can be opened again and then gives the same bytes, by its mode.
local lasting = { file = true, ["block device"] = true }

-- What a folder is searched for.
local endings = { ".csv", ".csv.gz", ".csv.zst", ".csv.xz", ".csv.bz2", ".zip" }

local function last_part(path)
  return path:match("[^/]+$") or path
end

-- A member's name in messages and tables: whatever is in the zip, this is text on one line.
local function printable(name)
  name = name:gsub("[%c\127]", "?")
  return utf8.len(name) and name or (name:gsub("[\128-\255]", "?"))
end

local function is_csv_name(name)
  local folded = name:lower()
  return folded:find("%.csv$") or folded:find("%.tsv$") or folded:find("%.txt$")
end

-- What the maker of a zip did not mean to be in it.
local function is_clutter(name)
  return name:find("^__MACOSX/") or name:find("^%.") and not name:find("^%.%.?/") or last_part(name):find("^%.")
end

-- The CSV members among the members of a zip, or its only file whatever that is called.
local function choose_members(members)
  local chosen, rest = {}, {}
  for _, member in ipairs(members) do
    if not is_clutter(member.name) then
      rest[#rest + 1] = member
      chosen[#chosen + 1] = is_csv_name(member.name) and member or nil
    end
  end
  return #rest == 1 and rest or chosen
end

local function add_members(found, path, members)
  local chosen, seen = choose_members(members), {}
  if #chosen == 0 then
    errors.raise(("no .csv, .tsv or .txt file in the zip '%s'"):format(path), "archive")
  end
  for _, member in ipairs(chosen) do
    if seen[member.name] then
      errors.raise(("two files named '%s' in the zip '%s'"):format(printable(member.name), path), "archive")
    end
    seen[member.name] = true
    found[#found + 1] = { path = path, name = last_part(path) .. "/" .. printable(member.name), size = member.size,
      member = member.name }
  end
end

-- What gives its bytes once; nil: a file. A path below /dev/fd or /proc is what it leads to.
local function read_once(path, mode)
  if path == "-" then
    return "standard input"
  end
  return not lasting[mode] and (mode == "char device" and "device" or mode) or nil
end

-- Appends the file at `path`, or the files in it when it is a zip.
local function describe(found, path)
  local mode, size = lfs.attributes(path, "mode"), lfs.attributes(path, "size")
  local is_file = path ~= "-" and mode == "file"
  local members, message, code
  if is_file then
    members, message, code = csv.members(path)
  end
  if message then
    errors.raise(message, code)
  elseif members then
    add_members(found, path, members)
  else
    found[#found + 1] = { path = path, name = last_part(path), size = is_file and size or nil,
      read_once = read_once(path, mode) }
  end
end

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
    local inside, behind = glob:match("^%[([!^]?.[^%]]*)%]()", at)
    if inside then
      out[#out + 1] = to_set(inside)
    elseif char == "*" or char == "?" then
      out[#out + 1] = char == "*" and ".*" or "."
    else
      out[#out + 1] = char:gsub("%W", "%%%0")
    end
    at = behind or at + 1
  end
  return "^" .. table.concat(out) .. "$"
end

-- "cannot open x: Permission denied" of the file system, in our words.
local function raise_unreadable(path, message, code)
  errors.raise(("could not open '%s': %s"):format(path, message:match("[^:]*$"):lower():match("%S.*")), code)
end

-- The names in a folder; none in what is no folder.
local function entries(folder)
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

local function is_wanted(name)
  local folded = name:lower()
  for _, ending in ipairs(endings) do
    if folded:sub(-#ending) == ending then
      return true
    end
  end
  return false
end

local function in_folder(folder)
  local found = {}
  for _, name in ipairs(entries(folder)) do
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

local function expand(path)
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

--- Why a file cannot be read a second time, for messages: "standard input can be read only once".
---@param file pghost.File one with read_once
---@return string
function M.once(file)
  if file.path == "-" then
    return "standard input can be read only once"
  end
  return ("'%s' is a %s and can be read only once"):format(file.path, file.read_once)
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

local function is_link(path)
  return lfs.symlinkattributes(path, "mode") == "link"
end

--- One spelling for a path, whatever the current folder: absolute, without `.`, `//` and, behind what
--- is no link, `..`. Links stay as they are named.
---@param path string
---@return string
function M.absolute(path)
  if path == "-" then
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

-- What tells a file from others however it is named, links too; nil for what is no file.
local function identity(path)
  local attributes = path ~= "-" and lfs.attributes(path)
  return attributes and attributes.mode == "file" and attributes.dev .. ":" .. attributes.ino or path
end

--- The files that `spec` names, sorted by name, each once, however often and by whatever links it is named.
--- Raises when there is none.
---@param spec string|string[]
---@param folder? string that relative paths are relative to
---@return pghost.File[]
---@return { path: string, same_as: string }[] again paths that lead to a file that another one has led to
function M.resolve(spec, folder)
  local found, seen, again = {}, {}, {}
  for _, path in ipairs(type(spec) == "table" and spec or { spec }) do
    for _, match in ipairs(expand(M.join(folder, path))) do
      local id = identity(match)
      if not seen[id] then
        seen[id] = match
        describe(found, match)
      elseif seen[id] ~= match then
        again[#again + 1] = { path = match, same_as = seen[id] }
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
    if a.path ~= b.path then
      return a.path < b.path
    end
    return (a.member or "") < (b.member or "")
  end)
  return found, again
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
