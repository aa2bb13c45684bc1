-- The types that a column's rules begin with: functions that each give a column. See pghost.rules.

local arguments = require "pghost.rules.argument_checks"
local column_rules = require "pghost.rules.column"
local native = require "pghost.native.rules"
local misuse = arguments.misuse

local M = {}

-- A constructor by what the type takes besides its name; `kind` is of pghost.native.rules.types.
local constructors = {
  none = function(kind)
    return function(...)
      arguments.at_most(kind.name, 0, ...)
      return column_rules.new(kind.name)
    end
  end,

  -- ISO 8601, or an explicit format: words as to_timestamp has them.
  format = function(kind)
    return function(options, ...)
      arguments.at_most(kind.name, 1, options, ...)
      local format = arguments.options(options, { format = true }, kind.name).format
      if type(format) == "table" then
        format = arguments.list(arguments.sequence(format, kind.name .. " format"), kind.name .. " format")
      end
      return column_rules.new(kind.name, format)
    end
  end,

  -- Characters.
  length = function(kind)
    return function(length, ...)
      arguments.at_most(kind.name, 1, length, ...)
      length = length or (kind.length > 0 and kind.length or nil)
      if length == nil then
        return column_rules.new(kind.name)
      end
      return column_rules.new(("%s(%d)"):format(kind.name, arguments.whole(length, 1, kind.name)))
    end
  end,

  -- Digits in all, and after the point: 0 if only the first is given.
  precision = function(kind)
    return function(precision, scale, ...)
      arguments.at_most(kind.name, 2, precision, scale, ...)
      if precision == nil then
        return column_rules.new(kind.name)
      end
      arguments.whole(precision, 1, kind.name .. " precision")
      scale = arguments.whole(scale or 0, -1000, kind.name .. " scale")
      return column_rules.new(("%s(%d,%d)"):format(kind.name, precision, scale))
    end
  end,
}

for _, kind in ipairs(native.types()) do
  M[kind.name:match("^%S+")] = constructors[kind.parameter](kind)
end

-- The SQL name of what an array or a domain is over.
local function name_of(column, what)
  if type(column) == "string" then
    return column
  elseif not column_rules.is(column) then
    misuse(3, "%s: type expected, as \"bigint\" or r.bigint(), got %s", what, type(column))
  elseif #column.operations > 0 or #column.checks > 0 or column.failure or column.format then
    misuse(3, "%s: a type without operations, checks and format expected", what)
  end
  return column.domain or column.type
end

--- An array of any number of dimensions, as PostgreSQL writes one: {1,2,NULL}.
---@param element string|pghost.Column SQL name of its type, or the type: r.array("bigint"), r.array(r.bigint())
---@return pghost.Column
function M.array(element)
  return column_rules.new(name_of(element, "array") .. "[]")
end

--- One of these labels, byte by byte; they are in the order of the type. Without a name the column
--- is text: r.enum { "a", "b" }. With one it is of that type, which must exist: r.enum("mood", { "a", "b" }).
---@param name string|string[] SQL name, or the labels
---@param labels? string[]
---@return pghost.Column
function M.enum(name, labels)
  if type(name) == "table" and labels == nil then
    name, labels = "text", name
  end
  if type(name) ~= "string" or type(labels) ~= "table" then
    misuse(2, "enum: labels expected, or a name and labels")
  end
  local list = arguments.list(labels, "enum")
  return column_rules.with_field(column_rules.new(name), "labels", list)
end

--- A domain over a type: that type's rules here, the domain's own checks at the server.
---@param name string SQL name of the domain, which must exist
---@param base pghost.Column what it is over
---@return pghost.Column
function M.domain(name, base)
  if type(name) ~= "string" or not column_rules.is(base) then
    misuse(2, "domain: name and type expected, as domain(\"amount\", r.integer())")
  end
  return column_rules.with_field(base, "domain", name)
end

--- Any other type of the server, by its SQL name: "money", "xml", "public.ltree". Only the server
--- knows what is a value of it: one that is none fails the load instead of being rejected, and the
--- table is loaded as text, which is slower.
---@param name string
---@return pghost.Column
function M.type(name)
  if type(name) ~= "string" then
    misuse(2, "type: name expected, got %s", type(name))
  end
  return column_rules.new(name)
end

return M
