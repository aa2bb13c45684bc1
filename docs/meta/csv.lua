---@meta pghost.native.csv
-- luacheck: ignore 212 241

-- CSV sources. A source is handed to a load (pghost.native.load) or explored record by record:
--
--   local csv = require "pghost.native.csv"
--   local source <close> = assert(csv.open("data/users.csv"))
--   for line, record, problem in source:records() do
--     print(line, record and record.company_id, problem)
--   end
--
-- What is a record: CSV as RFC 4180 has it, strictly. Nothing is trimmed. Lines end in LF or CRLF, mixed
-- as they come, or in CR alone where the first line does. An unquoted empty field is NULL, `""` is the
-- empty string. A UTF-8 BOM is passed over. Blank lines are no records, unless there is one column, whose
-- NULL they are.
--
-- What is a bad record, and where reading goes on:
--   too few fields, too many fields     the record; behind it
--   stray quote                         a quote inside an unquoted field, or anything but a delimiter behind a
--                                       closing one. From the record's first line to the end of the line where
--                                       the quote stands; behind that line
--   carriage return outside quotes      a lone one (in CR files: line feed outside quotes). As for stray quotes
--   unterminated quote                  the source, or `max_record`, ends inside quotes. The record's first
--                                       line only; behind that line, so that one quote does not swallow a file
--   record too long                     a line of more than `max_record` bytes. That line. (More than four times
--                                       as much, and at least 16 MiB, is an error: that is no CSV.)
--   NUL byte, not valid UTF-8           PostgreSQL cannot store it. The record

local csv = {}

---@class pghost.csv.Options
---@field delimiter? string one ASCII character, default ","
---@field quote? string one ASCII character, default '"'; doubled inside a quoted field
---@field line_end? "lf"|"cr" default: found in the source
---@field max_record? integer bytes, 1 to 512 MiB, default 16 MiB
---@field header? boolean default true; without a header the columns are named column1, column2, ...
---@field any_header? boolean default false; true: names in the header may be empty or repeated (`record.name` is then the last)

--- Opens a file and reads its header; "-" is standard input. Misuse (an unknown option) raises.
---@param path string
---@param options? pghost.csv.Options
---@return pghost.Source|nil source
---@return string? message "'x.csv' is empty", "x.csv:1: columns 1 and 3 of the header are both named 'a'"
---@return string? code errno name, "empty", "header", "binary", "encoding", "too_long" or "interrupted"
function csv.open(path, options) end

--- The same for bytes in memory, which messages call 'string'.
---@param text string
---@param options? pghost.csv.Options
---@return pghost.Source|nil source
---@return string? message
---@return string? code
function csv.open_string(text, options) end

--- Size and hash of a file, or of its beginning, without reading it as CSV: what totals gives for it.
---@param path string
---@param limit? integer bytes at most
---@return { bytes: integer, sha256: string }|nil
---@return string? message
---@return string? code errno name or "interrupted"
function csv.digest(path, limit) end

--- A source. Closed by `close`, by leaving the scope of a `<close>` variable and by the collector.
---@class pghost.Source
local Source = {}

--- The header's names in order, surrounding blanks removed; no two are the same but for
--- case, unless opened with any_header.
---@return string[]
function Source:columns() end

--- One record: its fields as strings by position (`record[1]`) and by the header's name as written
--- (`record.name`), nil where NULL. `#record` is the number of columns, `pairs(record)` gives name and value
--- in column order. A table of its own, to be kept and changed freely; it has no methods, so no column name
--- can hide one.
---@class pghost.csv.Record
---@field [integer] string?
---@field [string] string?

--- Iterates over the records not yet seen: a second call goes on where the first one stopped. From then on
--- no load takes the source. Raises the message when reading fails midway.
---
--- Each step gives `line` (the physical line the record starts on, from 1) and `record`, or for a bad
--- record `line`, nil, `problem` ("too few fields: 2 of 3") and `bytes`, as they stand in the source.
---@return fun(): integer?, pghost.csv.Record?, string?, string?
function Source:records() end

--- Bytes read so far, BOM and header included, and, once all is read, their SHA-256 in hex.
---@return { bytes: integer, sha256: string? }
function Source:totals() end

--- Goes on behind the first `offset` bytes, where a line must start: what is before was loaded earlier.
---@param offset integer
---@return true? done
---@return string? message
---@return string? code "position": the source is shorter, or no line ends there
function Source:skip_to(offset) end

--- What ends its lines.
---@return "lf"|"cr"
function Source:line_end() end

--- Closes the source; again is fine. Every other method of a closed source raises.
function Source:close() end

return csv
