-- Checks of arguments for the rules modules. Each raises, `level` calls up, at the line of the user.

local lists = require "pghost.lib.lists"
local nearest = require "pghost.lib.nearest"

local M = {}

local scalar_types = { string = true, number = true, boolean = true }

--- Raises a message at the line that called the function `level` levels above this one: 1 is the
--- function that calls misuse, 2 its caller.
function M.misuse(level, format, ...)
  error(format:format(...), level + 1)
end

-- The functions below are called by public functions and raise at the line of their caller.

--- Raises for arguments beyond those that there are.
---@param what string
---@param most integer
---@param ... any all that were given
function M.at_most(what, most, ...)
  if select("#", ...) > most then
    M.misuse(3, "%s takes %s, got %d", what, most == 0 and "no arguments" or most == 1 and "1 argument"
      or most .. " arguments", select("#", ...))
  end
end

function M.scalar(value, what)
  if not scalar_types[type(value)] then
    M.misuse(3, "%s: string, number or boolean expected, got %s", what, type(value))
  end
  return value
end

--- A copy of a list of scalars that is not empty.
function M.list(values, what)
  if #values == 0 then
    M.misuse(3, "%s: at least one value expected", what)
  end
  for _, value in ipairs(values) do
    if not scalar_types[type(value)] then
      M.misuse(3, "%s: string, number or boolean expected, got %s", what, type(value))
    end
  end
  return table.move(values, 1, #values, 1, {})
end

--- A list without holes and named fields, which would be overlooked otherwise.
function M.sequence(values, what)
  local count = 0
  for key in pairs(type(values) == "table" and values or { [false] = true }) do
    if math.type(key) ~= "integer" then
      M.misuse(3, "%s: list expected, got %s", what, key and ("field '%s'"):format(key) or type(values))
    end
    count = count + 1
  end
  if count ~= #values then
    M.misuse(3, "%s: list with a nil in it", what)
  end
  return values
end

function M.whole(value, least, what)
  if math.type(value) ~= "integer" or value < least then
    M.misuse(3, "%s: integer from %d expected, got '%s'", what, least, value)
  end
  return value
end

function M.options(options, known, what)
  if options ~= nil and type(options) ~= "table" then
    M.misuse(3, "%s: table of options expected, got '%s'", what, options)
  end
  for key in pairs(options or {}) do
    if not known[key] then
      M.misuse(3, "%s: unknown option '%s'%s", what, key, nearest.hint(tostring(key), lists.sorted_keys(known)))
    end
  end
  return options or {}
end

return M
