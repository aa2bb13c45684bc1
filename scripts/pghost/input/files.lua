-- Turns what a pipeline names (a path, a glob, a folder, a URL, a list of them, "-") into files, each once, with what
-- it is.
--
-- A zip stands for the CSV files in it. Zips and compressed files are detected by their bytes.
--
-- Files come sorted by name, so that "first" means the same on every machine.

local contents = require "pghost.input.contents"
local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local paths = require "pghost.lib.paths"

local M = {}

---@class pghost.File
---@field path string as shown and recorded; "-" is standard input
---@field url? string what is opened, of a URL with what is not to be shown
---@field version? string of an object behind a URL
---@field name string last part of the path, for messages
---@field size? integer bytes, of a member of a zip those it has unpacked; nil for standard input and pipes
---@field read_once? string what it is, where its bytes are gone when they are read: "named pipe"
---@field member? string name of the file in the zip at `path`
---@field contents? string all its bytes, of a small file (contents.lua)

-- Files, by mode, that can be opened again and give the same bytes.
local lasting = { file = true, ["block device"] = true }

local function last_part(path)
  return path:match("[^/]+$") or path
end

-- A name in messages and tables: whatever the zip or folder contains, this is text on one line.
local printable = require("pghost.input.printable").printable

local packed_names = { gz = true, tgz = true, bz2 = true, xz = true, zst = true, zip = true, ["7z"] = true, rar = true,
  tar = true }

local function is_csv_name(name)
  local folded = name:lower()
  return folded:find("%.csv$") or folded:find("%.tsv$") or folded:find("%.txt$")
end

-- Files that the maker of a zip did not mean to include.
local function is_clutter(name)
  return name:find("^__MACOSX/") or name:find("^%.") and not name:find("^%.%.?/") or last_part(name):find("^%.")
end

-- Compressed files within a zip may be part of the data: they are not decompressed silently.
local function refuse_packed(path, name)
  local ending = name:lower():match("%.(%w+)$")
  if ending and packed_names[ending] then
    errors.raise(("'%s' in the zip '%s' is itself compressed: unpack the zip and load the files"):format(
      printable(name), printable(path)), "archive")
  end
end

