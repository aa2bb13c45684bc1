-- The command line of a pipeline script: every setting of its config can be given as an option.
--
-- `leave_out_demo_users = true` in the config makes `--leave-out-demo-users yes|no`. Settings that
-- are tables or functions are the script's own business.

local again = require "pghost.run.retry"
local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local own_schema = require "pghost.catalog.own_schema"
local secrets = require "pghost.run.secrets"
local waiting = require "pghost.run.waiting"

local M = {}

local help = {
  data = "folder with the input files",
  as_of = "moment that the analytics look back from, '' for the start of the run",
  schema = "schema that the tables are published into",
  max_rejects = "records that may be rejected, a number or a share as 2%, '' for any",
  on_error = "reject, or stop at the first record that is rejected",
  build_schema = "schema that exists to build in, '' for one of the run's own",
  publish = "together (all tables in one transaction) or per_table",
  resume = "commit every few files, and go on where a run was killed",
  lock_wait = "seconds that publishing waits for those who use the published tables",
  retries = "how often a run is done again after what may pass: a lost connection, a deadlock",
}

local defaults = {
  data = "data", as_of = "", schema = "public", build_schema = "", publish = "together", retries = again.retries,
  resume = false, max_rejects = "", on_error = "reject", lock_wait = 60,
}

-- Settings with an option of another form than the rest.
local special = { wait = true, dry_run = true }

local words = {
  yes = true, no = false, ["true"] = true, ["false"] = false, on = true, off = false, ["1"] = true, ["0"] = false,
}

local converters = {
  boolean = function(text)
    local value = words[text:lower()]
    if value == nil then
      return nil, ("yes or no expected, got '%s'"):format(text)
    end
    return { value }
  end,
  integer = function(text)
    local value = math.tointeger(tonumber(text))
    if not value then
      return nil, ("whole number expected, got '%s'"):format(text)
    end
    return { value }
  end,
  float = function(text)
    local value = tonumber(text)
    if not value then
      return nil, ("number expected, got '%s'"):format(text)
    end
    return { value + 0.0 }
  end,
  string = function(text)
    return { text }
  end,
  duration = function(text)
    if not waiting.seconds(text) then
      return nil, ("a duration such as 30s, 10m or 2h expected, got '%s'"):format(text)
    end
    return { text }
  end,
}

local function setting_names(config)
  local names = {}
  for name, value in pairs(config) do
    if type(name) == "string" and not special[name] and converters[math.type(value) or type(value)] then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

local metavars = { boolean = "yes|no", integer = "N", float = "N", string = "TEXT" }

-- What pghost takes before the script is taken after it, too, unless the config has a setting of that
-- name.
local host_options = { quiet = "host_quiet", log_format = "host_log_format", dsn = "host_dsn" }

local function add_host_options(parser, config)
  parser:flag(config.quiet == nil and "-q --quiet" or "-q", "no progress and no log, only warnings and errors")
    :target(host_options.quiet)
  if config.log_format == nil then
    parser:option("--log-format", "text or json"):choices { "text", "json" }:argname("<KIND>")
      :target(host_options.log_format)
  end
  if config.dsn == nil then
    parser:option("--dsn", "the database: a conninfo string or URL"):argname("<DSN>"):target(host_options.dsn)
  end
end

-- Gives the host its options, and takes them off the result.
local function take_host_options(result)
  local found, host = pcall(require, "pghost.native.host")
  for name, target in pairs(host_options) do
    if found and result[target] ~= nil then
      host.options[name] = result[target]
    end
    result[target] = nil
  end
end

