-- The types that a column's rules begin with: functions that each give a column. See pghost.rules.

local arguments = require "pghost.rules.arguments"
local column_rules = require "pghost.rules.column"
local misuse = arguments.misuse

local M = {}

local plain_types = {
  "text", "smallint", "integer", "bigint", "real", "boolean", "uuid", "json", "jsonb", "timetz", "interval", "inet",
  "cidr", "bytea",
}

for _, name in ipairs(plain_types) do
  M[name] = function()
    return column_rules.new(name)
  end
end

---@return pghost.Column
function M.double()
  return column_rules.new("double precision")
end

-- Dates and times are ISO 8601 or in an explicit format, words as to_timestamp has them.
for _, name in ipairs { "date", "time", "timestamp", "timestamptz" } do
  M[name] = function(options)
    return column_rules.new(name, arguments.options(options, { format = true }, name).format)
  end
end

---@param length? integer characters; none: no limit
---@return pghost.Column
function M.varchar(length)
  if length == nil then
    return column_rules.new("varchar")
  end
  return column_rules.new(("varchar(%d)"):format(arguments.whole(length, 1, "varchar")))
end

---@param precision? integer digits in all
---@param scale? integer digits behind the point, 0 if only the precision is given
---@return pghost.Column
function M.numeric(precision, scale)
  if precision == nil then
    return column_rules.new("numeric")
  end
  arguments.whole(precision, 1, "numeric precision")
  return column_rules.new(("numeric(%d,%d)"):format(precision, arguments.whole(scale or 0, -1000, "numeric scale")))
end

--- char(n): blanks at the end do not count and are not kept.
---@param length? integer characters, 1 if not given
---@return pghost.Column
function M.char(length)
  return column_rules.new(("char(%d)"):format(arguments.whole(length or 1, 1, "char")))
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
