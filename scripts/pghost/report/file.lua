-- A file that is whole in its place, or not there: written beside it and renamed.

local errors = require "pghost.lib.errors"
local sys = require "pghost.native.sys"

local M = {}

--- Writes a text to a path, "-" for standard output.
---@param path string
---@param text string
function M.write(path, text)
  if path == "-" then
    io.stdout:write(text)
    return
  end
  local beside = ("%s.%d.tmp"):format(path, sys.pid())
  local file, message = io.open(beside, "wb")
  if not file then
    errors.raise("could not write " .. message, "EIO", { exit = 1 })
  end
  local written, problem = file:write(text)
  local closed, late = file:close()
  local renamed, unnamed = nil, nil
  if written and closed then
    renamed, unnamed = os.rename(beside, path)
  end
  if not renamed then
    os.remove(beside)
    errors.raise(("could not write '%s': %s"):format(path, problem or late or unnamed), "EIO", { exit = 1 })
  end
end

return M
