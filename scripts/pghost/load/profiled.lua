-- Files, or the rows of a query, through the load engine into a profile and nowhere else.
--
-- A value that its column's type cannot read is counted and left out of that column only; an unreadable record is
-- counted.

local columns_of = require "pghost.catalog.columns"
local column_rules = require "pghost.rules.column"
local engine = require "pghost.load.engine"
local errors = require "pghost.lib.errors"
local found_types = require "pghost.load.found_types"
local header = require "pghost.load.header"
local inputs = require "pghost.load.inputs"
local lists = require "pghost.lib.lists"
local native = require "pghost.native.profile"
local native_load = require "pghost.native.load"
local native_rules = require "pghost.native.rules"
local spools = require "pghost.load.spool"
local sys = require "pghost.native.sys"

local M = {}

local sniffed_bytes <const> = 16 * 1024 * 1024
local shown_rejects <const> = 3

---@class pghost.Profiled
---@field columns pghost.ProfileColumn[] each with `broken`: { count, samples } where values are not of its type
---@field records integer that are in the profile
---@field unreadable integer records that could not be read
---@field rejects pghost.SpooledReject[] the first of them
---@field bytes integer
---@field seconds number
---@field files pghost.PlannedFile[]

-- What breaks the type becomes NULL, and is counted.
local function program_of(list)
  local all = { name = "profile", key = {}, row = {} }
  for i, column in ipairs(list) do
    local rule = column.rule or column_rules.new "text"
    all[i] = { name = column.name, type = rule.type, format = rule.format, operations = rule.operations or {},
      checks = {}, failure = { action = "null" } }
  end
  return native_rules.compile(all)
end

-- How many values were not of their column's type; subtracted from its NULLs.
local function add_broken(columns, cleaning)
  local by_name = {}
  for _, column in ipairs(columns) do
    by_name[column.name] = column
  end
  for _, change in ipairs(cleaning) do
    if change.rule:find "^type" then
      local column = by_name[change.column]
      column.broken = { count = change.count, samples = change.samples }
      column.nulls = column.nulls - change.count
    end
  end
end

local function run(list, work, workers)
  local program, spool <close> = program_of(list), spools.new()
  local profile, started = native.new(program), sys.clock()
  work.failed = errors.raise
  local totals, cleaning = engine.run({ program = program, profile = profile, workers = workers, clean = {
    connections = {}, copy = "" }, rejects = { path = spool.path } }, work)
  local columns = profile:columns(20)
  add_broken(columns, cleaning)
  return { columns = columns, records = totals.records - totals.rejected - totals.filtered,
    unreadable = totals.rejected, rejects = totals.rejected > 0 and spool:first(shown_rejects) or {},
    bytes = totals.bytes, seconds = sys.clock() - started }
end

-- Names that tell the columns apart, which the header may not.
local function names_of(file)
  local names = {}
  for i, name in ipairs(file.header) do
    names[i] = file.headerless and "column_" .. i or name
  end
  return names
end

-- The columns of all files, which have the same.
local function columns_of_files(files, wanted)
  local types, list = found_types.likely(files), {}
  for i, name in ipairs(files[1].header_names) do
    list[i] = { name = name, rule = types[name] and types[name].column, doubt = types[name] and types[name].doubt }
  end
  if wanted then
    local chosen = lists.map((header.match(files[1].name, files[1].header_names, wanted)), function(at)
      return list[at]
    end)
    list = chosen
  end
  local names = columns_of.names(list)
  for _, file in ipairs(files) do
    file.clean_map = header.match(file.name, file.header_names, names)
  end
  return list
end

--- Profiles files. Raises where it is not clear how one is to be read, or a column is missing in one.
---@param spec string[]
---@param options pghost.Dialect with columns?: string[], workers?: integer, and sample?: integer, the bytes that
--- types are found in
---@param say pghost.load.Say
---@return pghost.Profiled
function M.files(spec, options, say)
  local files = inputs.find(spec, nil, say)
  for _, file in ipairs(files) do
    local looked = setmetatable({ dialect = not file.read_once and "auto" or nil,
      sample = options.sample or sniffed_bytes }, { __index = options })
    inputs.look(file, looked, {}, say)
    if file.read_once then
      say("warn", "types", ("%s can be read only once: its columns are text"):format(file.name))
      file.found = { columns = {} }
    end
    file.header_names = names_of(file)
  end
  local list, place = columns_of_files(files, options.columns), 0
  local result = run(list, {
    files = files,
    label = files[1].name,
    open = function(file)
      place = place + 1 -- they are opened in order
      return inputs.open(file), { clean_map = file.clean_map, expected_bytes = file.size, file_id = place }
    end,
  }, options.workers or sys.processors())
  for i, column in ipairs(list) do
    result.columns[i].doubt = column.doubt
  end
  result.files = files
  return result
end

-- A server type as a rules type; text if only the server can read it.
local function rule_of(type_name)
  local rule = column_rules.new(type_name)
  local compiled, program = pcall(program_of, { { name = "x", rule = rule } })
  return compiled and not program:needs_text() and rule or nil
end

--- Profiles the rows of a query, in the order of its columns.
---@param conn pghost.Connection in a transaction
---@param query string one SELECT
---@param options { columns?: string[], workers?: integer }
---@return pghost.Profiled
function M.query(conn, query, options)
  conn:query("SET LOCAL datestyle = 'ISO'")
  conn:query("SET LOCAL timezone = 'UTC'")
  conn:query("SET LOCAL intervalstyle = 'postgres'")
  conn:query("SET LOCAL extra_float_digits = 1")
  local shape = conn:query(("SELECT * FROM (%s\n) AS profiled LIMIT 0"):format(query))
  local all, types, list = shape:columns(), shape:types(), {}
  local map = (header.match("query", all, options.columns or all))
  for i, at in ipairs(map) do
    list[i] = { name = all[at], rule = rule_of(types[at]) }
  end
  return run(list, {
    files = { { name = "query" } },
    open = function()
      return errors.check(native_load.table_source({ conn.native },
        { ("COPY (SELECT * FROM (%s\n) AS profiled) TO STDOUT"):format(query) }, #all, "query")),
        { clean_map = map }
    end,
  }, options.workers or 1)
end

return M
