-- Which column of a file is which column of a table: by header name, in any case, in any order, or by position.

local errors = require "pghost.lib.errors"
local names = require "pghost.catalog.names"

local M = {}

local function raise_missing(file, wanted, missing, header)
  local shown = {}
  for i, at in ipairs(missing) do
    shown[i] = names.shown(wanted[at])
  end
  errors.raise(("no column%s %s (has: %s)"):format(#missing == 1 and "" or "s", table.concat(shown, ", "),
    table.concat(header, ", ")), "data", { file = file })
end

local function check_name(file, name)
  if names.own[name] then
    errors.raise(("column '%s' has a name that the load itself uses: rename it"):format(name), "data", { file = file })
  elseif #name > names.longest then
    errors.raise(("column name '%s' is longer than %d bytes: shorten it, or header_names = 'repair' does")
      :format(name, names.longest), "data", { file = file })
  end
end

-- Where rules take columns by position, the reader has let every name pass: those that no rule takes are looked at
-- here.
local function check_rest(file, header, rest)
  local find = names.finder(header)
  for _, at in ipairs(rest) do
    local name = header[at]
    check_name(file, name)
    if name == "" then
      errors.raise(("column %d of the header has no name: header_names 'repair' numbers such columns"):format(at),
        "data", { file = file })
    elseif not find(name) then
      errors.raise(("several columns of the header are named '%s', and no rule takes column %d by its position")
        :format(name, at), "data", { file = file })
    end
  end
end

local function described(wanted)
  local list = {}
  for i, column in ipairs(wanted) do
    list[i] = type(column) == "string" and { name = column } or column
  end
  return list
end

---@class pghost.columns.Rest what a header has besides: names as written, and for a table
---@field written string[]
---@field names string[]
---@field positions table<string, integer> by name for the table

--- Where each wanted column is in a header, and what the header has besides.
---@param file string name of the file, for messages
---@param header string[] its column names
---@param wanted (string|pghost.names.Wanted)[] the columns a table needs; a missing one raises
---@param only_wanted? boolean what else there is does not matter
---@return integer[] map per wanted column its position in the header, from 1
---@return pghost.columns.Rest rest
function M.map(file, header, wanted, only_wanted)
  wanted = described(wanted)
  local map, missing = names.match(file, header, wanted)
  if #missing > 0 then
    raise_missing(file, wanted, missing, header)
  end
  local rest = { written = {}, names = {}, positions = {} }
  if only_wanted then
    return map, rest
  end
  local known, taken, at = {}, {}, {}
  for i, position in ipairs(map) do
    known[position], taken[names.fold(wanted[i].name)] = true, true
  end
  for i, name in ipairs(header) do
    if not known[i] then
      at[#at + 1], rest.written[#rest.written + 1] = i, name:match("^%s*(.-)%s*$")
    end
  end
  check_rest(file, header, at)
  rest.names = names.identifiers(rest.written, taken, at)
  for i, name in ipairs(rest.names) do
    rest.positions[name] = at[i]
  end
  for i, name in ipairs(rest.written) do -- as raw tables had them before names were made fit
    rest.positions[names.fold(name)] = rest.positions[names.fold(name)] or at[i]
  end
  return map, rest
end

--- The columns of a raw table for several files: the wanted ones in their order, then what any
--- file has besides, in order of first appearance.
---@param wanted string[]
---@param rests pghost.columns.Rest[] per file, from map
---@return string[]
function M.union(wanted, rests)
  local all, seen = {}, {}
  local function add(list)
    for _, name in ipairs(list) do
      if not seen[names.fold(name)] then
        seen[names.fold(name)] = true
        all[#all + 1] = name
      end
    end
  end
  add(wanted)
  for _, rest in ipairs(rests) do
    add(rest.names)
  end
  return all
end

--- Per column of a raw table its position in a file; false where the file has none.
---@param map integer[] from map
---@param rest pghost.columns.Rest from map
---@param columns string[] from union
---@return (integer|false)[]
function M.raw_map(map, rest, columns)
  local out = {}
  for i, name in ipairs(columns) do
    out[i] = map[i] or rest.positions[name] or rest.positions[names.fold(name)] or false
  end
  return out
end

--- The names of described columns.
---@param list { name: string }[]
---@return string[]
function M.names(list)
  local found = {}
  for i, column in ipairs(list) do
    found[i] = column.name
  end
  return found
end

--- A list of quoted identifiers for SQL.
---@param conn pghost.Connection
---@param list string[]
---@param format? string one "%s" for each name; default "%s"
---@return string
function M.quoted(conn, list, format)
  local out = {}
  for i, name in ipairs(list) do
    out[i] = (format or "%s"):format(conn:quote_identifier(name))
  end
  return table.concat(out, ", ")
end

return M
