-- dialect = "auto": files are sniffed and read with what was found. Options given explicitly stay.
--
-- What was found is logged and recorded with the run. If it is not clear the load refuses: a wrong guess would load a
-- table that looks right.

local contents = require "pghost.input.contents"
local dialect = require "pghost.sniff.findings"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local known_header = require "pghost.input.known_header"
local lists = require "pghost.lib.lists"
local passed = require "pghost.sniff.passed"
local suggestions = require "pghost.input.suggestions"

local M = {}

local least_reading = 0.6 -- confidence of delimiter and quote
local least_one = 0.65    -- where no delimiter is found: it may be one that is not known
local least_header = 0.7   -- whether the first line is names: below, a guess
local least_encoding = 0.5 -- below, another encoding makes another text that is as good
local least = 0.45        -- of all together: encoding and header, too

local trusted = 0.8       -- below, it is a warning that a person sees

local in_order = { "delimiter", "quote", "escape", "comment", "encoding", "skip", "header", "footer" }

local function is_given(options, key)
  local value = options[key]
  return value ~= nil and not (key == "header" and value == true) -- true is what nobody said
end

local function lines(count, what)
  return count and ("%d %s line%s"):format(count, what, count == 1 and "" or "s")
end

-- Words for one part of what was found; nil: there is nothing to say.
local function part(key, value)
  if key == "delimiter" and value == "" then
    return "one column"
  elseif key == "skip" or key == "footer" then
    return lines(value, key == "skip" and "preamble" or key)
  elseif key == "header" then
    return value == 0 and "no header" or value > 1 and value .. " header lines" or nil
  elseif key == "encoding" then
    return "encoding " .. value
  end
  return value and (value ~= "" or key == "quote") and ("%s %s"):format(key, (dialect.shown(value):gsub(" %(.*", "")))
    or nil
end

