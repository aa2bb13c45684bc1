-- The command line of a pipeline script: every setting and every parameter of its config is an option.
--
-- `parameters = { leave_out_demo_users = true }` in the config makes `--leave-out-demo-users yes|no`. settings.lua
-- defines the settings and their values.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local secrets = require "pghost.run.secrets"
local settings_of = require "pghost.run.settings"
local waiting = require "pghost.run.waiting"

local M = {}

local words = {
  yes = true, no = false, ["true"] = true, ["false"] = false, on = true, off = false, ["1"] = true, ["0"] = false,
}

-- A value in a box: what a converter returns must not be false.
local kinds = {
  boolean = { value = "yes|no", convert = function(text)
    local value = words[text:lower()]
    if value == nil then
      return nil, ("yes or no expected, got '%s'"):format(text)
    end
    return { value }
  end },
  integer = { value = "N", convert = function(text)
    local value = math.tointeger(tonumber(text))
    return value and { value }, ("whole number expected, got '%s'"):format(text)
  end },
  number = { value = "N", convert = function(text)
    local value = tonumber(text)
    return value and { value + 0.0 }, ("number expected, got '%s'"):format(text)
  end },
  text = { value = "TEXT", convert = function(text)
    return { text }
  end },
  duration = { value = "TIME", convert = function(text)
    return waiting.seconds(text) and { text }, ("a duration such as 30s, 10m or 2h expected, got '%s'"):format(text)
  end },
}

local kind_of_value = { boolean = "boolean", integer = "integer", float = "number", string = "text" }

local function option_name(name)
  return "--" .. name:gsub("_", "-")
end

-- Includes the current value, if that is informative.
local function help_of(settings, name, value, help)
  if secrets.is(settings, name) then
    return help .. " (secret)"
  end
  return value ~= "" and value ~= nil and ("%s (now: %s)"):format(help, tostring(value)) or help
end

local function add_setting(parser, settings, setting)
  local kind, value = kinds[setting.kind], settings[setting.name]
  if setting.kind == "flag" then
    parser:flag(option_name(setting.name), setting.help):target(setting.name)
  elseif setting.kind == "duration" then
    parser:option(option_name(setting.name), setting.help):target(setting.name):args("?"):argname("<TIME>")
      :convert(kind.convert)
  elseif kind then
    parser:option(option_name(setting.name), help_of(settings, setting.name, value, setting.help))
      :target(setting.name):argname("<" .. kind.value .. ">"):convert(kind.convert)
  end
end

local function add_parameters(parser, settings)
  local names = {}
  for name, value in pairs(settings.parameters) do
    if kind_of_value[math.type(value) or type(value)] then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = settings.parameters[name]
    local kind = kinds[kind_of_value[math.type(value) or type(value)]]
    parser:option(option_name(name), help_of(settings, name, value, "parameter of the config"))
      :target(name):argname("<" .. kind.value .. ">"):convert(kind.convert)
  end
end

-- Options that pghost accepts before the script are accepted after it too, unless the config has a parameter of that
-- name.
local host_options = { quiet = "host_quiet", log_format = "host_log_format", dsn = "host_dsn" }

local function add_host_options(parser, parameters)
  local names = rawget(parameters, "quiet") == nil and "-q --quiet" or "-q"
  parser:flag(names, "no progress and no log, only warnings and errors")
    :target(host_options.quiet)
  if rawget(parameters, "log_format") == nil then
    parser:option("--log-format", "text or json"):choices { "text", "json" }:argname("<KIND>")
      :target(host_options.log_format)
  end
  if rawget(parameters, "dsn") == nil then
    parser:option("--dsn", "the database: a conninfo string or URL"):argname("<DSN>"):target(host_options.dsn)
  end
end

-- Passes the host its options, and removes them from the result.
local function take_host_options(result)
  local found, host = pcall(require, "pghost.native.host")
  for name, target in pairs(host_options) do
    if found and result[target] ~= nil then
      host.options[name] = result[target]
    end
    result[target] = nil
  end
end

local function parser_for(name, settings)
  local parser = argparse(name, "Runs the pipeline and publishes its tables.")
  for _, setting in ipairs(settings_of.list) do
    add_setting(parser, settings, setting)
  end
  add_parameters(parser, settings)
  add_host_options(parser, settings.parameters)
  return parser
end

-- An option's value is boxed, that of a flag is true, one that may stand without a value is a list.
local function value_of(result)
  if result == true or #result == 0 then
    return true
  end
  local value = result[1]
  return type(value) == "table" and value[1] or value
end

--- The config with its defaults, and with what the command line says put over it; the config itself stays
--- untouched. `--help` prints and leaves.
---@param name string of the script, for the usage text
---@param config table
---@param arguments string[]
---@return table settings
---@return table<string, boolean> given settings and parameters that came from the command line
function M.settings(name, config, arguments)
  local settings = settings_of.of(config)
  if type(settings.parameters) ~= "table" then
    settings_of.check(settings)
  end
  local result = command_arguments.parse(parser_for(name, settings), arguments, name)
  take_host_options(result)
  local given = {}
  for key, boxed in pairs(result) do
    local place = rawget(settings.parameters, key) ~= nil and settings.parameters or settings
    place[key] = value_of(boxed)
    given[key] = true
  end
  settings_of.check(settings)
  return settings, given
end

return M
