-- Small table helpers: sets, mapped and filtered lists, sorted keys.

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

--- The set of the words of a text, or of what else a pattern finds.
---@param text string
---@param pattern? string default "%S+"
---@return table<string, true>
function M.words(text, pattern)
  local set = {}
  for word in text:gmatch(pattern or "%S+") do
    set[word] = true
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

--- One field of each of a list; no one may lack it.
---@param list table[]
---@param field string
---@return any[]
function M.pluck(list, field)
  return M.map(list, function(one)
    return one[field]
  end)
end

--- Those of a list that `fn` returns a true value for.
---@generic T
---@param list T[]
---@param fn fun(value: T): any
---@return T[]
function M.filter(list, fn)
  local out = {}
  for _, value in ipairs(list) do
    out[#out + 1] = fn(value) and value or nil
  end
  return out
end

--- Whether a text is not empty: for M.filter.
---@param text string
---@return boolean
function M.is_given(text)
  return text ~= ""
end

--- The keys of a table, in order; those of several types in the order of their texts.
---@param map table
---@param mixed? boolean
---@return any[]
function M.sorted_keys(map, mixed)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys, mixed and function(a, b)
    return tostring(a) < tostring(b)
  end or nil)
  return keys
end

--- A new table with the fields of all that are given; those of later ones win.
---@param ... table?
---@return table
function M.merged(...)
  local all = {}
  for i = 1, select("#", ...) do
    for key, value in pairs((select(i, ...)) or {}) do
      all[key] = value
    end
  end
  return all
end

--- The first of a list that `fn` returns a true value for.
---@generic T
---@param list T[]
---@param fn fun(value: T): any
---@return T?
function M.find(list, fn)
  for _, value in ipairs(list) do
    if fn(value) then
      return value
    end
  end
end

--- The first of a list that has this name.
---@generic T
---@param list T[]
---@param name string
---@return T?
function M.named(list, name)
  return M.find(list, function(one)
    return one.name == name
  end)
end

return M
