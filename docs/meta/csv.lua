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
-- empty string. A UTF-8 BOM is skipped. Blank lines are not records, unless there is one column, whose
-- NULL they are.
--
-- What is a bad record, and where reading resumes:
--   too few fields, too many fields     the record; after it
--   stray quote                         a quote inside an unquoted field, or anything but a delimiter after a
--                                       closing one. The record's first line only; after that line
--   carriage return outside quotes      a lone one (in CR files: line feed outside quotes). As for stray quotes
--   unterminated quote                  the source, or `max_record`, ends inside quotes. The record's first
--                                       line only; after that line, so that one quote does not swallow a file
--   escaped line end, and no end of     the same where it is not quotes that keep the record open, but an escape
--   the record after it                 before the line end
--   record too long                     a line of more than `max_record` bytes. That line. (More than four times
--                                       as much, and at least 16 MiB, is an error: that is no CSV.)
--   a byte order mark inside the file   before a record that is no header. The record
--   Ctrl-Z (0x1A)                       the last byte of the last record. The record
--   dashes under the header             a record of them right under it. The record
--   \. before the end of the file       in the text format. The line
--   NUL byte                            PostgreSQL cannot store it. The record
--   not valid in the encoding           the record, with the column and the bytes: "column 3: not valid utf-8: 0xE9 0x20"
--
-- Packed files (gzip, zstd, xz, bzip2, zip) are recognised by their first bytes, whatever they are called, and also from
-- standard input. Damaged, cut short or followed by something else, they are an error (code "archive"): of `open` or
-- raised by `records`, and a load of them loads nothing.
--
-- A file that becomes shorter while it is read is an error (code "changed"), also where it then ends after a record.
--
-- Encodings. What is ASCII with more (ISO 8859, Windows, KOI8, EUC, also Shift-JIS, GBK, Big5) is tokenised as it is,
-- and its fields are converted afterwards: lines, offsets and the bytes of bad records are those of the file. So they
-- are for UTF-16. Any other encoding is converted first, what is not valid in it becomes a byte 0xff, and positions are
-- those of the UTF-8. A byte order mark has the last word over `encoding`.

local csv = {}

--- How the bytes are cut into fields and what is done with records that are not as they should be:
--- docs/CSV.md.
---@class pghost.csv.Options: pghost.Dialect
---@field member? string name of the file in a zip; a zip of a single file needs none
---@field columns? integer fields that each record must have, from 1 to 1600; without a header nothing is read to find out
---@field any_header? boolean default false; true: names in the header may be empty or repeated (`record.name` is then the last)

--- Opens a file and reads its header; "-" is standard input. Misuse (an unknown option) raises.
--- A named pipe is waited for until something comes.
---@param path string
---@param options? pghost.csv.Options
---@return pghost.Source|nil source
---@return string? message "'x.csv' is empty", "x.csv:1: columns 1 and 3 of the header are both named 'a'"
---@return string? code errno name, "empty", "header", "line_end" (of two kinds), "binary", "archive", "encoding", "usage" (an encoding that nobody knows), "too_long" or "interrupted"
function csv.open(path, options) end

--- Bytes in an encoding as UTF-8, for instance the original bytes of a reject.
---@param bytes string
---@param encoding string
---@return string|nil text
---@return string? message
---@return string? code "encoding": not valid in it; "usage": unknown
function csv.decode(bytes, encoding) end

--- What a file is, with one opening: of a zip the files in it, in its order; of a file that is not compressed and has 1
--- to `most` bytes all of these; nil alone for any other. Names are labels that somebody wrote into the zip: nothing is
--- ever unpacked to a place.
---@param path string
---@param most integer
---@return { name: string, size: integer }[]|string|nil found sizes are unpacked
---@return string? message
---@return string? code
function csv.look(path, most) end

--- The same as open for bytes in memory.
---@param text string
---@param options? pghost.csv.Options
---@param name? string for messages (default "string")
---@return pghost.Source|nil source
---@return string? message
---@return string? code
function csv.open_string(text, options, name) end

