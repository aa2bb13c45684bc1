-- Detects what a CSV file is: encoding, dialect, columns, types.
--
--   local csv = require "pghost.sniff"
--   local found = csv.sniff("orders.csv")
--   print(csv.text(found))                 -- for people
--   run:load("orders", "orders.csv", rules, found.options)
--   print(csv.rules(found, "orders"))      -- the text of a rules file to begin with
--
-- Nothing is loaded, and findings are used only on request.

local dialect = require "pghost.sniff.findings"
local errors = require "pghost.lib.errors"
local known_keys = require "pghost.lib.known_keys"
local log = require "pghost.lib.log"
local column_names = require "pghost.sniff.column_names"
local native = require "pghost.native.sniff"
local passed = require "pghost.sniff.passed"
local rules_text = require "pghost.sniff.rules_text"
local text = require "pghost.sniff.text"
local types = require "pghost.sniff.proposals"
local warnings = require "pghost.sniff.warnings"

local M = {}

---@class pghost.sniff.Options
---@field sample? integer|"all" bytes to look at; without it files of up to 1 GiB are read whole, of larger ones
--- the first GiB
---@field encoding? string as iconv knows it; found if not given
---@field member? string of a zip, the file of that name
---@field version? string what an object behind a URL must still be
---@field delimiter? string found if not given
---@field quote? string found if not given
---@field format? "csv"|"text" of COPY (default: "csv")
---@field blanks_after_quote? "reject"|"skip" those after a closing quote are not data; found if not given
---@field escape? string one character, "" for none; found if not given
---@field comment? string what comment lines begin with, "" for none; found if not given
---@field skip? integer physical lines above the table; found if not given
---@field header? boolean|integer records of the header, false for none; found if not given, or true
---@field footer? integer physical lines below the table; found if not given
---@field skip_blanks? boolean blanks at the start of a field are not data; found if not given
---@field trailing_delimiter? "field"|"skip" where all records end in a delimiter, no column is after it

---@class pghost.sniff.Column
---@field name string for tables and rules: the header's made an identifier (catalog/names.lua), each once
---@field header string as written
---@field from? string|integer what `from` of a rule has to be, where its own name does not find the column
---@field type string SQL name
---@field format? string of a date or timestamp that is not in ISO 8601
---@field decimal? string "," or ".": what the rule makes a number of has the other between thousands
---@field confidence number 0 to 1
---@field reason string
---@field ambiguous boolean the first of `alternatives` fits as well
---@field alternatives { type: string, format?: string, reason: string }[]
---@field rule string Lua: "r.bigint():required()"
---@field required boolean no value is missing
---@field nulls string[] texts that mean no value
---@field values integer how many there are
---@field empty integer
---@field min_length integer characters
---@field max_length integer characters
---@field examples string[]

---@class pghost.sniff.Result
---@field file string
---@field looked_at string "whole file, 2,000,000 records"
---@field whole boolean
---@field bytes integer looked at
---@field records integer of the table
---@field misfits integer records of another width, or with quotes that are none: in no column's facts
---@field confidence number 0 to 1, of the dialect
---@field dialect table<string, pghost.sniff.Finding> each with value, confidence, reason
---@field options table those of run:load, csv.open and the like, where they are not the default
---@field columns pghost.sniff.Column[]
---@field above? { what: "names"|"data"|"column", fields: integer, line: integer, sign: string, spare: string } a line
--- above the table could be its header, a record, or the name of one column; `sign` splits it, "" where it is the
--- delimiter; `spare` is a delimiter that splits nothing
---@field first string[] the cells of the table's first record, be it the header or not
---@field passed pghost.sniff.Passed[] skipped lines, the first 24 that are not blank
---@field passed_lines integer how many there are
---@field restart? integer line of names below a blank line, from which on it seems to be another table
---@field alternatives table[] other readings, with their score
---@field warnings string[]
---@field nearest? string the delimiter that comes nearest to being one, where no reading is good

local megabyte = 1024 * 1024
local default_sample = 1024 * megabyte

local function looked_at(facts)
  local part = facts.whole and "whole file" or ("first %.0f MiB"):format(math.max(1, facts.bytes / megabyte))
  return ("%s, %s"):format(part, log.counted(facts.records, "record"))
end

local function make_columns(facts, options)
  local found, columns = column_names.of(facts), {}
  for i, column_facts in ipairs(facts.columns) do
    column_facts.null_words["\\N"] = not facts.text_format and column_facts.null_words["\\N"] or nil
    local column = types.propose(column_facts, options)
    column.name, column.header, column.from = found.names[i], found.written[i], found.sources[i]
    columns[i] = column
  end
  return columns, found.problems
end

