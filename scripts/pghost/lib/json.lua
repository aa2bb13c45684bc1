-- JSON whose keys are always in the same order, and whose numbers are as short as they can be.
--
-- cjson writes the keys of an object in hash order, which differs between processes. It is used to read JSON, and to
-- write what nobody looks at.

local cjson = require "cjson"
local lists = require "pghost.lib.lists"
local print_ = require "pghost.lib.print"

local M = {}

--- The values of an array of texts; null is nil.
---@param encoded string
---@return (string|nil)[]
function M.texts(encoded)
  local values = cjson.decode(encoded)
  for i, value in ipairs(values) do
    if value == cjson.null then
      values[i] = nil
    end
  end
  return values
end

local encode

local function text(value)
  return (cjson.encode(value):gsub("\\/", "/"))
end

local function list(values)
  return "[" .. table.concat(lists.map(values, encode), ",") .. "]"
end

local function is_exact(value)
  return value == value and math.abs(value) ~= math.huge
end

function encode(value)
  if type(value) == "table" then
    return #value > 0 and list(value) or M.object(lists.sorted_keys(value), value)
  elseif math.type(value) == "float" then
    return is_exact(value) and print_.float(value) or text(print_.float(value))
  end
  return text(value)
end

--- A value as JSON: keys of objects sorted, an empty table as an object, NaN and infinities as text.
---@param value any nil or cjson.null: null
---@return string
M.encode = encode

--- An object with its keys in the order given.
---@param names string[]
---@param values table<string, any> one that is nil is left out
---@return string
function M.object(names, values)
  local members = {}
  for _, name in ipairs(names) do
    if values[name] ~= nil then
      members[#members + 1] = text(name) .. ":" .. encode(values[name])
    end
  end
  return "{" .. table.concat(members, ",") .. "}"
end

return M
