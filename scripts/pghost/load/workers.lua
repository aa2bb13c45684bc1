-- How many workers, and connections per table, a load gets by default.

local sys = require "pghost.native.sys"

local M = {}

local bytes_per_worker = 64 * 1024 * 1024 -- below this a second one costs more than it brings
local most = 8

--- The number of workers for a load. Every worker comes with a connection for each table, and each
--- connection keeps a processor of the server busy: so there are no more than processors, shared by
--- the tables. One worker, and records in the order of the files, for what is small or of unknown
--- size.
---@param wanted? integer what the user said
---@param files { size?: integer }[]
---@param tables integer tables that are filled side by side
---@return integer
function M.choose(wanted, files, tables)
  if wanted then
    return wanted
  end
  local bytes = 0
  for _, file in ipairs(files) do
    bytes = bytes + (file.size or 0)
  end
  return math.max(1, math.min(sys.processors() // tables, bytes // bytes_per_worker, most))
end

return M
