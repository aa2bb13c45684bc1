-- The command line of a pipeline script: every setting of its config can be given as an option.
--
-- `leave_out_demo_users = true` in the config makes `--leave-out-demo-users yes|no`. Settings that
-- are tables or functions are the script's own business.

local argparse = require "argparse"
local errors = require "pghost.errors"

local M = {}

local help = {
  data = "folder with the input files",
  as_of = "moment that the analytics look back from, '' for the start of the run",
  schema = "schema that the tables are published into",
  max_rejects = "records that may be rejected, a number or a share as 2%, '' for any",
  on_error = "reject, or stop at the first record that is rejected",
}

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
}

local function setting_names(config)
  local names = {}
  for name, value in pairs(config) do
    if type(name) == "string" and converters[math.type(value) or type(value)] then
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
  return parser
end

--- The config with what the command line says put over it; the config itself stays untouched.
--- Settings `data`, `as_of`, `schema`, `max_rejects` and `on_error` are always there. `--help` prints and leaves.
---@param name string of the script, for the usage text
---@param config table
---@param arguments string[]
---@return table settings
---@return table<string, boolean> given settings that came from the command line
function M.settings(name, config, arguments)
  local settings = { data = "data", as_of = "", schema = "public", max_rejects = "", on_error = "reject" }
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
    settings[key] = boxed[1]
    given[key] = true
  end
  return settings, given
end

return M