-- The CSV members among the members of a zip, or its only file whatever that is called; and the names of the others.
local function choose_members(path, members)
  local chosen, rest, left = {}, {}, {}
  for _, member in ipairs(members) do
    if not is_clutter(member.name) then
      refuse_packed(path, member.name)
      rest[#rest + 1] = member
      local list = is_csv_name(member.name) and chosen or left
      list[#list + 1] = list == left and printable(member.name) or member
    end
  end
  if #rest == 1 then
    return rest, {}
  end
  return chosen, left
end

local function add_members(found, path, members, passed, object)
  local chosen, left = choose_members(path, members)
  local seen = {}
  if #chosen == 0 then
    errors.raise(("no .csv, .tsv or .txt file in the zip '%s'"):format(printable(path)), "archive")
  end
  if #left > 0 then
    passed[#passed + 1] = { path = printable(path), members = left }
  end
  for _, member in ipairs(chosen) do
    if seen[member.name] then
      errors.raise(("two files named '%s' in the zip '%s'"):format(printable(member.name), printable(path)),
        "archive")
    end
    seen[member.name] = true
    found[#found + 1] = { path = path, name = printable(last_part(path)) .. "/" .. printable(member.name),
      size = member.size, member = member.name, url = object and object.url, version = object and object.version }
  end
end

-- The kind of a source that gives its bytes only once; nil: a file. A path below /dev/fd or /proc counts as what it
-- leads to.
local function read_once(path, mode)
  if path == "-" then
    return "standard input"
  end
  return not lasting[mode] and (mode == "char device" and "device" or mode) or nil
end

-- What a file is, opened once; `kept` is how many bytes may still be kept.
local function look(path, kept)
  return errors.check(contents.look({ path = path }, math.min(contents.small, kept)))
end

-- Appends the object at a URL, or the files in it when it is a zip. Returns how many bytes it has kept.
local function describe_object(found, address, passed, kept)
  local path, name, url = require("pghost.input.urls").names(address)
  local seen = look(address, kept)
  if seen.members then
    add_members(found, path, seen.members, passed, { url = url, version = seen.version })
    return 0
  end
  found[#found + 1] = { path = path, name = printable(name), url = url, version = seen.version,
    contents = seen.contents, size = seen.size > 0 and seen.size or nil,
    read_once = not seen.version and not seen.contents and "URL without a version (ETag or Last-Modified)" or nil }
  return seen.contents and #seen.contents or 0
end

-- Appends the file at `path`, or the files in it when it is a zip. Returns how many bytes it has kept.
local function describe(found, path, facts, passed, kept)
  if paths.is_url(path) then
    return describe_object(found, path, passed, kept)
  end
  local seen = facts.mode == "file" and look(path, kept) or {}
  if seen.members then
    add_members(found, path, seen.members, passed)
    return 0
  end
  local inside = seen.contents
  found[#found + 1] = { path = path, name = printable(last_part(path)), contents = inside,
    size = inside and #inside or facts.mode == "file" and facts.size or nil, read_once = read_once(path, facts.mode) }
  return inside and #inside or 0
end

-- The paths or URLs that one path or URL expands to.
local function expand(path)
  if paths.is_url(path) then
    return require("pghost.input.urls").expand(path)
  end
  local scheme = path:match("^(%a[%w+.-]*)://")
  if scheme and not lfs.attributes(path, "mode") then
    errors.raise(("'%s://' cannot be read: a path, http://, https:// or s3:// expected"):format(scheme), "usage")
  end
  return paths.expand(path)
end

--- Why a file cannot be read a second time, for messages: "standard input can be read only once".
---@param file pghost.File one with read_once
---@return string
function M.once(file)
  if file.path == "-" then
    return "standard input can be read only once"
  end
  return ("'%s' is a %s and can be read only once"):format(printable(file.path), file.read_once)
end

-- Identifies a file under any name, also through links; nil if it is not a file.
local function identity(path, facts)
  return facts.mode == "file" and facts.dev .. ":" .. facts.ino or path
end

--- Raises where a path, glob or folder names no file. Nothing is opened, and no server asked for a URL.
---@param list string[]
function M.check(list)
  for _, path in ipairs(list) do
    if not paths.is_url(path) then
      expand(path)
    end
  end
end

--- The files that `spec` names, sorted by name, each once, however often and by whatever links it is named.
--- Raises when there is none.
---@param spec string|string[]
---@param folder? string that relative paths are relative to
---@return pghost.File[]
---@return { path: string, same_as: string }[] again paths that lead to a file that another one has led to
---@return { path: string, members: string[] }[] passed what zips hold besides files of data
function M.resolve(spec, folder)
  local found, seen, again, passed, facts, kept = {}, {}, {}, {}, {}, contents.kept
  for _, path in ipairs(type(spec) == "table" and spec or { spec }) do
    for _, match in ipairs(expand(paths.join(folder, path))) do
      facts = match ~= "-" and not paths.is_url(match) and lfs.attributes(match, facts) or {}
      local id = identity(match, facts)
      if not seen[id] then
        seen[id] = match
        kept = kept - describe(found, match, facts, passed, kept)
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
  return found, again, passed
end

--- What of a zip is not loaded, for the log.
---@param one { path: string, members: string[] }
---@return string
function M.describe_passed(one)
  return ("not loaded from the zip '%s': '%s'"):format(one.path, table.concat(one.members, "', '"))
end

--- Bytes of all files together, nil where one of them is of unknown size.
---@param files { size?: integer }[]
---@return integer?
function M.size(files)
  local bytes = 0
  for _, file in ipairs(files) do
    if not file.size then
      return nil
    end
    bytes = bytes + file.size
  end
  return bytes
end

return M
