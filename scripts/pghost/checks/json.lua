-- A sample as JSON, its keys in order, so that two runs record the same text.

local cjson = require "cjson"
local lists = require "pghost.lib.lists"

--- @param value any
--- @return string
return function(value)
  if type(value) ~= "table" or #value > 0 or next(value) == nil then
    return cjson.encode(value)
  end
  local parts = {}
  for i, key in ipairs(lists.sorted_keys(value)) do
    parts[i] = ("%s: %s"):format(cjson.encode(tostring(key)), cjson.encode(value[key]))
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end
