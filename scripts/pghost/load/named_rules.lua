-- A rules file named on a command line: Lua that returns r.table(...).

local errors = require "pghost.lib.errors"
local paths = require "pghost.lib.paths"
local rules = require "pghost.rules"

local M = {}

--- Reads one. It may require what is beside it, and, as those of a pipeline do, "rules.x" beside the folder.
---@param path string
---@return pghost.Rules
function M.read(path)
  local folder = paths.absolute(path):match("^(.*)/[^/]*$")
  package.path = ("%s/?.lua;%s/../?.lua;%s"):format(folder, folder, package.path)
  local chunk, message = loadfile(path)
  if not chunk then
    errors.raise(("could not read the rules: %s"):format(message), "usage")
  end
  local result = chunk()
  if not rules.is(result) then
    errors.raise(("'%s' returns no rules: `return r.table(...)` expected"):format(path), "usage")
  end
  return result
end

return M
