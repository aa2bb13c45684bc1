-- Records that are declared: all fields of a kind with their types in one place, and nothing is set
-- once a record is made. A field that is not declared can be neither given nor read.

local M = {}

-- "integer", "string?", "any": a type of Lua, or "integer"; with ? it may be nil.
local function is_of(value, wanted)
  local name = wanted:match "^%a+"
  if value == nil then
    return wanted:sub(-1) == "?"
  end
  return name == "any" or type(value) == name or (name == "integer" and math.type(value) == "integer")
end

local function check(kind, fields, values)
  for field in pairs(values) do
    if not fields[field] then
      error(("%s: no field '%s' is declared"):format(kind, tostring(field)), 3)
    end
  end
  for field, wanted in pairs(fields) do
    if not is_of(values[field], wanted) then
      error(("%s: field '%s' is %s, got %s"):format(kind, field, wanted, type(values[field])), 3)
    end
  end
end

--- Declares a kind of record; returns the function that makes one of a table, which becomes its own.
---@param kind string for messages
---@param fields table<string, string> types: "string", "integer?", "any", ...
---@return fun(values: table): table
function M.kind(kind, fields)
  local function raise_change(_, field)
    error(("%s: '%s' is set when it is made, and not afterwards"):format(kind, tostring(field)), 2)
  end
  return function(values)
    check(kind, fields, values)
    return setmetatable({}, {
      __name = "pghost." .. kind,
      __index = function(_, field)
        local value = values[field]
        if value == nil and not fields[field] then
          error(("%s: no field '%s' is declared"):format(kind, tostring(field)), 2)
        end
        return value
      end,
      __newindex = raise_change,
      __pairs = function()
        return next, values
      end,
    })
  end
end

--- A metatable's __newindex for objects that live: what is not declared cannot be set.
---@param kind string for messages
---@param fields table<string, any> names of what may be set
---@return fun(object: table, field: string, value: any)
function M.only(kind, fields)
  return function(object, field, value)
    if not fields[field] then
      error(("%s: no field '%s' is declared"):format(kind, tostring(field)), 2)
    end
    rawset(object, field, value)
  end
end

return M
