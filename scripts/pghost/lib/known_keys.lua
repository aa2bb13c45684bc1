-- Tables of options that users write: an unknown key is an error, never ignored.

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

-- Names that may be looked for without being meant: those of other modules' metafields.
local function is_name(key)
  return type(key) == "string" and not key:find("^__")
end

local function raise_unknown(subject, key, names, level)
  error(("%s no '%s'%s"):format(subject, key, nearest.hint(key, names)), level + 1)
end

--- Makes reading a field that a module does not have an error: "pghost.rules has no 'bigit': did you mean 'bigint'?"
---@generic T: table
---@param module T all of whose fields are there
---@param name string
---@return T module
function M.strict(module, name)
  return setmetatable(module, { __index = function(_, key)
    if is_name(key) then
      raise_unknown(name .. " has", key, names_of(module), 2)
    end
  end })
end

--- The same for objects of a class, some fields of which may be nil.
---@param subject string "a run has"
---@param class table<string, any> their methods; becomes the __index of their metatable
---@param fields table<string, any>
function M.strict_class(subject, class, fields)
  class.__index = class
  setmetatable(class, { __index = function(_, key)
    if is_name(key) and fields[key] == nil then
      local names = names_of(class)
      table.move(names_of(fields), 1, #names_of(fields), #names + 1, names)
      raise_unknown(subject, key, names, 2)
    end
  end })
end

--- A metatable's __newindex: setting a field that is not one of `fields` is an error.
---@param subject string "a run has"
---@param fields table<string, any>
---@return fun(object: table, key: any, value: any)
function M.refuse_new(subject, fields)
  return function(object, key, value)
    if fields[key] == nil then
      raise_unknown(subject, tostring(key), names_of(fields), 2)
    end
    rawset(object, key, value)
  end
end

return M