--- "delimiter ';', quote '\"', encoding windows-1252, 2 preamble lines (confidence 0.97)"
---@param found pghost.sniff.Result
---@param options? table of the load; what they give is left out
---@return string
function M.describe(found, options)
  local parts, all = {}, found.dialect
  for _, key in ipairs(in_order) do
    if not (options and is_given(options, key)) then
      parts[#parts + 1] = part(key, all[key] and all[key].value)
    end
  end
  return ("%s (confidence %.2f)"):format(table.concat(parts, ", "), found.confidence)
end

-- The least certain finding, for the message.
local function doubt(found)
  local first = found.warnings[1]
  if found.dialect.delimiter.doubtful then
    return found.dialect.delimiter.reason
  end
  return first and (first:find "^it could be read" or first:find "^no reading" or first:find "^encoding:") and first
    or M.describe(found)
end

local function refuse(file, found, options)
  local missing, reason = {}, doubt(found)
  for _, key in ipairs { "delimiter", "quote", "encoding", "header" } do
    if not is_given(options, key) then
      missing[#missing + 1] = key
    end
  end
  local has_advice = reason:find ": give " or reason:find ": make "
  errors.raise(("the dialect is not clear: %s%s"):format(reason, has_advice and "" or "; give "
    .. table.concat(missing, ", ")), "data", { file = file.name, give = suggestions.readings(found),
    first = found.nearest and { delimiter = found.nearest } })
end

-- A header is given but none is found: after the lines above the table it would be the first record.
local function is_above(found, options)
  return options.header and is_given(options, "header") and not options.skip and found.dialect.skip ~= nil
    and found.dialect.header.value == 0
end

-- With the delimiter given too, line 1 is the header, whatever stands above what looks like the table.
local function check_given_header(file, found, options, skip)
  if is_above(found, options) and not options.delimiter then
    errors.raise(("the header is not clear: it is given, but below the %s found above the table only records are seen;"
      .. " give skip, the number of lines above the header (--skip 0 if it is line 1)"):format(
      skip == 1 and "1 line" or skip .. " lines"), "data", { file = file.name, give = { "--skip 0" } })
  end
end

-- Nothing stands above the table.
local function forget_lines_above(found)
  local rest = lists.filter(found.passed, function(line)
    return line.what ~= "above"
  end)
  found.passed_lines, found.passed = math.max(#rest, found.passed_lines - found.dialect.skip.value), rest
  found.dialect.skip, found.options.skip = nil, nil
end

-- The given options read the file differently from what was found, so findings about the header do not apply.
local function check_given(file, found, options)
  local delimiter, skip = found.dialect.delimiter.value, found.dialect.skip and found.dialect.skip.value or 0
  if is_given(options, "header") then
    check_given_header(file, found, options, skip)
  elseif options.delimiter and delimiter ~= "" and delimiter ~= options.delimiter then
    errors.raise(("the header is not clear: with delimiter %s the records have no width of their own; give header = 1"
      .. " or header = false (--header 1, --no-header)"):format(dialect.shown(options.delimiter)), "data",
      { file = file.name, give = { "--header 1", "--no-header" } })
  elseif options.skip and options.skip ~= skip then
    errors.raise(("the header is not clear: skip is %d, and %s found above the table; give header = 1 or header = false"
      .. " (--header 1, --no-header)"):format(options.skip, skip == 1 and "1 line is" or skip .. " lines are"), "data",
      { file = file.name, give = { "--header 1", "--no-header" } })
  elseif options.skip and options.skip > 0 and found.dialect.header.value == 0 then
    errors.raise(("the header is not clear: skip is %d, and below that only records are seen; give header = 1 or"
      .. " header = false (--header 1, --no-header)"):format(options.skip), "data",
      { file = file.name, give = { "--header 1", "--no-header" } })
  end
end

local function check_encoding(file, found, options)
  local encoding = found.dialect.encoding
  if not is_given(options, "encoding") and encoding.confidence < least_encoding then
    errors.raise(("the encoding is not clear: %s; give it: --encoding %s%s"):format(encoding.reason, encoding.value,
      encoding.rival and ", --encoding " .. encoding.rival or ""), "data", { file = file.name, give =
        suggestions.encodings(encoding.value, encoding.rival),
        first = { encoding = encoding.rival == "utf-8" and "utf-8" or encoding.value } })
  end
end

local function check(file, found, options, goal)
  check_encoding(file, found, options)
  local reading_given = is_given(options, "delimiter") or options.format == "text"
  local reading = found.dialect.delimiter
  check_given(file, found, options)
  if reading_given and not is_given(options, "quote") and found.dialect.quote.doubtful then
    refuse(file, found, options)
  elseif not reading_given and reading.confidence < (reading.value == "" and least_one or least_reading) then
    refuse(file, found, options)
  elseif found.restart and not is_given(options, "header") then
    errors.raise(("another table seems to begin in line %d, below a blank line: words, and then numbers or dates below"
      .. " them; make it a file of its own, or give --skip %d --header 1 if what is above is no table, --header 1"
      .. " (--no-header) if it is a record"):format(found.restart, found.restart - 1), "data", { file = file.name })
  elseif not is_given(options, "header") and found.dialect.header.confidence < least_header then
    known_header.refuse(file, found)
  elseif found.confidence < least and not reading_given then
    refuse(file, found, options)
  elseif found.dialect.comment and found.dialect.comment.confidence < least_reading
    and not is_given(options, "comment") then
    errors.raise(("the comments are not clear: %s; give comment (--comment)"):format(found.dialect.comment.reason),
      "data", { file = file.name, give = { suggestions.comment(found.dialect.comment.value) } })
  elseif not is_given(options, "header") then
    known_header.check_position(file, found, goal)
  end
end

-- What lowers trust is a warning.
local function report(file, found, options, say)
  local sure = found.confidence >= trusted and found.dialect.encoding.confidence >= trusted
  local text = M.describe(found, options)
  text = sure and text or text:gsub("%)$", ", which is low)")
  say(("%s: %s"):format(file.name, text), { file = file.name, dialect = file.dialect.options,
    confidence = found.confidence }, sure and "info" or "warn")
  local given = is_given(options, "delimiter") and is_given(options, "quote")
  for _, warning in ipairs(given and {} or found.warnings) do
    if warning:find "^it could be read in two ways" then
      say(("%s: %s"):format(file.name, warning), { file = file.name }, "warn")
    end
  end
  for _, line in ipairs(passed.describe(file.name, found.passed, found.passed_lines)) do
    say(line, { file = file.name }, "warn")
  end
end

-- What is known about the file beforehand.
local function facts_of(options, file)
  local tolerant = options.tolerant and "skip" or nil
  local facts = { member = file.member, version = file.version,
    sample = options.create and "all" or options.sample,
    blanks_after_quote = options.blanks_after_quote or tolerant,
    trailing_delimiter = options.trailing_delimiter or tolerant }
  for _, key in ipairs { "encoding", "format", "delimiter", "quote", "escape", "comment", "skip_blanks", "skip",
    "header", "footer" } do
    facts[key] = options[key]
  end
  return facts
end

--- Sniffs a file that is to be loaded, when its options say dialect = "auto"; once.
---@param options table of the load
---@param file table of the load; gets `dialect`: options, confidence, looked_at, warnings, passed; and `found`
---@param say fun(text: string, fields: table, level: "info"|"warn")
---@param goal? pghost.input.Goal the table that the file goes into, where there is one
function M.sniff(options, file, say, goal)
  if options.dialect == nil or file.dialect then
    return
  elseif options.dialect ~= "auto" then
    errors.raise(("dialect: 'auto' expected, got '%s'"):format(tostring(options.dialect)), "usage", { exit = 1 })
  elseif file.read_once then
    errors.raise(files.once(file) .. ", so its dialect cannot be detected: give it as options", "usage")
  end
  local found = contents.sniff(file, facts_of(options, file))
  known_header.recognise(found, goal)
  check(file, found, options, goal)
  if is_above(found, options) then
    forget_lines_above(found)
  end
  file.found = found
  file.dialect = { options = {}, confidence = found.confidence, looked_at = found.looked_at, warnings = found.warnings,
    passed = #found.passed > 0 and found.passed or nil }
  for key, value in pairs(found.options) do
    if not is_given(options, key) then
      file.dialect.options[key] = value
    end
  end
  report(file, found, options, say)
end

--- The options of csv.open, or of a load, with what was found for the file put in where nothing was given.
---@param open_options table of csv.open
---@param file table of the load
---@return table
function M.apply(open_options, file)
  if not file.dialect then
    return open_options
  end
  local all = lists.merged(open_options)
  for key, value in pairs(file.dialect.options) do
    if not is_given(all, key) then
      all[key] = value
    end
  end
  return all
end

--- Whether the file's first record is data.
---@param file table of the load
---@return boolean
function M.headerless(file)
  return file.dialect ~= nil and file.dialect.options.header == false
end

return M
