-- The types of a table that `pghost load --auto --create` makes: those that sniffing found in all the files.
--
-- Uncertain columns stay text, and so do those on which the files disagree.

local column_rules = require "pghost.rules.column"
local lists = require "pghost.lib.lists"

local M = {}

local sure = 0.5 -- confidence of a type: one value of it at least, and no other that fits as well

---@class pghost.load.FoundType
---@field type string SQL name
---@field column? pghost.Column how its values are read; nil for text, which stays as it is
---@field doubt? string why it is text

local function column_of(found)
  local column = column_rules.new(found.type, found.format)
  if found.padded then
    column = column:trim()
  end
  if #found.nulls > 0 then
    column = column:null_if(found.nulls)
  end
  if found.decimal then
    column = column:decimal(found.decimal, found.decimal == "," and "." or ",")
  end
  return column
end

local function doubt_of(found)
  local other = found.alternatives[1]
  if found.ambiguous then
    return ("%s%s, or %s%s"):format(found.type, found.format and " " .. found.format or "", other.type,
      other.format and " " .. other.format or "")
  elseif found.confidence < sure then
    return found.values == 0 and "no value to infer a type from" or found.reason
  end
end

local wider = { bigint = { numeric = "numeric" }, numeric = { bigint = "numeric" } }

-- One of both, or nil where they cannot be one.
local function merged(a, b)
  if a.values == 0 or b.values == 0 then
    return a.values == 0 and b or a
  end
  local type_name = a.type == b.type and a.type or wider[a.type] and wider[a.type][b.type]
  if not type_name or a.format ~= b.format or a.decimal ~= b.decimal then
    return nil
  end
  local copy = lists.merged(a, { type = type_name, confidence = math.min(a.confidence, b.confidence),
    ambiguous = a.ambiguous or b.ambiguous })
  copy.alternatives = a.ambiguous and a.alternatives or b.alternatives
  return copy
end

-- Words for a missing value, and blanks around values, are combined from all files.
local function add_forms(into, found)
  local seen = {}
  into.nulls = table.move(into.nulls, 1, #into.nulls, 1, {})
  for _, word in ipairs(into.nulls) do
    seen[word] = true
  end
  for _, word in ipairs(found.nulls) do
    if not seen[word] then
      into.nulls[#into.nulls + 1] = word
    end
  end
  into.padded = into.padded or found.padded
end

local function join(a, b)
  local copy = merged(a, b)
  if copy then
    copy = setmetatable({}, { __index = copy })
    add_forms(copy, a)
    add_forms(copy, b)
  end
  return copy
end

local function found_type(found)
  if not found then
    return { type = "text", doubt = "the files differ in its type" }
  end
  local doubt = doubt_of(found)
  if doubt or found.type == "text" then
    return { type = "text", doubt = found.type ~= "text" and doubt or nil }
  end
  return { type = found.type, column = column_of(found) }
end

-- What was found in all files, by the names of the table's columns; false where they disagree.
local function by_name(files)
  local found = {}
  for _, file in ipairs(files) do
    for i, column in ipairs(file.found.columns) do
      local name = file.header_names[i]
      if found[name] == nil then
        found[name] = column
      elseif found[name] then
        found[name] = join(found[name], column) or false
      end
    end
  end
  return found
end

-- Whether some option makes records of what does not fit.
local function lets_misfits_in(options)
  return options.tolerant or options.too_few == "pad" or options.too_many == "cut" or options.too_many == "extra"
    or options.stray_quote == "repair"
end

-- Whether the file is read the way it was sniffed: given options may differ.
local function read_as_found(file)
  local count = #file.header
  if file.header[count] == "_extra" then
    count = count - 1
  end
  return count == #file.found.columns and file.headerless == (file.found.dialect.header.value == 0)
end

-- Every record that is loaded was looked at.
local function all_seen(files, options)
  for _, file in ipairs(files) do
    local found = file.found
    if not found or not found.whole or not read_as_found(file)
      or (found.misfits > 0 and lets_misfits_in(options)) then
      return false
    end
  end
  return true
end

local function report(say, types, names)
  local typed, doubts = {}, {}
  for _, name in ipairs(names) do
    local found = types[name]
    if found and found.column then
      typed[#typed + 1] = ("%s %s"):format(name, found.type)
    elseif found and found.doubt then
      doubts[#doubts + 1] = ("column '%s' stays text: %s"):format(name, found.doubt)
    end
  end
  if #typed > 0 then
    say("info", "columns", "types found: " .. table.concat(typed, ", "))
  end
  for _, doubt in ipairs(doubts) do
    say("info", "columns", doubt)
  end
end

--- What the columns are by the part of the files that was sniffed: the rest may have other values.
---@param files table[] looked at, with `header_names`
---@return table<string, pghost.load.FoundType>
function M.likely(files)
  local types = {}
  for name, column in pairs(by_name(files)) do
    types[name] = found_type(column)
  end
  return types
end

--- The types of the columns of a table to make, by name; said in the log. None where files were not sniffed, or records
--- come in that were not looked at.
---@param files table[] looked at, with `header_names`
---@param options pghost.Dialect
---@param names string[] of the columns, in order
---@param say pghost.load.Say
---@return table<string, pghost.load.FoundType>
function M.of_files(files, options, names, say)
  local types = {}
  if not all_seen(files, options) then
    return types
  end
  for name, column in pairs(by_name(files)) do
    types[name] = found_type(column)
  end
  report(say, types, names)
  return types
end

return M
