-- The options that say how a CSV file is read: the one list that loads, pipelines and the command
-- line share. What they mean and what their values may be is the native module's; docs/CSV.md tells.

local csv = require "pghost.native.csv"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"

local M = {}

---@class pghost.Dialect
---@field delimiter? string 1 to 8 bytes (default ",")
---@field quote? string one ASCII character (default '"'), "" for none
---@field escape? string one ASCII character; default: quotes are doubled
---@field comment? string lines that start so are passed over
---@field skip_blanks? boolean blanks at the start of a field are no data
---@field line_end? "lf"|"cr" default: found
---@field blank_lines? "skip"|"keep" default "skip"
---@field skip? integer lines before the header that are passed over
---@field footer? integer lines at the end that are passed over
---@field header? boolean|integer true (default), false, or how many lines
---@field header_names? "strict"|"repair" empty, repeated and over-long names (default "strict")
---@field repeated_header? "reject"|"skip"|"load" a record equal to the header (default "reject")
---@field too_few? "reject"|"pad"|"stop" fields (default "reject")
---@field too_many? "reject"|"cut"|"extra"|"stop" fields (default "reject")
---@field stray_quote? "reject"|"repair" default "reject"
---@field second_table? "reject"|"stop" a blank line and records of another width (default "reject")
---@field max_record? integer bytes (default 16 MiB)
---@field max_record_lines? integer
---@field max_field? integer bytes
---@field encoding? string "utf-8" (default), a name that iconv knows, or "auto"; a byte order mark has the last word
---@field invalid? "reject"|"windows-1252" what fields that are not valid in the encoding are (default "reject")
---@field nul? "reject"|"strip" NUL bytes (default "reject")
---@field tolerant? boolean pad, extra, repair, skip, windows-1252, strip: everything in

---@class pghost.DialectOption
---@field name string in Lua; on the command line with dashes
---@field kind "text"|"flag"|"count"|"choice"
---@field choices? string[]
---@field value? string what the command line's help calls the value
---@field help string
---@field lua_only? boolean no option of the command line

---@type pghost.DialectOption[]
M.options = {
  { name = "delimiter", kind = "text", value = "TEXT", help = "Between fields (default: comma); also as 'tab'." },
  { name = "quote", kind = "text", value = "C", help = "Around fields (default: \"); '' for none." },
  { name = "escape", kind = "text", value = "C", help = "Before a quote that is data (default: it is doubled)." },
  { name = "comment", kind = "text", value = "TEXT", help = "Lines that start so are no records." },
  { name = "skip_blanks", kind = "flag", help = "Blanks at the start of a field are no data." },
  { name = "line_end", kind = "choice", choices = { "lf", "cr" }, help = "What ends a line (default: found)." },
  { name = "blank_lines", kind = "choice", choices = { "skip", "keep" }, help = "Are they records (default: skip)?" },
  { name = "skip", kind = "count", value = "N", help = "Lines before the header to pass over." },
  { name = "footer", kind = "count", value = "N", help = "Lines at the end to pass over." },
  { name = "header", kind = "count", value = "N", help = "Lines of the header (default: 1)." },
  { name = "header_names", kind = "choice", choices = { "strict", "repair" },
    help = "Empty, repeated and over-long names (default: strict)." },
  { name = "repeated_header", kind = "choice", choices = { "reject", "skip", "load" },
    help = "A record equal to the header (default: reject)." },
  { name = "too_few", kind = "choice", choices = { "reject", "pad", "stop" },
    help = "Records with too few fields (default: reject)." },
  { name = "too_many", kind = "choice", choices = { "reject", "cut", "extra", "stop" },
    help = "Records with too many fields (default: reject)." },
  { name = "stray_quote", kind = "choice", choices = { "reject", "repair" },
    help = "A quote where none can be (default: reject)." },
  { name = "second_table", kind = "choice", choices = { "reject", "stop" },
    help = "Another table below a blank line (default: reject its records)." },
  { name = "max_record", kind = "count", value = "BYTES", help = "Longer records are rejected (default: 16 MiB)." },
  { name = "max_record_lines", kind = "count", value = "N", help = "Records over more lines are rejected." },
  { name = "max_field", kind = "count", value = "BYTES", help = "Records with a longer field are rejected." },
  { name = "encoding", kind = "text", value = "NAME",
    help = "Of the text (default: utf-8): a name that iconv knows, or 'auto' to guess." },
  { name = "invalid", kind = "choice", choices = { "reject", "windows-1252" },
    help = "Fields that are not valid in it (default: reject the record)." },
  { name = "nul", kind = "choice", choices = { "reject", "strip" }, help = "NUL bytes (default: reject the record)." },
  { name = "tolerant", kind = "flag", help = "Everything in: pad, extra, repair, skip. What was done is counted." },
}

--- The options among `options` that are of the dialect, for csv.open.
---@param options table
---@param more? table options that win
---@return table
function M.of(options, more)
  local dialect = {}
  for _, option in ipairs(M.options) do
    dialect[option.name] = options[option.name]
  end
  for name, value in pairs(more or {}) do
    dialect[name] = value
  end
  return dialect
end

--- The same for a file of a load.
---@param options table
---@param file { member?: string, encoding?: string } of a zip the member; the encoding once it is known
---@param more? table options that win
---@return table
function M.of_file(options, file, more)
  local dialect = M.of(options, more)
  dialect.member, dialect.encoding = file.member, file.encoding or dialect.encoding
  return dialect
end

--- Notes the encoding that a file turned out to be in.
---@param file { name: string, encoding?: string }
---@param source pghost.Source the file, open
---@return string? line for the log where nobody has said it: "a.csv: encoding 'utf-16le': its byte order mark"
function M.note_encoding(file, source)
  local encoding, note = source:encoding()
  file.encoding = encoding
  return note and ("%s: encoding '%s': %s"):format(file.name, encoding, note)
end

--- Raises an error of usage for options that cannot be, or not together.
---@param options table
---@param exit? integer exit code
function M.check(options, exit)
  local good, message = pcall(csv.check_options, M.of(options))
  if not good then
    errors.raise(tostring(message):match("%((.*)%)$") or message, "usage", { exit = exit })
  end
end

local words = {
  { "padded", "padded" },
  { "cut", "cut" },
  { "extra", "with extra fields" },
  { "quotes", "with a stray quote repaired" },
  { "nul", "without their NUL bytes" },
  { "encoding", "with bytes in another encoding" },
  { "header", "passed over that repeat the header" },
}

--- What was repaired, in words: "3 records padded, 1 cut". Nil: nothing.
---@param repairs table<string, integer> of the counts of a load
---@return string?
function M.describe(repairs)
  local parts = {}
  for _, word in ipairs(words) do
    local count = repairs[word[1]]
    if count then
      local what = #parts == 0 and log.counted(count, "record") or log.count(count)
      parts[#parts + 1] = what .. " " .. word[2]
    end
  end
  if repairs.second_table then
    parts[#parts + 1] = log.counted(repairs.second_table, "line") .. " of a second table not read"
  end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

--- Names that header_names = "repair" changed: "column 2 'a' is named a_2".
---@param source pghost.Source
---@return string[]
function M.renamed(source)
  local names, list = source:columns(), {}
  for i, written in ipairs(source:written_columns()) do
    if names[i] ~= written then
      list[#list + 1] = ("column %d '%s' is named %s"):format(i, written, names[i])
    end
  end
  return list
end

return M
