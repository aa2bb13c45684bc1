-- Files that complete a path being typed.

local lfs = require "lfs"

local M = {}

--- Paths that begin as `typed`; folders end in a slash, hidden files are there when asked for.
---@param typed string
---@return string[]
function M.of(typed)
  local folder, start = typed:match("^(.*/)([^/]*)$")
  folder, start = folder or "", start or typed
  local home = os.getenv "HOME"
  local place = folder:gsub("^~/", home and home .. "/" or "~/")
  local names = {}
  if lfs.attributes(place == "" and "." or place, "mode") ~= "directory" then
    return names
  end
  local good, iterate, state = pcall(lfs.dir, place == "" and "." or place)
  if not good then
    return names
  end
  for entry in iterate, state do
    if entry:sub(1, #start) == start and (start ~= "" or not entry:find("^%.")) and entry ~= "." and entry ~= ".." then
      local is_folder = lfs.attributes(place .. entry, "mode") == "directory"
      names[#names + 1] = folder .. entry .. (is_folder and "/" or "")
    end
  end
  return names
end

return M
