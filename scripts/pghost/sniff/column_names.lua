-- Names of the columns of a file that was sniffed: its header's, as the rules have to name them.

local M = {}

local function trimmed(text)
  return text:match("^%s*(.-)%s*$")
end

-- Lines of a header joined by a blank.
local function joined(header, at)
  local parts = {}
  for _, row in ipairs(header) do
    local part = trimmed(row[at])
    if part ~= "" then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, " ")
end

--- The names as written, and, lower case and each once, those for the rules.
---@param facts table
---@return string[] written
---@return string[] names
---@return { empty: integer, repeated: string[], long: integer } problems
function M.of(facts)
  local written, names, taken = {}, {}, {}
  local problems = { empty = 0, repeated = {}, long = 0 }
  for i = 1, #facts.columns do
    local name = #facts.header > 0 and joined(facts.header, i) or ""
    written[i] = name
    problems.empty = problems.empty + (name == "" and #facts.header > 0 and 1 or 0)
    problems.long = problems.long + (#name > 63 and 1 or 0)
    name = name == "" and "column" .. i or name:lower()
    if taken[name] then
      problems.repeated[#problems.repeated + 1] = written[i]
      local number = 2
      while taken[name .. "_" .. number] do
        number = number + 1
      end
      name = name .. "_" .. number
    end
    names[i], taken[name] = name, true
  end
  return written, names, problems
end

return M
