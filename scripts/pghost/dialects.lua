-- How a file was read, as it is recorded: so that its rejects can be written as a file of the same
-- kind, and read again.

local cjson = require "cjson"
local sql = require "pghost.sql"

local M = {}

-- Options of a source that say how its bytes are to be understood. What is done about broken records
-- is not among them: that may change from run to run.
local names = { "delimiter", "quote", "escape", "line_end", "header", "blank_lines", "skip_blanks", "encoding" }

--- The options that describe the bytes, as JSON; nil where all is by default.
---@param options table
---@param line_end? "lf"|"cr" as it was found
---@return string?
function M.json(options, line_end)
  local kept = { line_end = line_end == "cr" and "cr" or nil }
  for _, name in ipairs(names) do
    local kind = type(options[name])
    if kind == "string" or kind == "boolean" or kind == "number" then
      kept[name] = options[name]
    end
  end
  return next(kept) and cjson.encode(kept) or nil
end

--- The names of a header as an array of the server, without the column that a reader adds for what is
--- too much.
---@param header? string[]
---@param options table
---@return string?
function M.header(header, options)
  if not header then
    return nil
  end
  local count = #header
  if header[count] == "_extra" and (options.too_many == "extra" or options.tolerant) then
    count = count - 1
  end
  return sql.array(header, count)
end

--- The options from a recorded file.
---@param text? string
---@return table
function M.read(text)
  local options = text and cjson.decode(text) or {}
  options.header = options.header ~= false
  return options
end

--- A field in quotes.
---@param text string
---@param dialect { quote?: string, escape?: string }
---@return string
function M.quoted(text, dialect)
  local quote, escape = dialect.quote or '"', dialect.escape or dialect.quote or '"'
  if quote == "" then
    return text
  end
  local escaped = text:gsub(".", function(char)
    return (char == quote or char == dialect.escape) and escape .. char or nil
  end)
  return quote .. escaped .. quote
end

--- One CSV line of the first `count` values, without its end; nil is NULL, an empty field. Quoted is
--- only what has to be.
---@param values (string|number|nil)[]
---@param count integer
---@param dialect { delimiter?: string, quote?: string, escape?: string, comment?: string }
---@return string
function M.line(values, count, dialect)
  local delimiter, quote = dialect.delimiter or ",", dialect.quote or '"'
  local fields = {}
  for i = 1, count do
    local value = tostring(values[i] == nil and "" or values[i])
    local special = value:find("[\r\n]") or value:find(delimiter, 1, true)
      or (quote ~= "" and value:find(quote, 1, true)) or (dialect.escape and value:find(dialect.escape, 1, true))
      or (i == 1 and dialect.comment and value:sub(1, #dialect.comment) == dialect.comment)
    local empty = value == "" and values[i] ~= nil
    fields[i] = (special or empty) and M.quoted(value, dialect) or value
  end
  return table.concat(fields, delimiter)
end

return M
