-- The settings of a pipeline: what config.lua may say, each with its default, what it must be and its
-- help. The command line, its --help, the checks and the documentation are made from this one list.
--
-- Values of the user's own are in the setting `parameters`: a misspelt setting cannot become a new one.

local budget_options = require "pghost.load.budget_options"
local distribute = require "pghost.distribute.declared"
local errors = require "pghost.lib.errors"
local is = require "pghost.lib.is"
local keeping = require "pghost.run.keeping"
local known_keys = require "pghost.lib.known_keys"
local memory = require "pghost.load.memory"
local nearest = require "pghost.lib.nearest"
local own_schema = require "pghost.catalog.own_schema"
local retry = require "pghost.run.retry"
local secrets = require "pghost.run.secrets"
local timestamp = require "pghost.lib.timestamp"
local waiting = require "pghost.run.waiting"

local M = {}

---@class pghost.Setting
---@field name string in config.lua; on the command line with dashes
---@field kind "text"|"integer"|"number"|"boolean"|"flag"|"duration"|"table"|"function" the last two are not options
---@field default? any
---@field help string
---@field is fun(value: any): any whether a value is one of the setting
---@field expected string what it must be, for messages

local function is_schema(value)
  return is.text(value) and value ~= "" and value ~= own_schema.name
end

local function is_channel(value)
  return is.text(value) and #value <= 63 and not value:find("\0", 1, true)
end

---@type pghost.Setting[]
M.list = {
  { name = "data", kind = "text", default = "data", is = is.text, expected = "a folder",
    help = "folder with the input files, relative to the project" },
  { name = "schema", kind = "text", default = "public", is = is_schema, expected = "the name of a schema",
    help = "schema that the tables are published into" },
  { name = "as_of", kind = "text", default = "", expected = "a timestamp YYYY-MM-DD HH:MM:SS",
    is = function(value)
      return value == "" or is.text(value) and timestamp.is(value)
    end,
    help = "moment that the analytics look back from, '' for the start of the run" },
  { name = "build_schema", kind = "text", default = "", is = is.text, expected = "the name of a schema",
    help = "existing schema to build in, '' for one of the run's own" },
  { name = "publish", kind = "text", default = "together", is = is.one_of("together", "per_table"),
    expected = "together or per_table", help = "together (all tables in one transaction) or per_table" },
  { name = "max_rejects", kind = "text", default = "", expected = "a number or a share such as 2%",
    is = function(value)
      return value == "" or budget_options.parse(tostring(value)) ~= nil
    end,
    help = "records that may be rejected, a number or a share such as 2%, '' for any number" },
  { name = "on_error", kind = "text", default = "reject", is = is.one_of("reject", "stop"),
    expected = "'reject' or 'stop'", help = "reject, or stop at the first record that is rejected" },
  { name = "retries", kind = "integer", default = retry.retries, is = is.whole(0),
    expected = "a whole number from 0", help = "how often a run is retried after a transient error" },
  { name = "lock_wait", kind = "number", default = 60, expected = "seconds",
    is = function(value)
      return type(value) == "number" and value >= 0
    end,
    help = "seconds that publishing waits for those who use the published tables" },
  { name = "adopt", kind = "boolean", default = false, is = is.boolean, expected = "true or false",
    help = "replace tables that have a table's name and were not published by pghost" },
  { name = "distribute", kind = "text", default = "", is = distribute.is_setting,
    expected = distribute.expected .. ", or a table with one for each name of a table or answer",
    help = "where tables go in a Citus cluster: the column that they are distributed by, 'reference' or 'local'; '' "
      .. "for as they are" },
  { name = "resume", kind = "boolean", default = false, is = is.boolean, expected = "true or false",
    help = "commit every few files, and resume where a run was killed" },
  { name = "checkpoint", kind = "integer", is = is.nil_or(is.whole(1)),
    expected = "bytes, a whole number from 1",
    help = "with resume: bytes of files between two commits (default 64 MiB)" },
  { name = "share", kind = "boolean", default = false, is = is.boolean, expected = "true or false",
    help = "let other processes and hosts load files of this run (pghost worker); implies resume" },
  { name = "lease", kind = "number", default = 30, expected = "seconds, more than 0",
    is = function(value)
      return type(value) == "number" and value > 0
    end,
    help = "with share: seconds after which a loader that says nothing loses its file to another" },
  { name = "join", kind = "flag", default = false, is = is.boolean, expected = "true or false",
    help = "load files of the run that is in progress with share, in the place of a run of its own" },
  { name = "force", kind = "boolean", default = false, is = is.boolean, expected = "true or false",
    help = "load files even if their content is in the table already" },
  { name = "workers", kind = "integer", is = is.nil_or(is.whole(1)), expected = "a whole number from 1",
    help = "threads that read and check, connections for each table, and answers at once (default: by size and "
      .. "processors)" },
  { name = "memory", kind = "integer", default = memory.default, is = is.whole(memory.least),
    expected = ("bytes, a whole number from %d"):format(memory.least),
    help = "bytes of records that a load may have under way; a longer record passes alone (default 64 MiB)" },
  { name = "profile", kind = "boolean", default = true, is = is.boolean, expected = "true or false",
    help = "profile each column while it is loaded" },
  { name = "dry_run", kind = "flag", default = false, is = is.boolean, expected = "true or false",
    help = "do everything but publish, and say what would change" },
  { name = "report", kind = "text", default = "", is = is.text, expected = "the path of a file",
    help = "write the report of the run into this file when it ends, such as report.html" },
  { name = "metrics", kind = "text", default = "", is = is.text, expected = "the path of a file",
    help = "write metrics of the run into this file when it ends, for the textfile collector of Prometheus" },
  { name = "openlineage", kind = "text", default = "", is = is.text, expected = "the path of a file, or |COMMAND",
    help = "append OpenLineage events of the run to this file as JSON lines, or give them to a command: '|curl ...'" },
  { name = "keep_history", kind = "text", default = "", expected = keeping.expected,
    is = function(value)
      return value == "" or is.text(value) and keeping.seconds(value) ~= nil
    end,
    help = "when a run has published, remove runs of its pipeline that ended longer ago from the history, such as "
      .. "90d; '' for none" },
  { name = "wait", kind = "duration", default = false, is = waiting.seconds,
    expected = "a duration such as 30s, 10m or 2h, true or false",
    help = "wait for a run that is in progress, at most this long (30s, 10m, 2h; without TIME: for ever)" },
  { name = "table_created", kind = "function", expected = "a function",
    is = is.nil_or(is.fn),
    help = "called with connection, schema and name after a table is created, before it is filled" },
  { name = "on_success", kind = "function", expected = "a function", is = is.nil_or(is.fn),
    help = "called with the outcome of a run that has published" },
  { name = "on_failure", kind = "function", expected = "a function", is = is.nil_or(is.fn),
    help = "called with the outcome of a run that has failed or was interrupted" },
  { name = "on_reject_budget", kind = "function", expected = "a function", is = is.nil_or(is.fn),
    help = "called before on_failure where there were too many rejects" },
  { name = "notify", kind = "text", default = "", is = is_channel, expected = "a channel of up to 63 bytes",
    help = "channel that is notified in the transaction that publishes, '' for none" },
  { name = "parameters", kind = "table", expected = "a table",
    is = is.nil_or(is.table),
    help = "values of your own: parameters of SQL (:name), and options of the command line" },
  { name = "secret", kind = "table", expected = "a list of names",
    is = is.nil_or(is.table),
    help = "names of parameters whose values are neither recorded nor shown" },
}

