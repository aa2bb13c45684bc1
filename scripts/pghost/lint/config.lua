-- The config of a project: each setting is checked by itself, so that all mistakes are found.

local broken = require "pghost.lint.broken"
local command_line = require "pghost.run.command_line"
local lists = require "pghost.lib.lists"
local settings_of = require "pghost.run.settings"
local sources = require "pghost.lint.lua_files"

local M = {}

---@param findings pghost.lint.Findings
---@param folder string of the project
---@param place { file: string, line: integer } of pipeline.start
---@return fun(name: string, message: any) says what is wrong with a setting
local function sayer(findings, folder, place)
  local config = folder .. "/config.lua"
  return function(name, problem)
    local line = sources.line_of(config, tostring(name))
    if line then
      findings:add(config, line, tostring(problem))
    else
      findings:add(place.file, sources.line_of(place.file, tostring(name)) or place.line, tostring(problem))
    end
  end
end

local function is_fine(config, say, name)
  local fine, problem = pcall(function()
    settings_of.check(settings_of.of(config))
  end)
  if not fine then
    say(name, problem)
  end
  return fine
end

local function check_parameters(parameters, say)
  local good = {}
  for _, name in ipairs(lists.sorted_keys(parameters)) do
    if is_fine({ parameters = { [name] = parameters[name] } }, say, name) then
      good[name] = parameters[name]
    end
  end
  return good
end

--- The settings of a config without those that are wrong.
---@param findings pghost.lint.Findings
---@param folder string
---@param place { file: string, line: integer }
---@param name string of the script
---@param config any
---@return table settings
---@return table<string, boolean> given
---@return boolean sure that the data are where `settings.data` says
function M.of(findings, folder, place, name, config)
  local say, good, sure = sayer(findings, folder, place), {}, type(config) == "table" and not broken.is(config)
  if type(config) ~= "table" then
    findings:add(place.file, place.line, ("pipeline.start: table of settings expected, got %s"):format(type(config)))
    config = {}
  elseif broken.is(config) then
    config = {}
  end
  for _, key in ipairs(lists.sorted_keys(config)) do
    if key == "parameters" and type(config[key]) == "table" then
      good[key] = check_parameters(config[key], say)
    elseif key ~= "secret" and is_fine({ [key] = config[key] }, say, key) then
      good[key] = config[key]
    end
  end
  if config.secret ~= nil and is_fine({ parameters = good.parameters, secret = config.secret }, say, "secret") then
    good.secret = config.secret
  end
  local settings, given = command_line.settings(name, good, {})
  return settings, given, sure and good.data == config.data
end

return M
