-- The option `partition` of a load: checked by itself, then against the rules, before anything is read.

local errors = require "pghost.lib.errors"
local is = require "pghost.lib.is"
local ways = require "pghost.partitions.ways"
local known_keys = require "pghost.lib.known_keys"
local nearest = require "pghost.lib.nearest"

local M = {}

local most_partitions <const> = 1024

---@type pghost.LoadOption[]
local keys = {
  { name = "by", is = is.text, expected = "a text", help = "'day', 'week', 'month', 'year', 'list' or 'hash'" },
  { name = "column", is = is.text, expected = "the name of a column", help = "the column that decides" },
  { name = "count", is = is.whole(1, most_partitions), expected = "a whole number from 1 to " .. most_partitions,
    help = "number of partitions by hash" },
  { name = "default", is = is.boolean, expected = "true or false",
    help = "records that have no partition go to a default partition" },
  { name = "keep", is = is.text, expected = "a text such as '24 months'",
    help = "partitions that ended longer ago are removed when a run publishes" },
  { name = "old", is = is.one_of("detach", "drop"), expected = "'detach' or 'drop'",
    help = "what becomes of them: they stay as tables, or are dropped with their records" },
}

local function raise(where, text, ...)
  errors.raise(("%s: partition: %s"):format(where, text:format(...)), "usage", { exit = 1 })
end

local function names_of(list)
  local names = {}
  for i, one in ipairs(list) do
    names[i] = one.name
  end
  return names
end

local units = { day = true, days = true, week = true, weeks = true, month = true, months = true, year = true,
  years = true }

local function check_retention(given, way, where)
  local number, unit = (given.keep or ""):match "^([1-9]%d?%d?%d?) (%l+)$"
  if given.keep and way.strategy ~= "RANGE" then
    raise(where, "keep is about time, and by = '%s' is not: partition by day, week, month or year", way.name)
  elseif given.keep and not (number and units[unit]) then
    raise(where, "keep: a number of days, weeks, months or years expected, such as '24 months', got '%s'", given.keep)
  elseif given.old and not given.keep then
    raise(where, "old says what becomes of old partitions: it needs keep, such as keep = '24 months'")
  end
end

local function check_kind(given, where)
  local way = ways.by_name[given.by]
  if not way then
    local names = names_of(ways.list)
    raise(where, "by must be one of '%s', got '%s'%s", table.concat(names, "', '"), tostring(given.by),
      type(given.by) == "string" and nearest.hint(given.by, names) or "")
  elseif given.column == nil then
    raise(where, "no column given: name the one to partition by, such as column = 'created_at'")
  elseif way.name == "hash" and given.count == nil then
    raise(where, "by = 'hash' needs a count, such as count = 8")
  elseif way.name ~= "hash" and given.count ~= nil then
    raise(where, "count is for by = 'hash': by '%s' the records decide how many partitions there are", way.name)
  elseif way.name == "hash" and given.default then
    raise(where, "default cannot be combined with by = 'hash': every record has a partition there")
  end
  check_retention(given, way, where)
end

--- Raises an error of usage unless the option is well-formed.
---@param given any nil is fine
---@param where string what the message begins with
function M.check(given, where)
  if given == nil then
    return
  elseif type(given) ~= "table" then
    raise(where, "a table expected, such as { by = 'month', column = 'created_at' }, got %s", type(given))
  end
  known_keys.check(given, keys, where .. ": partition", "key")
  for _, one in ipairs(keys) do
    if given[one.name] ~= nil and not one.is(given[one.name]) then
      raise(where, "%s: %s expected, got '%s'", one.name, one.expected, tostring(given[one.name]))
    end
  end
  check_kind(given, where)
end

local function find_column(columns, name, where)
  local names = names_of(columns)
  for _, column in ipairs(columns) do
    if column.name == name then
      return column
    end
  end
  raise(where, "the rules have no column '%s'%s", name, nearest.hint(name, names))
end

local function check_type(way, column, where)
  if way.types and not way.types[column.type:match "^%w+"] then
    raise(where, "column '%s' is %s, and by = '%s' takes a date, timestamp or timestamptz: partition by 'list' or "
      .. "'hash', or by another column", column.name, column.type, way.name)
  end
end

local function check_key(key, name, where)
  for _, part in ipairs(key or {}) do
    if part == name then
      return
    end
  end
  if key then
    local list = table.concat(key, "', '")
    raise(where, "the key of the rules ('%s') lacks '%s': PostgreSQL keeps a key unique only within a partition, so it "
      .. "must contain that column: partition by a column of the key, or add '%s' to the key", list, name, name)
  end
end

---@class pghost.partitions.Declared
---@field way pghost.partitions.Way
---@field column { name: string, type: string, full_type: string } of the rules
---@field count? integer
---@field default boolean
---@field keep? string
---@field old "detach"|"drop"

--- What a load declares; nil: no partitions. Raises what does not fit its rules.
---@param request { name: string, options: pghost.LoadOptions, targets: table, clean_columns?: table, key?: string[] }
---@return pghost.partitions.Declared?
function M.of(request)
  local given, where = request.options.partition, ("table '%s'"):format(request.name)
  if not given then
    return nil
  elseif not request.targets.clean then
    raise(where, "it is about the clean table: give it to run:load or run:clean")
  elseif #request.name > ways.longest_name then
    raise(where, "a name of at most %d bytes, so that those of its partitions fit", ways.longest_name)
  end
  local way = ways.by_name[given.by]
  local column = find_column(request.clean_columns, given.column, where)
  check_type(way, column, where)
  check_key(request.key, column.name, where)
  return {
    way = way, count = given.count, default = given.default or false, keep = given.keep, old = given.old or "detach",
    column = { name = column.name, type = column.type:match "^%w+", full_type = column.type },
  }
end

return M