local by_name, setting_names = {}, {}
for _, setting in ipairs(M.list) do
  by_name[setting.name] = setting
  setting_names[#setting_names + 1] = setting.name
end

-- A misspelt setting would be nil, and mean nothing.
local strict = {}
known_keys.strict_class("run.settings has", strict, by_name)
strict.__newindex = known_keys.refuse_new("run.settings has", by_name)

local function check_parameters(parameters)
  for name in pairs(parameters) do
    if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then
      errors.raise(("parameters: name of letters, digits and _ expected, got '%s'"):format(tostring(name)), "usage")
    elseif by_name[name] or name == "run_started" then
      errors.raise(("parameters: '%s' is a setting of pghost: give the parameter another name"):format(name), "usage")
    end
  end
end

local function check_names(config)
  for name in pairs(config) do
    if not by_name[name] then
      local hint = nearest.hint(tostring(name), setting_names)
      errors.raise(("config: unknown setting '%s'%s"):format(tostring(name),
        hint ~= "" and hint or ": a value of your own goes into parameters = { ... }"), "usage")
    end
  end
end

--- A config with the defaults of all that it does not say; the config itself stays untouched.
--- Raises for a setting that there is not.
---@param config table
---@return table settings `parameters` is always a table
function M.of(config)
  check_names(config)
  local settings = setmetatable({}, strict)
  for _, setting in ipairs(M.list) do
    local value = config[setting.name]
    if value == nil then
      value = setting.default
    end
    settings[setting.name] = value
  end
  settings.parameters = known_keys.strict({}, "run.settings.parameters")
  if type(config.parameters) == "table" then
    check_parameters(config.parameters)
    for name, value in pairs(config.parameters) do
      settings.parameters[name] = value
    end
  elseif config.parameters ~= nil then
    settings.parameters = config.parameters -- for the check
  end
  return settings
end

--- Raises an error of usage for the first setting whose value is not one of it.
---@param settings table
function M.check(settings)
  for _, setting in ipairs(M.list) do
    local value = settings[setting.name]
    own_schema.refuse((setting.name == "schema" or setting.name == "build_schema") and value or nil,
      ("give the setting %s another value"):format(setting.name))
    if not setting.is(value) then
      errors.raise(("%s: %s expected, got '%s'"):format(setting.name, setting.expected, tostring(value)), "usage")
    end
  end
  secrets.check(settings)
end

local function is_simple(value)
  local kind = type(value)
  return kind == "string" or kind == "number" or kind == "boolean"
end

--- The simple values among settings and parameters, without those that are secret: what is recorded.
---@param settings table
---@return table<string, string|number|boolean> by name; a parameter has no name of a setting
function M.recorded(settings)
  local kept = {}
  for _, group in ipairs { settings, settings.parameters or {} } do
    for name, value in pairs(group) do
      if is_simple(value) and not secrets.is(settings, name) then
        kept[name] = value
      end
    end
  end
  return kept
end

--- Takes over what the command line of an earlier run gave.
---@param settings table changed
---@param run { run_id: integer, config: table, given: string[] } as recorded
---@param given table<string, boolean> from the command line now, which stand
function M.take_over(settings, run, given)
  for _, name in ipairs(run.given) do
    local place = by_name[name] and settings or settings.parameters
    local value, now = run.config[name], rawget(place, name)
    if value == nil and not given[name] and secrets.is(settings, name) then
      errors.raise(("setting '%s' of run %d is secret and was not recorded: give it again, "
        .. "pghost replay %d -- --%s VALUE"):format(name, run.run_id, run.run_id, (name:gsub("_", "-"))), "usage")
    end
    if not given[name] and type(value) == type(now) then
      place[name] = math.type(now) == "integer" and math.tointeger(value) or value
    end
  end
end

return M