--- Size and hash of a file, or of its beginning, without reading it as CSV: what totals gives for it.
---@param path string
---@param limit? integer bytes at most, unpacked
---@param member? string of a zip
---@return { bytes: integer, sha256: string }|nil
---@return string? message
---@return string? code errno name or "interrupted"
function csv.digest(path, limit, member) end

--- The SHA-256 of bytes, hex.
---@param bytes string
---@return string? hash
---@return string? message
---@return string? code
function csv.hash(bytes) end

--- The rules of rejects that could not be read, and so are in no raw table. Some also name a check of a column; a reject
--- of that has a column.
---@return string[] rules a name may be there twice
function csv.unreadable_rules() end

--- Raises what `open` raises for these options, and for `invalid = "windows-1252"` beside an `encoding` in which it has
--- no effect; does nothing else.
---@param options pghost.csv.Options
function csv.check_options(options) end

---@class pghost.DialectOption
---@field name string in Lua; on the command line with dashes
---@field kind "text"|"flag"|"count"|"choice"
---@field choices? string[] of a choice
---@field value? string what the command line's help calls the value
---@field help string

--- The options of csv.open that the command line has, too, in the order of its help.
---@return pghost.DialectOption[]
function csv.options() end

--- A source. Closed by `close`, by leaving the scope of a `<close>` variable and by the collector.
---@class pghost.Source
local Source = {}

--- The header's names in order, surrounding blanks removed; no two are the same but for
--- case, unless opened with any_header.
---@return string[]
function Source:columns() end

--- The same names before header_names = "repair" changed any.
---@return string[]
function Source:written_columns() end

--- One record: its fields as strings by position (`record[1]`) and by the header's name as written
--- (`record.name`), nil where NULL. `#record` is the number of columns, `pairs(record)` gives name and value
--- in column order. A table of its own, to be kept and changed freely; it has no methods, so no column name
--- can hide one.
---@class pghost.csv.Record
---@field [integer] string?
---@field [string] string?

--- Iterates over the records not yet seen: a second call continues where the first one stopped. From then on
--- no load takes the source. Raises the message when reading fails midway.
---
--- Each step gives `line` (the physical line the record starts on, from 1) and `record`, or for a bad
--- record `line`, nil, `problem` ("too few fields: 2 of 3") and `bytes`, as they stand in the source.
---@return fun(): integer?, pghost.csv.Record?, string?, string?
function Source:records() end

--- Bytes read so far, BOM and header included, and, once all is read, their SHA-256 in hex: of what is in a packed
--- file, so that it is the same however that is packed, and before it is converted. `input_bytes` are those of the file
--- itself (of a member of a zip: unpacked).
---@return { bytes: integer, input_bytes: integer, sha256: string? }
function Source:totals() end

--- Goes on after the first `offset` bytes, where a line must start: what is before was loaded earlier.
---@param offset integer
---@return true? done
---@return string? message
---@return string? code "position": the source is shorter, or no line ends there
function Source:skip_to(offset) end

--- What ends its lines.
---@return "lf"|"cr"
function Source:line_end() end

--- Bytes of a field on average, by the whole lines that were read with the header; 0 where there are none.
---@return number
function Source:field_bytes() end

--- Leaves the SHA-256 out: there will be none among the totals.
function Source:leave_digest() end

--- The encoding it is read in, and where nobody has said it, what it is known from.
---@return string encoding
---@return string? note "its byte order mark", "a guess from the first 256 KiB", "the whole file is valid UTF-8"
function Source:encoding() end

--- The record that starts on a physical line: its offset in the (unpacked) file and its bytes there, the line end
--- left out; nil where none starts there. Goes on from where the last call stopped, so lines must rise.
---@param line integer
---@return integer|nil offset
---@return string? bytes or the message
---@return string? code
function Source:find(line) end

--- Closes the source; again is fine. Every other method of a closed source raises.
function Source:close() end

return csv
