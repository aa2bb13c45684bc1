-- How a file is read, as it is recorded: so that its rejects can be written as a file of the same
-- kind, and read again.

local cjson = require "cjson"

local M = {}

-- Options of a source that say how its bytes are to be understood. What is done about broken records
-- is not among them: that may change from run to run.
local names = { "delimiter", "quote", "escape", "line_end", "header", "blank_lines", "skip_blanks", "encoding" }

-- Encodings whose files are taken apart as they are, so that the bytes of a record are those of the
-- file. Files in any other are converted first, and their records are UTF-8.
local kept_as_they_are = { "^iso", "^windows", "^cp125", "^win", "^latin", "^koi8", "^euc", "^shift", "^sjis", "^gb",
  "^big5", "^utf16" }

--- The encoding of the original bytes of records; nil for UTF-8.
---@param encoding? string that a file is read in
---@return string?
function M.encoding_of_bytes(encoding)
  local name = (encoding or ""):lower():gsub("[^%w]", "")
  if name:find("^iso2022") or name:find("^iso646") then
    return nil
  end
  for _, pattern in ipairs(kept_as_they_are) do
    if name:find(pattern) then
      return encoding
    end
  end
end

local function to_utf16(text, big)
  local out = {}
  local format = big and ">I2" or "<I2"
  for _, code in utf8.codes(text) do
    if code >= 0x10000 then
      code = code - 0x10000
      out[#out + 1] = format:pack(0xd800 + (code >> 10)) .. format:pack(0xdc00 + (code & 0x3ff))
    else
      out[#out + 1] = format:pack(code)
    end
  end
  return table.concat(out)
end

--- Text as the bytes of an encoding, to stand before the original bytes of records. What is not
--- ASCII is converted by the server; raises where that cannot.
---@param conn pghost.Connection
---@param text string UTF-8
---@param encoding? string from encoding_of_bytes
---@return string bytes
function M.encode(conn, text, encoding)
  local name = (encoding or ""):lower():gsub("[^%w]", "")
  if name:find("^utf16") then
    return to_utf16(text, name:find("be$"))
  elseif not encoding or not text:find("[\x80-\xff]") then
    return text
  end
  return conn:query("SELECT convert_to($1, $2) AS bytes", text, encoding)[1].bytes
end

--- The options that describe the bytes of a file, as JSON; nil where all is by default. What was
--- found in the file itself (line_end, encoding) stands over what was asked for.
---@param options table
---@param file { line_end?: "lf"|"cr", encoding?: string }
---@return string?
function M.json(options, file)
  local kept = {}
  for _, name in ipairs(names) do
    local kind = type(options[name])
    if kind == "string" or kind == "boolean" or kind == "number" then
      kept[name] = options[name]
    end
  end
  kept.line_end = (file.line_end or kept.line_end) == "cr" and "cr" or nil
  kept.encoding = M.encoding_of_bytes(file.encoding or kept.encoding)
  return next(kept) and cjson.encode(kept) or nil
end

--- The names of a header, without the column that a reader adds for what is too much.
---@param header? string[]
---@param options table
---@return string[]?
function M.header(header, options)
  if not header then
    return nil
  end
  local count = #header
  if header[count] == "_extra" and (options.too_many == "extra" or options.tolerant) then
    count = count - 1
  end
  return { table.unpack(header, 1, count) }
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
