-- Predicates on values, for the lists of settings and options: is.whole(1)(5).

local M = {}

---@param value any
---@return boolean
function M.text(value)
  return type(value) == "string"
end

---@param value any
---@return boolean
function M.boolean(value)
  return type(value) == "boolean"
end

---@param value any
---@return boolean
function M.table(value)
  return type(value) == "table"
end

---@param value any
---@return boolean
function M.fn(value)
  return type(value) == "function"
end

---@param least integer
---@param most? integer
---@return fun(value: any): boolean
function M.whole(least, most)
  return function(value)
    return math.type(value) == "integer" and value >= least and value <= (most or math.maxinteger)
  end
end

---@param ... any
---@return fun(value: any): boolean
function M.one_of(...)
  local values = { ... }
  return function(value)
    for _, one in ipairs(values) do
      if one == value then
        return true
      end
    end
    return false
  end
end

---@param check fun(value: any): any
---@return fun(value: any): any
function M.nil_or(check)
  return function(value)
    return value == nil or check(value)
  end
end

return M
