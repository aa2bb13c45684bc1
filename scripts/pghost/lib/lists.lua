-- Small things done with tables: sets, mapped lists, sorted keys.

local M = {}

--- The set of the values of a list.
---@param list string[]
---@return table<string, true>
function M.set(list)
  local set = {}
  for _, value in ipairs(list) do
    set[value] = true
  end
  return set
end

--- What `fn` makes of each value of a list; it must not return nil.
---@generic T, U
---@param list T[]
---@param fn fun(value: T): U
---@return U[]
function M.map(list, fn)
  local out = {}
  for i, value in ipairs(list) do
    out[i] = fn(value)
  end
  return out
end

--- The keys of a table, in order.
---@param map table
---@return any[]
function M.sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

return M
