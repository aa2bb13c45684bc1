-- How a file is read, in the form recorded in the history, so that its rejects can be written as a file of the same
-- kind and read again.

local cjson = require "cjson"

local M = {}

-- Options of a source that say how its bytes are to be understood. What is done about broken records
-- is not among them: that may change from run to run.
local names = { "delimiter", "quote", "escape", "line_end", "header", "blank_lines", "skip_blanks",
  "blanks_after_quote", "encoding" }

-- Encodings whose files are split without conversion, so that the bytes of a record are those of the file. Files in any
-- other are converted first, and their records are UTF-8.
local kept_as_they_are = { "^iso", "^windows", "^cp125", "^win", "^latin", "^koi8", "^euc", "^shift", "^sjis", "^gb",
  "^big5", "^utf16" }

--- The encoding of the original bytes of records; nil for UTF-8.
---@param encoding? string that a file is read in
---@return string?
function M.encoding_of_bytes(encoding)
  if encoding == "utf-8" then
    return nil
  end
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

--- Text as the bytes of an encoding, to come before the original bytes of records. What is not
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
  return conn:query("SELECT pg_catalog.convert_to($1::pg_catalog.text, $2::pg_catalog.name) AS bytes", text,
    encoding)[1].bytes
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

-- A pattern for any of these characters.
local function any_of(chars)
  return "[" .. chars:gsub("%W", "%%%0") .. "]"
end

-- What a replacement makes of a character found: `before`, and itself.
local function preceded_by(before)
  return before:gsub("%%", "%%%%") .. "%0"
end

-- A field in quotes; where there are none, with what is special in it escaped, if anything escapes.
local function quoter(dialect)
  local quote, escape = dialect.quote or '"', dialect.escape
  if quote == "" and not escape then
    return function(text)
      return text
    end
  end
  local inside = quote ~= "" and quote or "\r\n" .. (dialect.delimiter or ",") .. (dialect.comment or "")
  local pattern, replacement = any_of(inside .. (escape or "")), preceded_by(escape or quote)
  return function(text)
    return quote .. text:gsub(pattern, replacement) .. quote
  end
end

-- Whether a value has to be quoted. Searching for plain strings one by one is faster than a pattern.
local function is_special(dialect)
  local comment, quote = dialect.comment, dialect.quote or '"'
  local specials = { "\r", "\n", dialect.delimiter or "," }
  specials[4] = quote ~= "" and quote or dialect.escape
  specials[5] = quote ~= "" and dialect.escape or nil
  return function(value, i)
    for k = 1, #specials do
      if value:find(specials[k], 1, true) then
        return true
      end
    end
    return i == 1 and comment and value:sub(1, #comment) == comment
  end
end

--- What M.line does, for many lines of one dialect.
---@param dialect { delimiter?: string, quote?: string, escape?: string, comment?: string }
---@return fun(values: (string|number|nil)[], count: integer): string
function M.liner(dialect)
  local delimiter, quoted, special = dialect.delimiter or ",", quoter(dialect), is_special(dialect)
  return function(values, count)
    local fields = {}
    for i = 1, count do
      local value = values[i] ~= nil and tostring(values[i]) or nil
      fields[i] = value and ((value == "" or special(value, i)) and quoted(value) or value) or ""
    end
    return table.concat(fields, delimiter)
  end
end

--- One CSV line of the first `count` values, without its end; nil is NULL, an empty field. Quoted is
--- only what has to be.
---@param values (string|number|nil)[]
---@param count integer
---@param dialect { delimiter?: string, quote?: string, escape?: string, comment?: string }
---@return string
function M.line(values, count, dialect)
  return M.liner(dialect)(values, count)
end

return M
