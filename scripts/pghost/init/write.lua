-- Writes the files of a project into a folder: all of them, and never over an existing one.

local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local lists = require "pghost.lib.lists"
local paths = require "pghost.lib.paths"
local sys = require "pghost.native.sys"

local M = {}

local function is_there(path)
  return lfs.symlinkattributes(path, "mode") ~= nil
end

--- Raises where a file is there already.
---@param folder string
---@param texts table<string, string>
function M.check(folder, texts)
  for _, name in ipairs(lists.sorted_keys(texts)) do
    local path = paths.join(folder, name)
    if is_there(path) then
      errors.raise(("'%s' already exists, and nothing is overwritten: give --into another folder%s"):format(path,
        is_there(paths.join(folder, "pipeline.lua")) and ", or --add FILE for one more table" or ""), "EEXIST")
    end
  end
end

-- The folders that were made are appended to `made`.
local function make_folder(path, made)
  if lfs.attributes(path, "mode") == "directory" then
    return
  end
  local above = path:match("^(.*)/[^/]+/*$")
  if above and above ~= "" then
    make_folder(above, made)
  end
  local done, message = lfs.mkdir(path)
  if not done then
    errors.raise(("could not make folder '%s': %s"):format(path, message:lower()), "EACCES")
  end
  made[#made + 1] = path
end

local function write_file(path, text)
  local file, message = sys.create(path)
  local done = file and file:write(text) and file:close()
  if not done then
    local reason = (message or "no room?"):match("[^:]*$"):lower():match("%S.*")
    errors.raise(("could not write '%s': %s"):format(path, reason), "EIO")
  end
end

local function undo(files, folders)
  for _, path in ipairs(files) do
    os.remove(path)
  end
  for i = #folders, 1, -1 do
    lfs.rmdir(folders[i])
  end
end

--- Writes the files; where one cannot be written, none is left.
---@param folder string made if it is missing
---@param texts table<string, string> by path in the folder
---@return string[] names in order
function M.all(folder, texts)
  M.check(folder, texts)
  local files, folders, list = {}, {}, lists.sorted_keys(texts)
  local good, problem = pcall(function()
    make_folder(folder, folders)
    for _, name in ipairs(list) do
      local path = paths.join(folder, name)
      make_folder(path:match("^(.*)/[^/]*$") or ".", folders)
      files[#files + 1] = path
      write_file(path, texts[name])
    end
  end)
  if not good then
    undo(files, folders)
    error(problem, 0)
  end
  return list
end

return M
