-- The values of a table's columns, by one reading of its files: which are unique, which could be in another table.
--
-- Memory is bounded: all tables together keep `most_kept` different values. A column that would need more is given up,
-- and reported; values that only rise are known to be unique without being kept.

local contents = require "pghost.input.contents"
local dialect = require "pghost.input.dialect"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local rules = require "pghost.native.rules"

local M = {}

---@class pghost.init.Values of a column
---@field set? table<any, integer> the different values, and how often each comes; nil where there are too many
---@field count integer how many different values there are in it
---@field total integer values
---@field nulls integer
---@field repeats integer values that came before; of a column with a set
---@field repeated table<any, true> some of them
---@field is_given_up? boolean there were too many different values to keep
---@field rising boolean every value is above the one before
---@field first? string least and greatest text of a date or timestamp in ISO 8601
---@field last? string

---@class pghost.init.Budget
---@field left integer different values that may still be kept

M.most_kept = 1000000

local longest = 64          -- characters of a value that could be of a key
local most_of_one = 100000  -- different values of a column that is no key
local near = 0.02           -- share of repeats in what is nearly a key
local few = 5

local moments = { date = true, timestamp = true, timestamptz = true }
local kept_types = { bigint = true, text = true, uuid = true, boolean = true }

-- The value of a text; nil: the text itself.
local function canonical(column)
  if column.type == "text" and #column.nulls == 0 and not column.padded then
    return nil
  end
  local nulls = {}
  for _, word in ipairs(column.nulls) do
    nulls[word] = true
  end
  local is_number, is_uuid, is_padded = column.type == "bigint", column.type == "uuid", column.padded
  return function(text)
    text = is_padded and rules.trim(text) or text
    if nulls[text] then
      return nil
    elseif is_number then
      return math.tointeger(tonumber(text)) or text
    end
    return is_uuid and text:lower() or text
  end
end

local function new_values(column)
  local moment = moments[column.type] and not column.format
  local kept = (kept_types[column.type] or moments[column.type]) and column.max_length <= longest
  return { set = kept and {} or nil, count = 0, total = 0, nulls = 0, repeats = 0, repeated = {},
    rising = kept or false, moment = moment, of = canonical(column) }
end

local function give_up(values, budget)
  budget.left = budget.left + values.count
  values.set, values.repeated, values.is_given_up = nil, {}, true
end

local function is_near(values)
  return values.repeats <= math.max(few, near * values.total)
end

-- Whether two values are in order, of one type.
local function rises(before, value)
  return before == nil or math.type(before) == math.type(value) and type(before) == type(value) and before < value
end

local function keep(values, value, budget)
  local before = values.set[value]
  values.set[value] = (before or 0) + 1
  if before then
    values.repeats = values.repeats + 1
    if values.repeats < 10000 then
      values.repeated[value] = true
    end
    return
  end
  values.count = values.count + 1
  budget.left = budget.left - 1
  if budget.left < 0 or values.count > most_of_one and not is_near(values) then
    give_up(values, budget)
  end
end

local function span(values, text)
  if not values.first or text < values.first then
    values.first = text
  end
  if not values.last or text > values.last then
    values.last = text
  end
end

local function note(values, text, budget)
  local value, of = text, values.of
  if of and text ~= nil then
    value = of(text)
  end
  if value == nil then
    values.nulls = values.nulls + 1
    return
  end
  values.total = values.total + 1
  if values.moment then
    span(values, text)
  end
  if values.rising then
    values.rising = rises(values.before, value)
    values.before = value
  end
  if values.set then
    keep(values, value, budget)
  end
end

--- Opens a file of a table as a load does.
---@param seen pghost.init.Seen
---@return pghost.Source source to be kept in a `<close>` variable
function M.open(seen)
  local options = dialect.of_file(seen.options, seen.file, { any_header = true })
  return (errors.check(contents.open(seen.file, options)))
end

-- The first record that a person can read.
local function example(record, positions, columns)
  local fields, length = {}, 0
  for i, column in ipairs(columns) do
    local text = record[positions[i]]
    fields[column.name] = text
    length = length + #(text or "")
    if text and (not utf8.len(text) or text:find("%c")) then
      return nil
    end
  end
  return length < 1000 and fields or nil
end

-- The columns that still have something to detect.
local function unfinished(list)
  return lists.filter(list, function(values)
    return values.set or values.rising or values.moment
  end)
end

-- One file, whose columns are at these positions.
local function read_file(one, seen, positions, list, budget)
  local source <close> = M.open(seen)
  local left, at, count = unfinished(list), {}, 0
  for i, values in ipairs(list) do
    at[values] = positions[i]
  end
  for _, record in source:records() do
    if record then
      one.example = one.example or example(record, positions, one.columns)
      for i = 1, #left do
        local values = left[i]
        note(values, record[at[values]], budget)
      end
      count = count + 1
      if count % 4096 == 0 then
        left = unfinished(left)
      end
    end
  end
end

--- Reads the files of a table; its columns get `seen`, and it gets `example`, the fields of one of its records.
---@param one pghost.init.Table
---@param budget pghost.init.Budget
function M.read(one, budget)
  local list = {}
  for i, column in ipairs(one.columns) do
    list[i] = new_values(column)
    column.seen = list[i]
  end
  for f, seen in ipairs(one.files) do
    read_file(one, seen, one.positions[f], list, budget)
  end
end

--- Whether records with the same value in a column are the same in all others, too.
---@param one pghost.init.Table
---@param at integer of the column
---@return boolean
function M.repeats_whole(one, at)
  local values, whole = one.columns[at].seen, {}
  for f, seen in ipairs(one.files) do
    local source <close> = M.open(seen)
    local positions = one.positions[f]
    for _, record in source:records() do
      local value = record and record[positions[at]]
      value = value and values.of and values.of(value) or value
      if value ~= nil and values.repeated[value] then
        local fields = {}
        for i in ipairs(one.columns) do
          fields[i] = record[positions[i]] or "\1"
        end
        local text = table.concat(fields, "\0")
        if whole[value] and whole[value] ~= text then
          return false
        end
        whole[value] = text
      end
    end
  end
  return true
end

return M
