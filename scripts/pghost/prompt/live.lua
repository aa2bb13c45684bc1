-- Globals of the prompt that are looked up when they are used: run, rejects, rules, try, reload. A script's own globals
-- take precedence.

local lists = require "pghost.lib.lists"

local M = {}

local values = {
  run = function() return require("pghost.prompt.last_run").run() end,
  rejects = function() return require("pghost.prompt.last_run").rejects() end,
  rules = function() return require("pghost.prompt.project_rules").new() end,
  try = function() return require("pghost.prompt.tried").try end,
  reload = function() return require("pghost.prompt.reloading").reload end,
}

--- The value of a global without a look at the database: what completion may ask for.
---@param name string
---@return any
function M.peek(name)
  if name == "conn" then
    return require("pghost.connection").methods
  end
  return name == "rules" and values.rules() or nil
end

--- Their names, sorted.
---@return string[]
function M.names()
  return lists.sorted_keys(values)
end

--- Has them looked up where a global is nil, and `print` show values.
function M.install()
  print = require("pghost.prompt.show").print_values -- luacheck: ignore 121
  local metatable = getmetatable(_G) or {}
  local before = metatable.__index
  metatable.__index = function(globals, name)
    local value = values[name]
    if value then
      return value()
    elseif type(before) == "function" then
      return before(globals, name)
    end
    return before and before[name]
  end
  setmetatable(_G, metatable)
end

return M
