-- Reading a rejects file that a person may have corrected, record by record. parts.lua turns the records into files
-- that a load reads.
--
-- A record with `_original` filled could not be split. If the user has filled in its fields, they are the record;
-- otherwise the current `_original` is.

local csv = require "pghost.native.csv"
local errors = require "pghost.lib.errors"
local fields_of = require "pghost.rejects.fields"
local rejects_file = require "pghost.rejects.file"

local M = {}

---@class pghost.rejects.Record
---@field at integer line of the rejects file
---@field reject? string number, or hash
---@field file string that the record is of
---@field line? integer in that file
---@field columns string[] names of that file's columns
---@field headerless boolean
---@field fields? (string|nil)[] one for each column; nil: they could not be told, and nobody has filled them in, or
--- the reader gives cells alone
---@field cells (string|nil)[] the fields as they stand in the rejects file
---@field original? string bytes of such a record
---@field load? string how its load was called (load_call.lua)
---@field column? string that it was rejected for
---@field reason? string

-- What each position holds: the last column of a name is ours, earlier ones are columns of the files.
local function read_header(header)
  local ours, wanted, names, places = {}, { [rejects_file.which_columns] = true, [rejects_file.load] = true }, {}, {}
  for _, name in ipairs(rejects_file.columns) do
    wanted[name] = true
  end
  for i = #header, 1, -1 do
    local name = header[i]
    if wanted[name] and not ours[name] then
      ours[name] = i
    end
  end
  -- These two may be missing: what comes before the others is a column of the files.
  for _, name in ipairs { rejects_file.which_columns, rejects_file.load } do
    ours[name] = ours[name] and ours[name] > ours._reject and ours[name] or nil
  end
  for i, name in ipairs(header) do
    if ours[name] ~= i then
      names[#names + 1], places[#places + 1] = rejects_file.restored(name), i
    end
  end
  return ours, names, places
end

-- What `_columns` says: names, and where each of them stands among `names`.
local function chosen(text, names, places)
  local count = text:match "^%*(%d+)$"
  if count then
    return { table.unpack(names, 1, tonumber(count)) }, { table.unpack(places, 1, tonumber(count)) }, true
  end
  local source <close> = errors.check(csv.open_string(text, { header = false, any_header = true }))
  local wanted, where, seen, at = {}, {}, {}, {}
  for _, record in source:records() do
    table.move(record, 1, #record, 1, wanted)
  end
  for i, name in ipairs(names) do
    seen[name] = (seen[name] or 0) + 1
    at[seen[name] .. name] = places[i]
  end
  seen = {}
  for i, name in ipairs(wanted) do
    seen[name] = (seen[name] or 0) + 1
    where[i] = at[seen[name] .. name]
    if not where[i] then
      return nil
    end
  end
  return wanted, where, false
end

---@class pghost.rejects.Reader an open rejects file
local Reader = {}
Reader.__index = Reader

--- Opens a rejects file; nil where it is none.
---@param file pghost.File path, name for messages, and what else is known of it
---@param cells_only? boolean its records have no `fields`: whoever reads them compares cells
---@return pghost.rejects.Reader? reader to be kept in a `<close>` variable
function M.open(file, cells_only)
  local source = rejects_file.open(file)
  if not source then
    return nil
  end
  local ours, names, places = read_header(source:columns())
  return setmetatable({ source = source, name = file.name or file.path, ours = ours, names = names, places = places,
    by_text = {}, cells_only = cells_only }, Reader)
end

function Reader:close()
  self.source:close()
end

Reader.__close = Reader.close

-- Columns of the file that a record is of.
function Reader:columns_of(text, line)
  local key = text or ""
  if not self.by_text[key] then
    local names, places, headerless = self.names, self.places, false
    if text then
      names, places, headerless = chosen(text, self.names, self.places)
    end
    if not names then
      errors.raise(("'%s' in column %s names a column that the file does not have")
        :format(text, rejects_file.which_columns), "data", { file = self.name, line = line })
    end
    self.by_text[key] = { names = names, places = places, headerless = headerless }
  end
  return self.by_text[key]
end

local function is_filled(cells)
  for _, cell in pairs(cells) do
    if rejects_file.restored(cell) ~= "" then
      return true
    end
  end
  return false
end

local function restored_all(cells, count)
  local fields = {}
  for i = 1, count do
    fields[i] = rejects_file.restored(cells[i])
  end
  return fields
end

function Reader:record(values, line)
  local function cell(name)
    local place = self.ours[name]
    return place and rejects_file.restored(values[place]) or nil
  end
  local columns = self:columns_of(cell(rejects_file.which_columns), line)
  local cells, fields, original = {}, nil, cell "_original"
  for i, place in ipairs(columns.places) do
    cells[i] = values[place]
  end
  if original == "" or original and is_filled(cells) then
    original = nil
  end
  if not original and not self.cells_only then
    fields = restored_all(cells, #columns.places)
  end
  return { at = line, reject = cell "_reject", file = cell "_file" or "", line = math.tointeger(tonumber(cell "_line")),
    columns = columns.names, headerless = columns.headerless, cells = cells,
    fields = fields,
    original = original and fields_of.bytes(original) or nil, load = cell(rejects_file.load),
    column = cell "_column", reason = cell "_reason" }
end

--- The records, in their order. Raises at one that cannot be read.
---@return fun(): pghost.rejects.Record?
function Reader:records()
  local next_record, state, line = self.source:records()
  return function()
    local values, problem
    line, values, problem = next_record(state, line)
    if line and not values then
      errors.raise(problem, "data", { file = self.name, line = line })
    end
    return line and self:record(values, line)
  end
end

return M
