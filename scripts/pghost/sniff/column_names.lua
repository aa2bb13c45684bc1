-- Names of the columns of a file that was sniffed: its header's, as the rules have to name them.

local lists = require "pghost.lib.lists"
local names = require "pghost.catalog.names"
local relations = require "pghost.catalog.relations"

local M = {}

-- Lines of a header joined by a blank.
local function joined(header, at)
  local parts = lists.map(header, function(row)
    return row[at]:match("^%s*(.-)%s*$")
  end)
  return table.concat(lists.filter(parts, lists.is_given), " ")
end

local function written_names(facts)
  local written = {}
  for i = 1, #facts.columns do
    written[i] = #facts.header > 0 and joined(facts.header, i) or ""
  end
  return written
end

local function times_by_name(written)
  local times = {}
  for _, name in ipairs(written) do
    local key = names.fold(name)
    times[key] = (times[key] or 0) + 1
  end
  return times
end

-- What a rule has to say of its column's source: nothing where its own name is that of the header, else the name there,
-- or the position where that name is not the only one of its kind.
local function sources_of(written, made, has_header)
  local times, sources = times_by_name(written), {}
  for i, name in ipairs(written) do
    local key = names.fold(name)
    local good = has_header and times[key] == 1 and utf8.len(name) and not name:find "%c" and name ~= ""
    if not good then
      sources[i] = i
    elseif key ~= made[i] then
      sources[i] = name
    end
  end
  return sources
end

local function problems_of(written, has_header)
  local problems, seen = { empty = 0, repeated = {}, long = 0 }, {}
  for _, name in ipairs(has_header and written or {}) do
    local key = names.fold(name)
    problems.empty = problems.empty + (name == "" and 1 or 0)
    problems.long = problems.long + (#name > relations.longest_name and 1 or 0)
    if name ~= "" and seen[key] then
      problems.repeated[#problems.repeated + 1] = name
    end
    seen[key] = true
  end
  return problems
end

---@class pghost.sniff.Names
---@field written string[] as in the header; "" where there is none
---@field names string[] for tables and rules
---@field sources table<integer, string|integer> what `from` of a rule has to be, where it needs one
---@field problems { empty: integer, repeated: string[], long: integer }

---@param facts table
---@return pghost.sniff.Names
function M.of(facts)
  local written, has_header = written_names(facts), #facts.header > 0
  local made = names.identifiers(written)
  return { written = written, names = made, sources = sources_of(written, made, has_header),
    problems = problems_of(written, has_header) }
end

return M
