-- Tables for people that fit a terminal: dispensable columns are left out, one by one, before cells are cut.

local lists = require "pghost.lib.lists"
local print_ = require "pghost.lib.print"
local terminal_text = require "pghost.lib.terminal"

local M = {}

-- Whether a column holds only zeros and nulls.
local function is_zero(rows, position)
  for _, row in ipairs(rows) do
    local value = row[position]
    if value ~= nil and value ~= 0 and value ~= "0" then
      return false
    end
  end
  return true
end

local function position_of(columns, name)
  for i, one in ipairs(columns) do
    if one == name then
      return i
    end
  end
end

local function without(list, position)
  local out = {}
  for i = 1, #list do
    out[#out + 1] = i ~= position and list[i] or nil
  end
  return out
end

-- Rows have holes: all positions are kept apart from the values.
local function chosen(row, places)
  return lists.map(places, function(place)
    return row[place]
  end)
end

local function shown(columns, rows, places, options)
  local names, types, cells = chosen(columns, places), chosen(options.types or {}, places), {}
  for i, row in ipairs(rows) do
    cells[i] = chosen(row, places)
  end
  return names, cells, { types = options.types and types, null = options.null, width = options.width }
end

local function is_wide(columns, rows, places, options)
  local names, cells, all = shown(columns, rows, places, options)
  all.width = nil
  return terminal_text.width(print_.format(names, cells, all):match "\n([^\n]*)") > options.width
end

--- An aligned table as print.format gives it. Where it is wider than options.width, columns of `spare` are left out:
--- first those in which there are zeros alone, then in their order.
---@param columns string[]
---@param rows table[]
---@param options pghost.print.Options
---@param spare string[] names of columns
---@return string
function M.format(columns, rows, options, spare)
  local places = {}
  for i in ipairs(columns) do
    places[i] = i
  end
  for _, zeros in ipairs { true, false } do
    for _, name in ipairs(options.width and spare or {}) do
      local column = position_of(columns, name)
      local place = column and position_of(places, column)
      if place and (not zeros or is_zero(rows, column)) and is_wide(columns, rows, places, options) then
        places = without(places, place)
      end
    end
  end
  return print_.format(shown(columns, rows, places, options))
end

return M
