-- The fields of a rejected record, from its original bytes: nil if they are not a record of the file's width.

local csv = require "pghost.native.csv"
local hex = require "pghost.lib.hex"
local recorded_dialect = require "pghost.input.recorded_dialect"

local M = {}

---@class pghost.rejects.Source where rejects are from
---@field name string
---@field header string[] names of its columns, without what a policy adds
---@field headerless? boolean
---@field dialect pghost.Dialect how its bytes are read
---@field encoding? string of its original bytes; nil: UTF-8
---@field load? string how its load was called (load_call.lua)

--- Describes a source by what reads it.
---@param name string
---@param header string[]
---@param dialect pghost.Dialect with the encoding that was found
---@param line_end? "lf"|"cr" that was found
---@return pghost.rejects.Source
function M.source(name, header, dialect, line_end)
  local encoding = recorded_dialect.encoding_of_bytes(dialect.encoding)
  return { name = name, header = header, headerless = dialect.header == false or dialect.header == 0 or nil,
    encoding = encoding, dialect = { header = false, delimiter = dialect.delimiter, quote = dialect.quote,
      escape = dialect.escape, skip_blanks = dialect.skip_blanks,
      blanks_after_quote = dialect.blanks_after_quote, line_end = line_end or dialect.line_end,
      encoding = encoding } }
end

-- Whether a record is nothing but fields and delimiters, whoever reads it: no quote, escape, line end, control
-- character or mark, and valid UTF-8.
local function is_plain(dialect, original)
  return #(dialect.delimiter or ",") == 1 and (dialect.quote or '"') == '"' and not dialect.escape
    and not dialect.skip_blanks and not dialect.encoding and not original:find '["\\%c]'
    and original:sub(1, 3) ~= "\u{feff}" and utf8.len(original) ~= nil
end

-- The fields of such a record: split here at a fifth of the cost of a reader for a single record.
local function split_plain(delimiter, original, width)
  local fields, count, at = {}, 0, 1
  repeat
    local found = original:find(delimiter, at, true)
    count = count + 1
    if (found or #original + 1) > at then
      fields[count] = original:sub(at, (found or 0) - 1)
    end
    at = found and found + 1
  until not at
  return count == width and fields or nil
end

--- The fields of one record.
---@param source pghost.rejects.Source
---@param original string
---@return (string|nil)[]? fields
function M.split(source, original)
  local width = #source.header
  if original == "" and width == 1 then
    return {} -- a blank line that is a record
  elseif original ~= "" and is_plain(source.dialect, original) then
    return split_plain(source.dialect.delimiter or ",", original, width)
  end
  local one <close> = csv.open_string(original, source.dialect)
  local fields
  for _, record in one and one:records() or next, {} do
    if type(record) ~= "table" or fields or #record ~= width then
      return nil
    end
    fields = table.move(record, 1, width, 1, {})
  end
  return fields
end

--- Whether a record ends at its own end whatever comes after it.
---@param text string
---@param dialect pghost.Dialect
---@return boolean
function M.is_closed(text, dialect)
  local quote = dialect.quote or '"'
  if quote == "" or not text:find(quote, 1, true) then
    return true
  end
  local pattern = quote:gsub("%W", "%%%0")
  return not dialect.escape and select(2, text:gsub(pattern, "")) % 2 == 0
end

--- Original bytes as text, UTF-8: as they were, or \x and hexadecimal digits where they are not text.
---@param source pghost.rejects.Source
---@param original string
---@return string
function M.text(source, original)
  local text = source.encoding and csv.decode(original, source.encoding) or original
  if not utf8.len(text) or text:find("\0", 1, true) or text:find("^\\x") then
    return "\\x" .. hex.encode(original)
  end
  return text
end

--- The bytes that such a text stands for.
---@param text string
---@return string
function M.bytes(text)
  local digits = text:match("^\\x(%x*)$")
  return digits and #digits % 2 == 0 and digits:gsub("%x%x", function(pair)
    return string.char(tonumber(pair, 16))
  end) or text
end

return M
