-- Which column of a file goes into which column of a table: by the header's names (as written, else in any case),
-- by position, or in order.
--
-- catalog/names.lua defines what names mean. This file matches them for a load, and refuses mismatches before anything
-- is loaded.

local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local names = require "pghost.catalog.names"
local rejects_file = require "pghost.rejects.file"
local catalog_columns = require "pghost.catalog.columns"

local M = {}

local function fail(file, message, ...)
  errors.raise(message:format(...), "data", { file = file })
end

--- Raises when a table would have more columns than the server allows.
---@param table_name string
---@param count integer
---@param own integer columns that the load adds
---@param files { name: string }[]
function M.check_width(table_name, count, own, files)
  local most = catalog_columns.most - own
  if count > most then
    fail(#files == 1 and files[1].name or nil,
      "table '%s' would have %d columns, more than the maximum of %d", table_name, count, most)
  end
end

--- Raises when a file that is opened once more has another header.
---@param file { name: string, header: string[] }
---@param source pghost.Source
function M.check_same(file, source)
  if table.concat(source:columns(), "\0") ~= table.concat(file.header, "\0") then
    fail(file.name, "the header changed during the load")
  end
end

-- A delimiter at the end of every line makes a last column without a name.
---@package
---@param file string name of the file
---@param header string[]
---@param at integer
---@param trailing string how to skip the delimiter at the end
---@param names_option string how to repair names
function M.fail_nameless(file, header, at, trailing, names_option)
  fail(file, "column %d of the header has no name: %s%s numbers such columns", at, at == #header and at > 1
    and trailing .. " where lines end in a delimiter, " or "", names_option)
end

-- The columns of rules ---------------------------------------------------------------------------------

-- Without a header the columns are those of the rules, in order, but where the rules say otherwise.
local function by_position(wanted)
  local list = {}
  for i, column in ipairs(wanted) do
    list[i] = { name = column.name, from = math.type(column.from) == "integer" and column.from or i }
  end
  return list
end

local function positions_besides(header, map)
  local known, list = {}, {}
  for _, position in pairs(map) do
    known[position] = true
  end
  for i = 1, #header do
    list[#list + 1] = not known[i] and i or nil
  end
  return list
end

--- Where each column of rules is in a header; a missing one raises.
---@param file string name of the file, for messages
---@param header string[]
---@param wanted (string|pghost.names.Wanted)[]
---@param headerless? boolean they are the first of the file, in order
---@return integer[] map per wanted column its position in the header, from 1
---@return integer[] rest positions that no wanted column takes
function M.match(file, header, wanted, headerless)
  local list = lists.map(wanted, function(column)
    return type(column) == "string" and { name = column } or column
  end)
  local map, missing = names.match(file, header, headerless and by_position(list) or list)
  if #missing > 0 then
    local shown = {}
    for i, at in ipairs(missing) do
      shown[i] = names.shown(list[at])
    end
    fail(file, "no column%s %s (has: %s); in the rules, from = \"...\" gives another name",
      #missing == 1 and "" or "s", table.concat(shown, ", "), table.concat(header, ", "))
  end
  return map, positions_besides(header, map)
end

--- The names at some positions of a header.
---@param header string[]
---@param positions integer[]
---@return string[]
function M.at(header, positions)
  return lists.map(positions, function(position)
    return header[position]:match("^%s*(.-)%s*$")
  end)
end

--- The names at some positions of a header, for messages: one without a name is shown by its position.
---@param header string[]
---@param positions integer[]
---@return string[]
function M.shown_at(header, positions)
  local list = M.at(header, positions)
  for i, name in ipairs(list) do
    list[i] = name == "" and ("column %d, which has no name"):format(positions[i]) or name
  end
  return list
end

-- The columns of a table that exists -------------------------------------------------------------------

-- A table for rejects files need not keep how their loads were called.
local function may_be_missing(name, header)
  return name == rejects_file.load and rejects_file.is_header(header)
end

-- Positions in the file per column of the table. Every column of the file must be one of the table.
local function by_name(file, header, relation)
  local find, positions = names.finder(catalog_columns.names(relation.columns)), {}
  for at, name in ipairs(header) do
    local i = find(name)
    local column = i and relation.columns[i]
    if name == "" then
      M.fail_nameless(file, header, at, "--trailing-delimiter skip", "--header-names repair")
    elseif not column and not may_be_missing(name, header) then
      fail(file, "no column '%s' in table %s (has: %s)", name, relation.qualified,
        table.concat(catalog_columns.names(relation.columns), ", "))
    elseif column and column.generated then
      fail(file, "column '%s' of %s is generated by the server: leave it out of the file", column.name,
        relation.qualified)
    elseif column and positions[i] then
      fail(file, "columns %d and %d of the header are both '%s': --header-names repair numbers them", positions[i], at,
        column.name)
    end
    if i then
      positions[i] = at
    end
  end
  return positions
end

-- The same in order, as COPY without a list of columns has it.
local function in_order(file, header, relation)
  local positions, expected = {}, {}
  for i, column in ipairs(relation.columns) do
    if not column.generated then
      expected[#expected + 1] = column
      positions[i] = #expected
    end
  end
  if #expected ~= #header then
    fail(file, "%d columns, but table %s has %d (%s)", #header, relation.qualified, #expected,
      table.concat(catalog_columns.names(expected), ", "))
  end
  return positions
end

--- Matches a header with the columns of a table.
---@param file string for messages
---@param header string[]
---@param relation pghost.load.Relation
---@param headerless? boolean the columns are those of the table, in order
---@return pghost.load.RelationColumn[] columns that the file gives, in the table's order
---@return integer[] map per one of them the position in the file
function M.match_table(file, header, relation, headerless)
  local positions = (headerless and in_order or by_name)(file, header, relation)
  local columns, map = {}, {}
  for i, column in ipairs(relation.columns) do
    if positions[i] then
      columns[#columns + 1], map[#map + 1] = column, positions[i]
    elseif column.needed then
      fail(file, "no column '%s' in the header, and %s needs one: it is NOT NULL without a default", column.name,
        relation.qualified)
    end
  end
  return columns, map
end

return M
