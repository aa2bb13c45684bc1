-- From files to tables: the same header over several files is one table, and every table has a name of its own.

local joined = require "pghost.init.joined"
local lists = require "pghost.lib.lists"
local names = require "pghost.catalog.names"
local r = require "pghost.rules"
local relations = require "pghost.catalog.relations"
local rules_text = require "pghost.sniff.rules_text"

local M = {}

---@class pghost.init.Table
---@field name string
---@field files pghost.init.Seen[]
---@field columns pghost.init.Column[]
---@field positions integer[][] for each file, where each column is in it
---@field options table those of run:load
---@field remarks string[] what is not sure of it
---@field records integer as sniffing counts them
---@field misfits integer records that will be rejected: of another width, or with quotes that are none

local lower = r.text():lower() -- letters beyond ASCII, too
local longest = relations.longest_name - #"_raw"
local least_prefix = 3 -- letters that names of files have to share to be a table's name
local few_columns = 3  -- below, the same header alone says little: "id,name"

local function base_of(path)
  local base = path:match("[^/]*$")
  local packed = base:match("^(.+)%.%w+$") or base
  return packed:gsub("%.[cC][sS][vV]$", "")
end

-- A name without its numbers and dates: "booking_2024-01" -> "booking".
local function stem_of(seen)
  return (base_of(seen.path):lower():gsub("[^%a\x80-\xff]+", ""))
end

local function by_position(seen)
  for _, column in ipairs(seen.found.columns) do
    if math.type(column.from) == "integer" then
      return true
    end
  end
  return false
end

local function folded_header(seen)
  local header = {}
  for i, column in ipairs(seen.found.columns) do
    header[i] = names.fold(column.header)
  end
  return header
end

