-- The columns of a raw table: those of the rules, then the files' other columns, under valid names.

local catalog_columns = require "pghost.catalog.columns"
local errors = require "pghost.lib.errors"
local header_of = require "pghost.load.header"
local lists = require "pghost.lib.lists"
local names = require "pghost.catalog.names"
local relations = require "pghost.catalog.relations"

local M = {}

local own_columns = 3 -- _file_id, _line, _loaded_at

local function fail(file, message, ...)
  errors.raise(message:format(...), "data", { file = file })
end

local function check_name(file, name)
  if names.own[name] then
    fail(file, "column '%s' has a name that the load itself uses: rename it", name)
  elseif #name > relations.longest_name then
    fail(file, "column name '%s' is longer than %d bytes: shorten it, or give header_names = 'repair'", name,
      relations.longest_name)
  end
end

-- Where rules take columns by position, the reader has let every name pass: those that no rule takes are looked at
-- here.
local function check_rest(file, header, positions)
  local find = names.finder(header)
  for _, at in ipairs(positions) do
    local name = header[at]
    check_name(file, name)
    if name == "" then
      header_of.fail_nameless(file, header, at, "trailing_delimiter 'skip'", "header_names 'repair'")
    elseif not find(name) then
      fail(file, "several columns of the header are named '%s', and no rule takes column %d by its position", name, at)
    end
  end
end

---@class pghost.load.Rest what a header has besides the columns of rules
---@field written string[] names as they are in the file
---@field names string[] of the raw table's columns
---@field positions table<string, integer> in the file, by name in the raw table

--- What a file has for the raw table alone.
---@param file string name of the file, for messages
---@param header string[]
---@param wanted { name: string }[] columns of the rules
---@param positions integer[] the others, from match
---@return pghost.load.Rest
function M.rest(file, header, wanted, positions)
  check_rest(file, header, positions)
  local taken = {}
  for _, column in ipairs(wanted) do
    taken[names.fold(column.name)] = true
  end
  local rest = { written = header_of.at(header, positions), positions = {} }
  rest.names = names.identifiers(rest.written, taken, positions)
  for i, name in ipairs(rest.names) do
    rest.positions[name] = positions[i]
  end
  for i, name in ipairs(rest.written) do -- as raw tables had them before names were made fit
    rest.positions[names.fold(name)] = rest.positions[names.fold(name)] or positions[i]
  end
  return rest
end

-- Those of the rules in order, then the other columns of any file, in order of first appearance.
local function union(wanted, rests)
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
---@param map integer[] of the wanted columns, which come first
---@param rest pghost.load.Rest
---@param columns string[] of the raw table
---@return (integer|false)[]
function M.map(map, rest, columns)
  local out = {}
  for i, name in ipairs(columns) do
    out[i] = map[i] or rest.positions[name] or rest.positions[names.fold(name)] or false
  end
  return out
end

-- That of surplus fields, which the user has asked for.
local function is_of_policy(file, name)
  local reading = file.reading or {}
  return name == "_extra" and (reading.too_many == "extra" or reading.tolerant == true)
end

local function tell_raw_only(file, level, columns, say)
  if #columns > 0 then
    say(level, "columns", ("%s: only in the raw table: %s"):format(file.name, table.concat(columns, ", ")),
      { columns = columns })
  end
end

-- Columns that no rule takes: where they go, and under which name.
local function report(file, rest, has_rules, say)
  if has_rules then
    for _, asked_for in ipairs { false, true } do
      tell_raw_only(file, asked_for and "info" or "warn", lists.filter(rest.written, function(name)
        return is_of_policy(file, name) == asked_for
      end), say)
    end
  end
  for i, name in ipairs(rest.names) do
    if name ~= rest.written[i]:lower() then
      say("warn", "columns", ("%s: column %d '%s' is named %s in the raw table"):format(file.name,
        rest.positions[name], rest.written[i], name))
    end
  end
end

-- Matches headers with the columns of the rules. Most files share one header, and there can be thousands of files:
-- equal headers are matched once.
local function matcher(wanted)
  local known = {}
  return function(file)
    local key = table.concat(file.header, "\0")
    if not known[key] then
      local map, rest = header_of.match(file.name, file.header, wanted)
      known[key] = { clean_map = map, rest = M.rest(file.name, file.header, wanted, rest) }
    end
    return known[key]
  end
end

--- Finds the place of each column in each file: sets clean_map and raw_map of the files, which those of one header
--- share.
---@param files table[] whose headers are known
---@param wanted? { name: string }[] columns of the rules
---@param table_name? string the raw table, where there is to be one: it must not be too wide
---@param say pghost.load.Say
---@return string[] columns of the raw table
function M.place(files, wanted, table_name, say)
  local match, matched, rests, has_rules = matcher(wanted or {}), {}, {}, wanted ~= nil
  for i, file in ipairs(files) do
    local one = match(file)
    if not one.seen then
      rests[#rests + 1], one.seen = one.rest, true
    end
    matched[i] = one
    report(file, one.rest, has_rules, say)
  end
  local columns = union(catalog_columns.names(wanted or {}), rests)
  if table_name then
    header_of.check_width(table_name, #columns, own_columns, files)
  end
  for i, file in ipairs(files) do
    local one = matched[i]
    one.raw_map = one.raw_map or M.map(one.clean_map, one.rest, columns)
    file.clean_map, file.raw_map = one.clean_map, one.raw_map
  end
  return columns
end

return M
