-- Records that are declared: all fields of a kind with their types in one place; immutable once made. An undeclared
-- field can be neither set nor read.

local M = {}

local function is_of(value, name)
  return name == "any" or type(value) == name or (name == "integer" and math.type(value) == "integer")
end

-- The types without their ?, and the fields that must be there.
local function parse(fields)
  local types, required = {}, {}
  for field, wanted in pairs(fields) do
    types[field] = wanted:match "^%a+"
    required[#required + 1] = wanted:sub(-1) ~= "?" and field or nil
  end
  return types, required
end

local function raise_wrong(kind, field, wanted, value)
  error(("%s: field '%s' is %s, got %s"):format(kind, field, wanted, type(value)), 4)
end

-- There can be thousands of records: an absent field costs nothing.
local function check(kind, fields, types, required, values)
  for field, value in next, values do
    local name = types[field]
    if not name then
      error(("%s: no field '%s' is declared"):format(kind, tostring(field)), 3)
    elseif not is_of(value, name) then
      raise_wrong(kind, field, fields[field], value)
    end
  end
  for _, field in ipairs(required) do
    if values[field] == nil then
      raise_wrong(kind, field, fields[field], nil)
    end
  end
end

local function pairs_of(made)
  return next, getmetatable(made).__index
end

--- Declares a kind of record; returns the function that makes one of a table, which becomes its own.
---@param kind string for messages
---@param fields table<string, string> types: "string", "integer?", "any", ...
---@return fun(values: table): table
function M.kind(kind, fields)
  local types, required = parse(fields)
  local function raise_change(_, field)
    error(("%s: '%s' cannot be changed once it is made"):format(kind, tostring(field)), 2)
  end
  local absent = {
    __index = function(_, field)
      if not fields[field] then
        error(("%s: no field '%s' is declared"):format(kind, tostring(field)), 2)
      end
    end,
  }
  local name = "pghost." .. kind
  return function(values)
    check(kind, fields, types, required, values)
    return setmetatable({}, { __name = name, __index = setmetatable(values, absent), __newindex = raise_change,
      __pairs = pairs_of })
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
