-- Names of columns: the identifiers made from a header's names, and the column of a file that a rule refers to.
--
-- The only place where a header's names are made into names of a table: `load --create`, `sniff --lua` and the raw
-- tables of pipelines agree because all of them ask here.

local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local relations = require "pghost.catalog.relations"

local M = {}

-- Every table has these columns (CREATE TABLE refuses them), or a load adds them.
local taken_names = { "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "_file_id", "_line", "_loaded_at" }

--- The columns that a load adds to a raw table.
M.own = { _file_id = true, _line = true, _loaded_at = true }

--- What is the same for two names that differ in case (ASCII) or in blanks around them alone.
---@param name string
---@return string
function M.fold(name)
  return name:match("^%s*(.-)%s*$"):lower()
end

--- At most `length` bytes, no character cut in two.
---@param name string
---@param length integer
---@return string
function M.cut(name, length)
  while #name > length do
    name = name:sub(1, (utf8.offset(name, -1) or #name) - 1)
  end
  return name
end

-- Replaces every invalid byte by _: the server accepts no such name.
local function valid(name)
  local _, bad = utf8.len(name)
  while bad do
    name = name:sub(1, bad - 1) .. "_" .. name:sub(bad + 1)
    _, bad = utf8.len(name)
  end
  return name
end

local function identifier(name, position)
  local made = valid(name):lower():gsub("[^%w_\x80-\xff]+", "\0")
  made = made:gsub("^%z", ""):gsub("%z$", ""):gsub("%z", "_")
  if made:find("^_*$") then
    return "column_" .. position
  end
  return made:find("^%d") and "_" .. made or made
end

--- Names for a table's columns after a header: lower case (ASCII), what cannot be in a plain identifier as _
--- between other characters ("Order No." is order_no), column_N for none, _ before a digit, at most 63 bytes, and _2,
--- _3, ... on what would be there twice, in any table, or in `taken`.
---@param header string[] as written
---@param taken? table<string, boolean> names that are in use; the new ones are added
---@param positions? integer[] of the columns, where the header is not all of it
---@return string[] names
function M.identifiers(header, taken, positions)
  local names = {}
  taken = taken or {}
  for _, name in ipairs(taken_names) do
    taken[name] = true
  end
  for i, written in ipairs(header) do
    local base = identifier(M.fold(written), positions and positions[i] or i)
    local name, number = M.cut(base, relations.longest_name), 1
    while taken[name] do
      number = number + 1
      local suffix = "_" .. number
      name = M.cut(base, relations.longest_name - #suffix) .. suffix
    end
    names[i], taken[name] = name, true
  end
  return names
end

-- Position per key; false where several have it.
local function index(list)
  local found = {}
  for i, key in ipairs(list) do
    found[key] = found[key] == nil and i or false
  end
  return found
end

--- The columns of a program with what its rules say of their sources.
---@param columns { name: string }[] of a program, changed
---@param rules pghost.Rules
---@return { name: string }[]
function M.with_sources(columns, rules)
  for i, column in ipairs(columns) do
    column.from = rules[i].from
  end
  return columns
end

--- Whether some column is looked for by its position.
---@param wanted pghost.names.Wanted[]
---@return boolean
function M.by_position(wanted)
  for _, column in ipairs(wanted) do
    for _, from in ipairs(type(column.from) == "table" and column.from or { column.from }) do
      if math.type(from) == "integer" then
        return true
      end
    end
  end
  return false
end

--- A function that finds a column of a header: by its position, by its name as written, by that in any case, or by
--- what M.identifiers makes of it. It returns nil where there is none, and false where several could be meant.
---@param header string[]
---@return fun(wanted: string|integer): integer|false|nil
function M.finder(header)
  local exact, folded, made = index(header), index(lists.map(header, M.fold)), index(M.identifiers(header))
  return function(wanted)
    if math.type(wanted) == "integer" then
      return header[wanted] and wanted or nil
    end
    local found = exact[wanted]
    if found == nil then
      found = folded[M.fold(wanted)]
    end
    if found == nil then
      found = made[wanted]
    end
    return found
  end
end

---@class pghost.names.Wanted a column that a table needs
---@field name string
---@field from? string|integer|(string|integer)[] what it is called in files, or where it is: the first that is there

-- The header names that match the column, its own name last.
local function sources(wanted)
  local from = wanted.from
  if from == nil then
    return { wanted.name }
  elseif type(from) ~= "table" then
    return { from }
  end
  return from
end

--- Where each wanted column is in a header; one column of a file can be several of a table. Raises, before anything is
--- loaded, where several columns of the file could be meant.
---@param file string for messages
---@param header string[]
---@param wanted pghost.names.Wanted[]
---@return (integer|nil)[] map per wanted column its position
---@return integer[] missing of `wanted`, those that the header does not have
function M.match(file, header, wanted)
  local find, found, missing = M.finder(header), {}, {}
  for i, column in ipairs(wanted) do
    local position
    for _, name in ipairs(sources(column)) do
      position = find(name)
      if position == false then
        errors.raise(("several columns of the header are named '%s': pick one by its position, as in from = 2")
          :format(name), "data", { file = file })
      elseif position then
        break
      end
    end
    if not position then
      missing[#missing + 1] = i
    end
    found[i] = position
  end
  return found, missing
end

--- What a column is looked for by, for messages: "'mail'", "'e-mail' or 'mail'", "3" for the third.
---@param wanted pghost.names.Wanted
---@return string
function M.shown(wanted)
  return table.concat(lists.map(sources(wanted), function(name)
    return math.type(name) == "integer" and tostring(name) or ("'%s'"):format(name)
  end), " or ")
end

-- Unicode white space and characters without width.
local invisible = { "%s", "\u{a0}", "\u{3000}", "\u{feff}", "\u{2060}", "\u{202f}", "\u{205f}",
  "\u{2000}", "\u{2001}", "\u{2002}", "\u{2003}", "\u{2004}", "\u{2005}", "\u{2006}", "\u{2007}", "\u{2008}",
  "\u{2009}", "\u{200a}", "\u{200b}", "\u{200c}", "\u{200d}" }

--- Whether nobody can see a name.
---@param name string
---@return boolean
function M.is_blank(name)
  if name:find "%w" then
    return false
  end
  for _, pattern in ipairs(invisible) do
    name = name:gsub(pattern, "")
  end
  return name == ""
end

return M
