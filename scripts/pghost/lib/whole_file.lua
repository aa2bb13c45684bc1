-- Reads whole files: a file that cannot be read to its end is an error, never a shorter text.

local errors = require "pghost.lib.errors"
local lfs = require "lfs"

local M = {}

local ENOENT <const>, ENOTDIR <const> = 2, 20

-- "No such file or directory" of "path: No such file or directory".
local function reason_of(path, message)
  local reason = message or "unknown error"
  local at = reason:find(path .. ": ", 1, true) or reason:find(path .. "': ", 1, true)
  reason = at and reason:sub(at + #path):match "^'?: (.*)$" or reason
  return (reason:gsub("^%u", string.lower))
end

--- The reason alone of what io.open and the like say, as messages have it.
---@param path string
---@param message? string "path: No such file or directory"
---@return string "no such file or directory"
function M.reason(path, message)
  return reason_of(path, message)
end

local function fail(path, what, message)
  errors.raise(("could not %s '%s': %s"):format(what, path, reason_of(path, message)), "EIO")
end

--- Whether there is a file, of any kind. Raises where that cannot be found out.
---@param path string
---@return boolean
function M.exists(path)
  local mode, message, number = lfs.attributes(path, "mode")
  if not mode and number ~= ENOENT and number ~= ENOTDIR then
    fail(path, "look at", message)
  end
  return mode ~= nil
end

--- The bytes of a file.
---@param path string
---@return string
function M.read(path)
  local file <close>, message = io.open(path, "rb")
  if not file then
    fail(path, "open", message)
  end
  local text, problem = file:read("a")
  return text or fail(path, "read", problem)
end

return M
