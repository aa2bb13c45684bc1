-- Whether a file that was not named by the user may decide what runs, or where data goes: only if nobody else can have
-- written it.

local lfs = require "lfs"

local M = {}

local function of_facts(facts)
  local me = lfs.attributes("/proc/self", "uid")
  if facts.uid ~= me and facts.uid ~= 0 then
    return "belongs to another user"
  elseif facts.permissions:sub(8, 8) == "w" then
    return "is world-writable"
  end
end

--- Why the file is not the user's own (or root's).
---@param path string of an existing file
---@return string? problem "belongs to another user", "is world-writable"; nil: it is
function M.problem(path)
  return of_facts(lfs.attributes(path))
end

--- Likewise for a script, whose folder is where its modules come from.
---@param path string of an existing file, absolute
---@return string? problem
function M.script_problem(path)
  local folder = path:match "^(.*)/" or "."
  local problem = M.problem(path)
  local above = not problem and of_facts(lfs.attributes(folder ~= "" and folder or "/"))
  return problem or above and ("is in a folder that %s"):format(above) or nil
end

return M
