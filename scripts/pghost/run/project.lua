-- Where a pipeline's files are: relative paths in a script mean the same from every folder.
--
-- The project's folder is the one that holds the script, or the one above when the script is in a
-- folder named `scripts`. Paths given on the command line are relative to the current folder.

local lfs = require "lfs"
local paths = require "pghost.lib.paths"

local M = {}

--- The path of the script that runs; "": there is none.
---@return string
function M.script()
  local found, host = pcall(require, "pghost.native.host")
  local path = found and host.script
  return path or (arg and arg[0]) or ""
end

--- The project's folder, "." for the current one.
---@param path? string of the script, default: the script that the host runs
---@return string
function M.folder(path)
  path = path or M.script()
  local folder = path:match("^(.*)/[^/]*$") or "."
  local name = folder:match("[^/]+$")
  if name == "." or name == ".." then
    name = nil
  end
  local parent = folder:match("^(.*)/[^/]*$")
  if name == "scripts" then
    return parent == "" and "/" or parent or "."
  elseif folder == "." and (lfs.currentdir() or ""):match("[^/]+$") == "scripts" then
    return ".."
  end
  return folder
end

--- The nearest project: the current folder, or one above it, that has a pipeline.lua. Not looked for in folders that
--- everybody can write to, nor above them.
---@return string? folder absolute
function M.find()
  local folder = lfs.currentdir()
  while folder do
    local permissions = lfs.attributes(folder, "permissions") or ""
    if permissions:sub(8, 8) == "w" then
      return nil
    elseif lfs.attributes(folder .. "/pipeline.lua", "mode") == "file" then
      return folder
    end
    folder = folder ~= "" and folder:match("^(.*)/[^/]*$") or nil
  end
end

--- A path of the project; absolute ones stay as they are.
---@param path string
---@return string
function M.path(path)
  return paths.join(M.folder(), path)
end

return M
