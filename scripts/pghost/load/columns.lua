-- Which column of a file is which column of a table: by header name, in any case, in any order.

local errors = require "pghost.lib.errors"

local M = {}

-- What the loader adds to tables while it builds them.
local reserved = { _file_id = true, _line = true, _loaded_at = true }

-- The server cuts longer names silently (NAMEDATALEN - 1).
local longest_name = 63

local function fold(name)
  return name:match("^%s*(.-)%s*$"):lower()
end

-- Position by name; a source has no two columns of the same name.
local function positions(header)
  local found = {}
  for i, name in ipairs(header) do
    found[fold(name)] = i
  end
  return found
end

local function raise_missing(file, missing, header)
  errors.raise(("no column%s '%s' (has: %s)"):format(#missing == 1 and "" or "s",
    table.concat(missing, "', '"), table.concat(header, ", ")), "data", { file = file })
end

local function check_name(file, name)
  if reserved[name] then
    errors.raise(("column '%s' has a name that the load itself uses: rename it"):format(name), "data", { file = file })
  elseif #name > longest_name then
    errors.raise(("column name '%s' is longer than %d bytes: shorten it, or header_names = 'repair' does")
      :format(name, longest_name), "data", { file = file })
  end
end

--- Where each wanted column is in a header, and what the header has besides.
---@param file string name of the file, for messages
---@param header string[] its column names
---@param wanted string[] names of the columns a table needs; a missing one raises
---@param only_wanted? boolean what else there is does not matter
---@return integer[] map per wanted column its position in the header, from 1
---@return string[] unknown further names as written, surrounding blanks removed
function M.map(file, header, wanted, only_wanted)
  local at = positions(header)
  local map, missing, known = {}, {}, {}
  for i, name in ipairs(wanted) do
    local position = at[fold(name)]
    map[i] = position
    if position then
      known[position] = true
    else
      missing[#missing + 1] = name
    end
  end
  if #missing > 0 then
    raise_missing(file, missing, header)
  end
  local unknown = {}
  for i, name in ipairs(header) do
    if not known[i] and not only_wanted then
      name = name:match("^%s*(.-)%s*$")
      check_name(file, name)
      unknown[#unknown + 1] = name
    end
  end
  return map, unknown
end

--- The columns of a raw table for several files: the wanted ones in their order, then what any
--- file has besides, in order of first appearance.
---@param wanted string[]
---@param unknown_lists string[][] per file, from map
---@return string[]
function M.union(wanted, unknown_lists)
  local all, seen = {}, {}
  for _, list in ipairs({ wanted, table.unpack(unknown_lists) }) do
    for _, name in ipairs(list) do
      if not seen[fold(name)] then
        seen[fold(name)] = true
        all[#all + 1] = name
      end
    end
  end
  return all
end

--- Per column of a raw table its position in a header; false where the file has none.
---@param header string[]
---@param columns string[]
---@return (integer|false)[]
function M.raw_map(header, columns)
  local at, map = positions(header), {}
  for i, name in ipairs(columns) do
    map[i] = at[fold(name)] or false
  end
  return map
end

--- The names of described columns.
---@param list { name: string }[]
---@return string[]
function M.names(list)
  local names = {}
  for i, column in ipairs(list) do
    names[i] = column.name
  end
  return names
end

--- A list of quoted identifiers for SQL.
---@param conn pghost.Connection
---@param names string[]
---@param format? string one "%s" for each name; default "%s"
---@return string
function M.quoted(conn, names, format)
  local out = {}
  for i, name in ipairs(names) do
    out[i] = (format or "%s"):format(conn:quote_identifier(name))
  end
  return table.concat(out, ", ")
end

return M