local function parser_for(name, config)
  local parser = argparse(name, "Runs the pipeline and publishes its tables.")
  for _, setting in ipairs(setting_names(config)) do
    local value = config[setting]
    local kind = math.type(value) or type(value)
    local text = help[setting]
    if secrets.is(config, setting) then
      text = (text or "setting of the config") .. " (secret)"
    elseif not text or value ~= "" then
      text = (text or "setting of the config") .. (" (now: %s)"):format(tostring(value))
    end
    parser:option("--" .. setting:gsub("_", "-"), text)
      :target(setting):argname("<" .. metavars[kind] .. ">"):convert(converters[kind])
  end
  parser:flag("--dry-run", "do everything but publish, and tell what would change"):target("dry_run")
  parser:option("--wait", "wait for a run that is on, so long at most (30s, 10m, 2h; without TIME: for ever)")
    :target("wait"):args("?"):argname("<TIME>"):convert(converters.duration)
  add_host_options(parser, config)
  return parser
end

local days = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_date(year, month, day)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return year >= 1 and days[month] and day >= 1 and day <= days[month] + (month == 2 and leap and 1 or 0)
end

-- As the server reads them, so that none is refused when the run has begun.
local function is_timestamp(text)
  local year, month, day, time = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  if not year or not is_date(tonumber(year), tonumber(month), tonumber(day)) then
    return false
  elseif time == "" then
    return true
  end
  local hour, minute, rest = time:match("^[ T](%d%d):(%d%d)(.*)$")
  local second = rest == "" and "00" or rest and rest:match("^:(%d%d)$") or rest and rest:match("^:(%d%d)%.%d+$")
  return second and tonumber(hour) < 24 and tonumber(minute) < 60 and tonumber(second) < 60
end

local function check_as_of(text)
  if text ~= "" and not is_timestamp(tostring(text)) then
    errors.raise(("as_of: not a timestamp '%s': write YYYY-MM-DD HH:MM:SS"):format(text), "usage")
  end
end

local function check_retries(value)
  return math.type(value) == "integer" and value >= 0
end

-- What a setting of ours must be, and how that is said.
local checks = {
  publish = { function(value)
    return value == "together" or value == "per_table"
  end, "together or per_table" },
  retries = { check_retries, "a whole number from 0" },
  build_schema = { function(value)
    return type(value) == "string"
  end, "the name of a schema" },
  schema = { function(value)
    return type(value) == "string" and value ~= ""
  end, "the name of a schema" },
  wait = { waiting.seconds, "a duration such as 30s, 10m or 2h, true or false" },
  dry_run = { function(value)
    return type(value) == "boolean"
  end, "true or false" },
  lock_wait = { function(value)
    return type(value) == "number" and value >= 0
  end, "seconds" },
  resume = { function(value)
    return type(value) == "boolean"
  end, "true or false" },
}

local function check(settings)
  for name, expected in pairs(checks) do
    if not expected[1](settings[name]) then
      errors.raise(("%s: %s expected, got '%s'"):format(name, expected[2], tostring(settings[name])), "usage")
    end
  end
  check_as_of(settings.as_of)
  own_schema.refuse(settings.schema, "give the setting schema another value")
  own_schema.refuse(settings.build_schema, "give the setting build_schema another value")
  secrets.check(settings)
end

-- An option's value is boxed, that of a flag is true, one that may stand without a value is a list.
local function value_of(result)
  if result == true or #result == 0 then
    return true
  end
  local value = result[1]
  return type(value) == "table" and value[1] or value
end

--- The config with what the command line says put over it; the config itself stays untouched.
--- Always there: `data`, `as_of`, `schema` (published into), `build_schema`, `publish`, `retries`, `wait`,
--- `dry_run`, `max_rejects`, `on_error`. `--help` prints and leaves.
---@param name string of the script, for the usage text
---@param config table
---@param arguments string[]
---@return table settings
---@return table<string, boolean> given settings that came from the command line
function M.settings(name, config, arguments)
  local settings = { wait = false, dry_run = false }
  for key, value in pairs(defaults) do
    settings[key] = value
  end
  for key, value in pairs(config) do
    settings[key] = value
  end
  settings.max_rejects = tostring(settings.max_rejects) -- a number or a share
  local result = command_arguments.parse(parser_for(name, settings), arguments, name)
  take_host_options(result)
  local given = {}
  for key, boxed in pairs(result) do
    settings[key] = value_of(boxed)
    given[key] = true
  end
  check(settings)
  return settings, given
end

return M
