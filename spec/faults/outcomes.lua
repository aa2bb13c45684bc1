-- What came of each fault, for the table of docs/RELIABILITY.md: spec/faults/table.lua collects it.

local M = {}

--- Adds a row when PGHOST_FAULTS_TABLE names a file.
---@param section string
---@param fault string
---@param outcome string
function M.add(section, fault, outcome)
  local path = os.getenv("PGHOST_FAULTS_TABLE") or ""
  if path ~= "" then
    local file <close> = assert(io.open(path, "a"))
    file:write(table.concat({ section, fault, (outcome:gsub("[%c|]", " ")) }, "\t"), "\n")
  end
end

--- A number from the environment: how much of something is tried.
function M.number(name, default)
  return math.tointeger(tonumber(os.getenv(name) or "")) or default
end

return M