-- The same for files of one table. Without names, only files that are called alike are.
local function signature(seen)
  local header, ordered = folded_header(seen), by_position(seen)
  if not ordered then
    table.sort(header)
  end
  local alone = (ordered or #header < few_columns) and stem_of(seen) or ""
  return ("%d\0%s\0%s"):format(#header, table.concat(header, "\0"), alone)
end

local function holds(wide, narrow)
  local has = {}
  for _, name in ipairs(folded_header(wide)) do
    has[name] = true
  end
  for _, name in ipairs(folded_header(narrow)) do
    if not has[name] then
      return false
    end
  end
  return true
end

-- Files with similar names, some with extra columns, are one table of the columns that all have.
local function join_wider(groups)
  table.sort(groups, function(a, b)
    local left, right = #a[1].found.columns, #b[1].found.columns
    return left < right or left == right and a[1].path < b[1].path
  end)
  local kept = {}
  for _, group in ipairs(groups) do
    local home
    for _, other in ipairs(kept) do
      local alike = stem_of(other[1]) == stem_of(group[1]) and stem_of(group[1]) ~= ""
      if alike and not by_position(other[1]) and not by_position(group[1]) and holds(group[1], other[1]) then
        home = other
        break
      end
    end
    if home then
      table.move(group, 1, #group, #home + 1, home)
    else
      kept[#kept + 1] = group
    end
  end
  return kept
end

--- Files by the table that they are of.
---@param seen pghost.init.Seen[]
---@return pghost.init.Seen[][]
function M.groups(seen)
  local by_signature, groups = {}, {}
  for _, one in ipairs(seen) do
    local key = signature(one)
    if not by_signature[key] then
      by_signature[key] = {}
      groups[#groups + 1] = by_signature[key]
    end
    table.insert(by_signature[key], one)
  end
  groups = join_wider(groups)
  for _, group in ipairs(groups) do
    table.sort(group, function(a, b)
      if #a.found.columns ~= #b.found.columns then
        return #a.found.columns < #b.found.columns
      end
      return a.path < b.path
    end)
  end
  table.sort(groups, function(a, b)
    return a[1].path < b[1].path
  end)
  return groups
end

local function common_prefix(a, b)
  local length = 0
  while length < #a and a:byte(length + 1) == b:byte(length + 1) do
    length = length + 1
  end
  return a:sub(1, length)
end

-- The name for a table of several files: the common start of their names, else the folder's name.
local function wanted_name(group, folder)
  local prefix = base_of(group[1].path)
  for _, seen in ipairs(group) do
    prefix = common_prefix(prefix, base_of(seen.path))
  end
  if #group == 1 then
    return prefix
  end
  prefix = prefix:gsub("[%d%s_.-]+$", "")
  local alike = stem_of(group[1]) == stem_of(group[#group])
  return (#prefix >= least_prefix or alike and prefix ~= "") and prefix or folder
end

--- A table name that is free, as is that of its raw table. Not the name of a catalog, which would hide the table.
---@param wanted string
---@param taken table<string, boolean> the names are added
---@return string
function M.name(wanted, taken)
  local base = names.identifiers({ lower:try(wanted) })[1]
  if base == "column_1" and not wanted:lower():find("column", 1, true) then
    base = "table_1"
  elseif base:find("^pg_") then
    base = "t_" .. base
  end
  local name, number = names.cut(base, longest), 1
  while taken[name] or taken[name .. "_raw"] do
    number = number + 1
    name = names.cut(base, longest - #tostring(number) - 1) .. "_" .. number
  end
  taken[name], taken[name .. "_raw"] = true, true
  return name
end

-- Where a column is in a file, by what its header is.
local function positions_of(seen, columns)
  local places, list = {}, {}
  for i, column in ipairs(seen.found.columns) do
    places[names.fold(column.header)] = i
  end
  for i, column in ipairs(columns) do
    list[i] = math.type(column.from) == "integer" and column.from or places[names.fold(column.header)]
  end
  return list
end

local function columns_of(group)
  local columns, positions, quoted = {}, {}, false
  for f, seen in ipairs(group) do
    quoted = quoted or joined.is_quoted(seen.found.columns)
    positions[f] = positions_of(seen, group[1].found.columns)
  end
  for i in ipairs(group[1].found.columns) do
    local same = {}
    for f, seen in ipairs(group) do
      same[f] = seen.found.columns[positions[f][i]]
    end
    columns[i] = joined.column(same, quoted)
  end
  return columns, positions
end

-- Files that are not read the same way each use what was detected for them.
local function options_of(group, given, remarks)
  local first = rules_text.options(group[1].options)
  for _, seen in ipairs(group) do
    if rules_text.options(seen.options) ~= first then
      local options = { dialect = "auto" }
      for name, value in pairs(given) do
        options[name] = value
      end
      remarks[#remarks + 1] = "its files differ in dialect, so each is sniffed when it is loaded (dialect = \"auto\")"
      return options
    end
  end
  return group[1].options
end

local function extra_columns(group, remarks)
  for _, seen in ipairs(group) do
    local more = #seen.found.columns - #group[1].found.columns
    if more > 0 then
      remarks[#remarks + 1] = ("%s has %d column%s that the others do not have: in the raw table alone")
        :format(seen.path, more, more == 1 and "" or "s")
    end
  end
end

local function make(group, name, given)
  local remarks, records, misfits = {}, 0, 0
  if #group > 1 then
    remarks[1] = ("%d files with the same header are loaded as one table"):format(#group)
  end
  extra_columns(group, remarks)
  local options = options_of(group, given, remarks)
  for _, seen in ipairs(group) do
    records, misfits = records + seen.found.records, misfits + seen.found.misfits
    for _, remark in ipairs(seen.remarks) do
      remarks[#remarks + 1] = #group > 1 and ("%s: %s"):format(seen.path, remark) or remark
    end
  end
  local columns, positions = columns_of(group)
  return { name = name, files = group, columns = columns, positions = positions, options = options, remarks = remarks,
    records = records, misfits = misfits }
end

--- The tables of files.
---@param seen pghost.init.Seen[]
---@param given table dialect options of the user
---@param folder string what a table is called whose files have nothing in common
---@param taken table<string, boolean> names of tables that are there; the new ones are added
---@return pghost.init.Table[]
function M.of(seen, given, folder, taken)
  return lists.map(M.groups(seen), function(group)
    return make(group, M.name(wanted_name(group, folder), taken), given)
  end)
end

return M
