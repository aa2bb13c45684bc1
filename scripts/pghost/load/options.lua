-- The options of run:load, run:stage and run:clean: one list, so that a misspelt one is an error.
-- How a file is read is in pghost.input.dialect; what a budget may say, in budget_options.lua.

local dialect = require "pghost.input.dialect"
local distribute = require "pghost.distribute.declared"
local errors = require "pghost.lib.errors"
local is = require "pghost.lib.is"
local known_keys = require "pghost.lib.known_keys"
local partitions = require "pghost.partitions.declaration"
local relations = require "pghost.catalog.relations"

local M = {}

local function is_anything()
  return true
end

local longest_name <const> = relations.longest_name - #"_raw"

-- It is the name of a clean table, which has a raw one beside it.
local function check_name(name)
  if type(name) ~= "string" or name == "" or #name > longest_name then
    errors.raise(("table name of 1 to %d bytes expected, got '%s'"):format(longest_name, tostring(name)), "usage",
      { exit = 1 })
  end
end

---@class pghost.LoadOption
---@field name string
---@field is fun(value: any): boolean
---@field expected? string for messages
---@field help string

---@type pghost.LoadOption[]
M.list = {
  { name = "workers", is = is.whole(1, 64), expected = "a whole number from 1 to 64",
    help = "threads that read and check, and connections for each table" },
  { name = "unlogged", is = is.boolean, expected = "true or false",
    help = "raw table without WAL: faster, but empty after a crash, and not replicated" },
  { name = "max_rejects", is = is_anything, help = "records that may be rejected, a number or a share such as '2%'" },
  { name = "budget", is = is_anything, help = "table of error budgets: rejects, share, per_file, rules" },
  { name = "on_error", is = is_anything, help = "'reject', or 'stop' at the first rejected record" },
  { name = "allow_empty", is = is.boolean, expected = "true or false",
    help = "accept a file with a header and no records" },
  { name = "dialect", is = is.one_of("auto"), expected = "'auto'",
    help = "'auto': each file is sniffed, and read with what is found" },
  { name = "mode", is = is_anything, help = "'replace', 'append', 'merge', 'history' or 'partitions'" },
  { name = "missing", is = is_anything,
    help = "keys that the files no longer have: 'keep', 'delete', 'mark' or 'close'" },
  { name = "changed", is = is_anything,
    help = "a file that was loaded before with other content: 'error', 'load', 'skip' or 'tail'" },
  { name = "partition", is = is_anything,
    help = "the clean table is partitioned: { by = 'month', column = 'created_at' } (docs/PARTITIONS.md)" },
  { name = "adopt", is = is.boolean, expected = "true or false",
    help = "replace a table of that name that pghost has not published" },
  { name = "force", is = is.boolean, expected = "true or false",
    help = "load content that is in the table already" },
  { name = "distribute", is = distribute.is, expected = distribute.expected,
    help = "where the tables go in a Citus cluster: the column they are distributed by, 'reference' or 'local'" },
  { name = "allow_dropped", is = is.boolean, expected = "true or false",
    help = "triggers and rules of the published table may store other rows than those sent" },
}

local known = {}
for _, list in ipairs { M.list, dialect.options } do
  for _, option in ipairs(list) do
    known[option.name] = option
  end
end

-- `require` in the last place of a call gives the path of what it has loaded as one value more.
local function is_path_of_require(value)
  return type(value) == "string" and (value:find("%.lua$") or value:find("^:preload:$")) ~= nil
end

--- The options of a step, checked; {} for none. Raises for one that there is not.
---@param given any what the script says
---@param where string what messages begin with: "run:load 'booking'"
---@return table
function M.of(given, where)
  if given == nil or is_path_of_require(given) then
    return {}
  end
  known_keys.check(given, known, where)
  for _, option in ipairs(M.list) do
    local value = given[option.name]
    if value ~= nil and not option.is(value) then
      errors.raise(("%s: %s: %s expected, got '%s'"):format(where, option.name, option.expected, tostring(value)),
        "usage", { exit = 1 })
    end
  end
  partitions.check(given.partition, where)
  return given
end

--- The options of a step, and the name of its table, checked.
---@param kind "load"|"stage"|"clean"
---@param name any
---@param given any what the script says
---@return table
function M.of_step(kind, name, given)
  check_name(name)
  local where = ("run:%s '%s'"):format(kind, name)
  local options = M.of(given, where)
  for _, option in ipairs(kind == "clean" and dialect.options or {}) do
    if options[option.name] ~= nil then
      errors.raise(("%s: option '%s' is about files: give it to run:stage"):format(where, option.name), "usage",
        { exit = 1 })
    end
  end
  return options
end

return M