local function make_result(file, facts)
  local found, confidence = dialect.findings(facts)
  local result = {
    file = file, looked_at = looked_at(facts), whole = facts.whole, bytes = facts.bytes, records = facts.records,
    misfits = facts.few.count + facts.many.count + facts.broken.count + facts.unterminated.count,
    confidence = confidence, dialect = found, options = dialect.options(facts, found),
    alternatives = dialect.alternatives(facts), first = facts.first, passed = passed.of(facts),
    passed_lines = facts.passed_lines, restart = facts.restart > 0 and facts.restart or nil,
  }
  if facts.structure.above ~= "none" then
    result.above = { what = facts.structure.above, fields = facts.structure.above_fields,
      line = facts.structure.above_line, sign = facts.structure.above_sign,
      spare = facts.spare }
  end
  local problems
  result.columns, problems = make_columns(facts, result.options)
  result.warnings, result.nearest = warnings.list(facts, result, problems), warnings.nearest(facts)
  return result
end

local known_options = { sample = true, encoding = true, member = true, version = true, delimiter = true, quote = true,
  format = true, blanks_after_quote = true, trailing_delimiter = true, escape = true, comment = true, skip = true,
  header = true, footer = true, skip_blanks = true }

local function sample_of(options)
  local sample = options.sample or default_sample
  if sample == "all" then
    return 0
  elseif math.type(sample) ~= "integer" or sample < 1 then
    errors.raise(("sample: bytes or 'all' expected, got '%s'"):format(tostring(sample)), "usage")
  end
  return sample
end

local function check(file, facts, message, code)
  if facts then
    return facts
  end
  local has_name = message:find(file, 1, true)
  errors.raise(message, code, { file = not has_name and file or nil })
end

-- The last column only comes from a trailing delimiter in every record: no name, no value.
local function ends_in_delimiters(facts)
  local last, names = facts.columns[#facts.columns], facts.header[#facts.header]
  return last.values + last.quoted_empty + last.blank == 0 and next(last.null_words) == nil and #facts.columns > 1
    and (not names or names[#names] == "")
end

-- `read` is native.file or native.string, but for the flags.
local function facts_of(read, file, options)
  local header = options.header
  local flags = { blanks_after_quote = options.blanks_after_quote == "skip", text_format = options.format == "text",
    escape = options.escape, comment = options.comment, skip = options.skip, footer = options.footer,
    skip_blanks = options.skip_blanks, header = header == false and 0 or header ~= true and header or nil }
  local facts = check(file, read(flags))
  if options.trailing_delimiter == "skip" and ends_in_delimiters(facts) then
    flags.trailing_delimiter = true
    facts = check(file, read(flags))
  end
  facts.text_format = flags.text_format
  return facts
end

--- Looks at a file; raises what cannot be read, is empty, or is not text.
--- Example: local result = sniff.sniff("orders.csv", { sample = 1000000 })
--- Errors: a file that cannot be read, is empty, or is not text.
---@param path string a file or a URL; "-" is standard input, which is used up by it
---@param options? pghost.sniff.Options
---@return pghost.sniff.Result
function M.sniff(path, options)
  known_keys.check(options, known_options, "sniff")
  options = options or {}
  local file = path == "-" and "standard input" or path
  return make_result(file, facts_of(function(flags)
    return native.file(path, sample_of(options), options.encoding, options.member, options.delimiter, options.quote,
      flags, options.version)
  end, file, options))
end

--- The same for what a file holds, which somebody has read.
---@param name string of the file
---@param bytes string
---@param options pghost.sniff.Options
---@return pghost.sniff.Result
---@package
function M.sniff_contents(name, bytes, options)
  return make_result(name, facts_of(function(flags)
    return native.string(bytes, sample_of(options), options.encoding, options.delimiter, options.quote, flags)
  end, name, options))
end

--- The same for bytes in memory.
--- Example: local result = sniff.sniff_string("a;b\n1;2\n")
--- Errors: bytes that are empty or not text.
---@param bytes string
---@param options? pghost.sniff.Options
---@return pghost.sniff.Result
function M.sniff_string(bytes, options)
  known_keys.check(options, known_options, "sniff_string")
  return M.sniff_contents("text", bytes, options or {})
end

--- For people: what was found, the columns as an aligned table, and what is in doubt.
--- Example: print(sniff.text(sniff.sniff("orders.csv"), 80))
--- Errors: none.
---@param result pghost.sniff.Result
---@param width? integer of the terminal; nil: nothing is cut
---@return string
function M.text(result, width)
  return text.format(result, width)
end

--- The text of a rules file that loads the file: `return r.table(name, {...})`, and the options in a comment.
--- Example: print(sniff.rules(sniff.sniff("orders.csv"), "orders"))
--- Errors: none.
---@param result pghost.sniff.Result
---@param name string of the table
---@return string
function M.rules(result, name)
  return rules_text.format(result, name)
end

return known_keys.strict(M, "pghost.sniff")
