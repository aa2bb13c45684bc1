-- SQL texts with named parameters: `:as_of` becomes `$1::timestamp` and its value is bound.
--
-- Knows enough of SQL's lexical rules to leave strings, quoted identifiers, comments, dollar quotes
-- and `::` casts alone. Nothing is ever spliced in but the parameter's number and type.

local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"
local pointer = require "pghost.lib.pointer"
local tokens = require "pghost.lib.sql_tokens"
local whole_file = require "pghost.lib.whole_file"

local M = { quoted_end = tokens.quoted_end }

---@class pghost.sql.Statement
---@field name string where the text is from, for messages
---@field parts (string | { parameter: string })[]
---@field text string as it was given
---@field line integer of its source that it begins in, from 1
---@field places integer[] where in it each part begins
---@field ordered boolean has an ORDER BY of its own outside of parentheses
local Statement = {}
Statement.__index = Statement

---@class pghost.sql.Parameter
---@field type string SQL type
---@field value string|number|boolean|nil

--- Parses one statement; a closing semicolon is left out.
---@param text string
---@param name? string where it is from, for messages
---@param line? integer of that source that it begins in; default 1
---@return pghost.sql.Statement
function M.parse(text, name, line)
  local parts, places, depth, ended, ordered, previous = {}, {}, 0, false, false, nil
  local ends = tokens.statement_end()
  tokens.scan(text, name, function(kind, piece, at)
    local blank = kind == "comment" or (kind == "space" and not piece:find("%S"))
    if ended and not blank and kind ~= "end" then
      errors.raise("more than one statement", "usage", { exit = 1, file = name })
    end
    depth = depth + ((kind == "(" and 1) or (kind == ")" and -1) or 0)
    if kind == "word" then
      ordered = ordered or (depth == 0 and piece:lower() == "by" and previous == "order")
      previous = piece:lower()
    end
    if ends(kind, piece) then
      ended = true
      return
    end
    places[#places + 1] = at
    if kind == "parameter" then
      parts[#parts + 1] = { parameter = piece:sub(2) }
    else
      parts[#parts + 1] = kind == "comment" and " " or piece
    end
  end)
  return setmetatable({ name = name, text = text, line = line or 1, parts = parts, places = places, ordered = ordered },
    Statement)
end

--- Takes a script apart, at the semicolons between its statements.
---@param text string
---@param name? string where it is from, for messages
---@return string[] statements those of white space and comments alone are left out
---@return integer[] lines that they begin in
function M.split(text, name)
  local list, lines, current, has_words, line, ends = {}, {}, {}, false, 1, tokens.statement_end()
  local function take()
    local statement = table.concat(current)
    if has_words then
      list[#list + 1], lines[#lines + 1] = statement, line
    end
    line = line + select(2, statement:gsub("\n", ""))
    current, has_words, ends = {}, false, tokens.statement_end()
  end
  tokens.scan(text, name, function(kind, piece)
    if ends(kind, piece) then
      take()
      return
    end
    current[#current + 1] = piece
    has_words = has_words or not (kind == "comment" or (kind == "space" and not piece:find("%S")))
  end)
  take()
  return list, lines
end

--- The text of a file.
---@param path string
---@return string
function M.read_text(path)
  return whole_file.read(path)
end

--- Reads and parses a file that holds one statement.
---@param path string
---@return pghost.sql.Statement
function M.read(path)
  return M.parse(M.read_text(path), path)
end

local types = { boolean = "boolean", integer = "bigint", float = "double precision", string = "text" }

--- A parameter for a Lua value; the type follows from the value unless given; "" leaves it to the server.
---@param value string|number|boolean|nil
---@param type_name? string
---@return pghost.sql.Parameter
function M.parameter(value, type_name)
  return { value = value, type = type_name or types[math.type(value) or type(value)] or "text" }
end

--- A list as the text of an array of PostgreSQL, to be bound as `$1::text[]` or the like.
---@param list (string|number|boolean|nil)[] nil is NULL where `count` says so
---@param count? integer default: #list
---@return string
function M.array(list, count)
  local out = {}
  for i = 1, count or #list do
    out[i] = list[i] == nil and "NULL" or '"' .. tostring(list[i]):gsub('[\\"]', "\\%0") .. '"'
  end
  return "{" .. table.concat(out, ",") .. "}"
end

-- Replaces each parameter by what replace(name, parameter) says; returns the text, and where in it each
-- part begins.
local function render(statement, parameters, replace)
  local out, places, length = {}, {}, 0
  for i, part in ipairs(statement.parts) do
    if type(part) == "string" then
      out[i] = part
    else
      local parameter = parameters[part.parameter]
      if not parameter then
        local known = {}
        for name in pairs(parameters) do
          known[#known + 1] = name
        end
        table.sort(known)
        local meant = nearest.of(part.parameter, known)
        errors.raise(("no parameter ':%s'%s (has: %s)"):format(part.parameter,
          meant and (": did you mean ':%s'?"):format(meant) or "", table.concat(known, ", ")), "usage",
          { exit = 1, file = statement.name })
      end
      out[i] = replace(part.parameter, parameter)
    end
    places[i] = length + 1
    length = length + #out[i]
  end
  local text = table.concat(out)
  local leading = #text:match("^%s*")
  for i, place in ipairs(places) do
    places[i] = place - leading
  end
  return (text:sub(leading + 1):gsub("%s+$", "")), places
end

--- The text with `$n::type` for each parameter, and the values to bind in their order.
---@param parameters table<string, pghost.sql.Parameter>
---@return string text
---@return table values packed: values.n of them
---@return integer[] places for Statement:locate
function Statement:bind(parameters)
  local numbers, values = {}, { n = 0 }
  local text, places = render(self, parameters, function(name, parameter)
    if not numbers[name] then
      values.n = values.n + 1
      values[values.n] = parameter.value
      numbers[name] = values.n
    end
    return parameter.type == "" and "$" .. numbers[name] or ("$%d::%s"):format(numbers[name], parameter.type)
  end)
  return text, values, places
end

--- A constant. A text has no type of its own and takes that of what it is compared with.
---@param value string|number|boolean
---@return string sql
function M.literal(value)
  if math.type(value) == "integer" then
    return value < 0 and ("(%d)"):format(value) or ("%d"):format(value)
  elseif type(value) == "number" then
    return ("(%.17g)"):format(value)
  elseif type(value) == "boolean" then
    return tostring(value)
  end
  local quoted = "'" .. value:gsub("'", "''") .. "'"
  return value:find("\\", 1, true) and "E" .. quoted:gsub("\\", "\\\\") or quoted
end

--- The text with a typed constant for each parameter, for servers that cannot bind one everywhere.
---@param parameters table<string, pghost.sql.Parameter>
---@return string text
---@return integer[] places for Statement:locate
function Statement:inline(parameters)
  local text, places = render(self, parameters, function(_, parameter)
    local constant = parameter.value == nil and "NULL" or M.literal(parameter.value)
    return parameter.type == "" and constant or ("%s::%s"):format(constant, parameter.type)
  end)
  return text, places
end

--- The text with a typed NULL for each parameter: same columns and types, nothing to bind.
---@param parameters table<string, pghost.sql.Parameter>
---@return string text
---@return integer[] places for Statement:locate
function Statement:describe(parameters)
  local text, places = render(self, parameters, function(_, parameter)
    return ("NULL::%s"):format(parameter.type)
  end)
  return text, places
end

--- Gives an error of the server its place in the text as it was written: its file (or name) and line, and
--- below the message that line and a caret. Without a position in it the error gets the file alone.
---@param problem any only error objects of the server's are changed
---@param sent string what was sent to the server
---@param text string the part of it that bind or describe gave
---@param places integer[] from bind or describe
function Statement:locate(problem, sent, text, places)
  if not errors.is(problem) or problem.file then
    return
  end
  problem.file, problem.statement = self.name, nil
  local start = sent:find(text, 1, true)
  local byte = problem.position and start and utf8.len(sent) and utf8.offset(sent, problem.position)
  local at = byte and byte - start + 1
  if not at or at < 1 or at > #text + 1 then
    return
  end
  local part = 1
  while places[part + 1] and places[part + 1] <= at do
    part = part + 1
  end
  local inside = type(self.parts[part]) == "string" and at - places[part] or 0
  local caret, line = pointer.at(self.text, self.places[part] + inside, not self.name)
  problem.line = line + self.line - 1
  local first, rest = problem.message:match("^([^\n]*)(.*)$")
  problem.message = ("%s\n  %s%s"):format(first, caret, rest)
end

--- Runs SQL around the text of the statement; an error of the server's gets its place in that text.
---@param conn pghost.Connection
---@param sent string what is sent to the server
---@param text string the part of it that bind or describe gave
---@param places integer[] from bind or describe
---@param values? table from bind
---@return pghost.Result
function Statement:send(conn, sent, text, places, values)
  values = values or { n = 0 }
  local done, result = pcall(conn.query, conn, sent, table.unpack(values, 1, values.n))
  if not done then
    self:locate(result, sent, text, places)
    error(result, 0)
  end
  return result
end

return M
