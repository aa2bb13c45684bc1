-- The command line of a pipeline script: every setting of its config can be given as an option.
--
-- `leave_out_demo_users = true` in the config makes `--leave-out-demo-users yes|no`. Settings that
-- are tables or functions are the script's own business.

local again = require "pghost.run.retry"
local argparse = require "argparse"
local errors = require "pghost.lib.errors"
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

local function parser_for(name, config)
  local parser = argparse(name, "Runs the pipeline and publishes its tables.")
  for _, setting in ipairs(setting_names(config)) do
    local value = config[setting]
    local kind = math.type(value) or type(value)
    local text = help[setting]
    if not text or value ~= "" then
      text = (text or "setting of the config") .. (" (now: %s)"):format(tostring(value))
    end
    parser:option("--" .. setting:gsub("_", "-"), text)
      :target(setting):argname("<" .. metavars[kind] .. ">"):convert(converters[kind])
  end
  parser:flag("--dry-run", "do everything but publish, and tell what would change"):target("dry_run")
  parser:option("--wait", "wait for a run that is on, so long at most (30s, 10m, 2h; without TIME: for ever)")
    :target("wait"):args("?"):argname("<TIME>"):convert(converters.duration)
  return parser
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
  local parsed, result = parser_for(name, settings):pparse(arguments)
  if not parsed then
    errors.raise(tostring(result), "usage")
  end
  local given = {}
  for key, boxed in pairs(result) do
    settings[key] = value_of(boxed)
    given[key] = true
  end
  check(settings)
  return settings, given
end

return M
