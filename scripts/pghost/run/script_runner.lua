-- A pipeline's script, run by a command instead of by the host.

local errors = require "pghost.lib.errors"
local host = require "pghost.native.host"
local lfs = require "lfs"
local paths = require "pghost.lib.paths"
local project = require "pghost.run.project"

local M = {}

--- Makes a script the one that this process runs: its folder comes first for modules, and paths of its project are
--- relative to it.
---@param path string
---@return string script absolute
function M.use(path)
  local script = paths.absolute(path)
  local folder = script:match "^(.*)/"
  package.path = ("%s/?.lua;%s/?/init.lua;%s"):format(folder, folder, package.path)
  host.script = script
  return script
end

--- Runs it with a command line of its own.
---@param path string
---@param arguments string[]
function M.run(path, arguments)
  M.use(path)
  _G.arg = table.move(arguments, 1, #arguments, 1, { [0] = path })
  local chunk, message = loadfile(path)
  if not chunk then
    errors.raise(message, "usage")
  end
  chunk(table.unpack(arguments))
end

--- The script that a command works with: the one given, or that of the project it is started in.
---@param given? string
---@return string
function M.find(given)
  if given and lfs.attributes(given, "mode") ~= "file" then
    errors.raise(("no script '%s'"):format(given), "usage")
  end
  local folder = not given and project.find()
  if not given and not folder then
    errors.raise("no project here: start this in a folder with pipeline.lua (or below one), or name the script",
      "usage")
  end
  if given then
    return given
  end
  local here, path = lfs.currentdir() .. "/", folder .. "/pipeline.lua"
  return path:sub(1, #here) == here and path:sub(#here + 1) or path
end

return M
