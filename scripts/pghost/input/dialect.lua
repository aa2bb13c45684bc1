-- The options that say how a CSV file is read, for loads, pipelines and the command line alike. The list
-- of them and what their values may be is the native module's (bindings/lua/csv_options.c).

local csv = require "pghost.native.csv"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local printable = require("pghost.input.printable").printable

local M = {}

---@class pghost.Dialect
---@field format? "csv"|"text" "text" is that of COPY: tabs, backslashes, \\N (default "csv")
---@field delimiter? string 1 to 8 bytes (default ",")
---@field quote? string one ASCII character (default '"'), "" for none
---@field escape? string one ASCII character; default: quotes are doubled
---@field comment? string lines that start with it are skipped
---@field skip_blanks? boolean blanks at the start of a field are not data
---@field line_end? "lf"|"cr" default: found
---@field blank_lines? "skip"|"keep" default "skip"
---@field skip? integer lines to skip before the header
---@field footer? integer lines to skip at the end
---@field header? boolean|integer true (default), false, or how many lines
---@field header_names? "strict"|"repair" empty, repeated and over-long names (default "strict")
---@field repeated_header? "reject"|"skip"|"load" a record equal to the header (default "reject")
---@field too_few? "reject"|"pad"|"stop" fields (default "reject")
---@field too_many? "reject"|"cut"|"extra"|"stop" fields (default "reject")
---@field stray_quote? "reject"|"repair" default "reject"
---@field blanks_after_quote? "reject"|"skip" between a closing quote and the delimiter (default "reject")
---@field trailing_delimiter? "field"|"skip" one at the end of the line (default "field": an empty field follows)
---@field second_table? "reject"|"stop" a blank line or a header, and records of another width (default "reject")
---@field max_record? integer bytes (default 16 MiB)
---@field max_record_lines? integer
---@field max_field? integer bytes
---@field encoding? string "utf-8" (default), a name that iconv knows, or "auto"; a byte order mark has the last word
---@field invalid? "reject"|"windows-1252" what fields that are not valid in the encoding are (default "reject")
---@field nul? "reject"|"strip" NUL bytes (default "reject")
---@field tolerant? boolean pad, extra, repair, skip, windows-1252, strip: everything in

---@type pghost.DialectOption[] the native module's list, in the order of the command line's help
M.options = csv.options()

local option_names = lists.pluck(M.options, "name")

--- The options among `options` that are of the dialect, for csv.open.
---@param options table
---@param more? table options that win
---@return table
function M.of(options, more)
  local dialect = {}
  for i = 1, #option_names do
    local value = options[option_names[i]]
    if value ~= nil then
      dialect[option_names[i]] = value
    end
  end
  for name, value in pairs(more or {}) do
    dialect[name] = value
  end
  return dialect
end

--- The same for a file of a load.
---@param options table
---@param file { member?: string, version?: string, encoding?: string } of a zip the member, of an object behind a URL
--- its version; the encoding once it is known
---@param more? table options that win
---@return table
function M.of_file(options, file, more)
  local dialect = M.of(options, more)
  dialect.member, dialect.version, dialect.encoding = file.member, file.version, file.encoding or dialect.encoding
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

-- What was repaired, in words, and the option that asks for it.
local words = {
  { "padded", "padded", too_few = "pad" },
  { "cut", "cut", too_many = "cut" },
  { "extra", "with extra fields", too_many = "extra" },
  { "quotes", "with a stray quote repaired", stray_quote = "repair" },
  { "nul", "without their NUL bytes", nul = "strip" },
  { "encoding", "with bytes in another encoding", invalid = "windows-1252" },
  { "header", "skipped that repeat the header", repeated_header = "skip" },
  { "blanks", "with blanks after a closing quote", blanks_after_quote = "skip" },
  { "delimiters", "with a trailing delimiter", trailing_delimiter = "skip" },
  { "marks", "without a byte order mark before them", repeated_header = "load" },
}
local second_table = { "second_table", second_table = "stop" }

local function is_decided(word, given)
  for name, value in pairs(word) do
    if type(name) == "string" then
      return given[name] == value
    end
  end
end

local function describe(repairs, given, decided)
  local parts = {}
  for _, word in ipairs(words) do
    local count = repairs[word[1]]
    if count and is_decided(word, given) == decided then
      local what = #parts == 0 and log.counted(count, "record") or log.count(count)
      parts[#parts + 1] = what .. " " .. word[2]
    end
  end
  if repairs.second_table and is_decided(second_table, given) == decided then
    parts[#parts + 1] = log.counted(repairs.second_table, "line") .. " of a second table not read"
  end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

--- What was repaired, in words: "3 records padded, 1 cut". What the user has asked for by its own option is told
--- apart from what `tolerant` or a guess has done, which deserves a warning. Nil: nothing.
---@param repairs table<string, integer> of the counts of a load
---@param given pghost.Dialect options of the user
---@return string? decided
---@return string? not_decided
function M.describe(repairs, given)
  return describe(repairs, given, true), describe(repairs, given, false)
end

local kinds = {
  { "header", "header" },
  { "preamble", "preamble" },
  { "comments", "comment" },
  { "blank", "blank" },
  { "footer", "footer" },
  { "second_table", "second table" },
}

-- Asked for each file, and most have none.
local function has_other_lines(lines)
  for i = 2, #kinds do
    if lines[kinds[i][1]] then
      return true
    end
  end
  return false
end

--- The lines of a file that are not records, in words: "1 header line, 2 comment lines (first at line 4: '# old')".
--- Nil where there are none but the header.
---@param lines table<string, integer|string> of the counts of a load
---@return string?
function M.describe_lines(lines)
  if not has_other_lines(lines) then
    return nil
  end
  local parts = {}
  for _, kind in ipairs(kinds) do
    local count = lines[kind[1]]
    if count then
      parts[#parts + 1] = log.counted(count, kind[2] .. " line")
    end
    if count and kind[1] == "comments" then
      parts[#parts] = ("%s (first at line %d: '%s')"):format(parts[#parts], lines.comment_line,
        printable(lines.comment))
    end
  end
  return "besides records: " .. table.concat(parts, ", ")
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
