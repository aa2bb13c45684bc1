-- What the script and the config say of where tables go: the option `distribute` of a load, else the setting.

local is = require "pghost.lib.is"

local M = {}

M.expected = "the name of a column, 'reference' or 'local'"

--- Whether a value is one of the option.
---@param value any
---@return boolean
function M.is(value)
  return is.text(value) and value ~= ""
end

--- Whether a value is one of the setting: that of the option for every table, or by the names of tables.
---@param value any
---@return boolean
function M.is_setting(value)
  if type(value) ~= "table" then
    return is.text(value)
  end
  for name, one in pairs(value) do
    if type(name) ~= "string" or not M.is(one) then
      return false
    end
  end
  return true
end

--- What is said of a table; nil: nothing.
---@param run pghost.Run
---@param name string of the clean table, of a raw table or of an answer
---@param option? string
---@return string?
function M.of(run, name, option)
  local setting = run.settings.distribute
  return option or (type(setting) == "table" and setting[name]) or nil
end

--- What the config says of every table that a load makes; nil: nothing.
---@param run pghost.Run
---@return string?
function M.of_all(run)
  local setting = run.settings.distribute
  return type(setting) == "string" and setting ~= "" and setting or nil
end

return M
