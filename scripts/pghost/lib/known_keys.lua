-- Tables of options that users write: a key that nobody knows is an error, never ignored.

local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"

local M = {}

-- The names of a set ({ mode = true }) or of a list of rows ({ { name = "mode", ... } }).
local function names_of(known)
  local names = {}
  for key, value in pairs(known) do
    names[#names + 1] = type(key) == "string" and key or value.name
  end
  return names
end

local function is_known(known, key)
  if known[key] then
    return type(key) == "string"
  end
  for _, row in ipairs(known) do
    if row.name == key then
      return true
    end
  end
  return false
end

--- Raises an error of usage unless `given` is a table whose keys are all known:
--- "run:load 'booking': unknown option 'mdoe': did you mean 'mode'?"
---@param given any nil is fine
---@param known table<string, any>|{ name: string }[]
---@param where string what the message begins with
---@param what? string default "option"
function M.check(given, known, where, what)
  if given == nil then
    return
  elseif type(given) ~= "table" then
    errors.raise(("%s: table of %ss expected, got %s"):format(where, what or "option", type(given)), "usage",
      { exit = 1 })
  end
  for key in pairs(given) do
    if not is_known(known, key) then
      errors.raise(("%s: unknown %s '%s'%s"):format(where, what or "option", tostring(key),
        nearest.hint(tostring(key), names_of(known))), "usage", { exit = 1 })
    end
  end
end

return M
