-- Stands in for a value that could not be made because of a mistake: any operation on it returns it again, so that a
-- mistake is reported once and later ones are found.

local M = {}

local meta = { __name = "pghost.lint.Broken" }

M.value = setmetatable({}, meta)

function meta.__index()
  return M.value
end

function meta.__call()
  return M.value
end

function meta.__tostring()
  return "(broken)"
end

meta.__close = function() end

---@return boolean
function M.is(value)
  return value == M.value
end

--- A copy of a list without what is broken; whether there was any.
---@param list table
---@return table copy
---@return boolean some
function M.without(list)
  local copy, some = {}, false
  for key, value in pairs(list) do
    if value == M.value then
      some = true
    elseif math.type(key) == "integer" then
      copy[#copy + 1] = value
    else
      copy[key] = value
    end
  end
  return copy, some
end

return M
