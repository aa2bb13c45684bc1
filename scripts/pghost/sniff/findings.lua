-- Derives a file's dialect from the facts about it: each part with the finding, its confidence, and why.

local doubts = require "pghost.sniff.doubts"
local log = require "pghost.lib.log"
local shown = require "pghost.sniff.shown"

local M = {}

---@class pghost.sniff.Finding one part of the dialect
---@field value any
---@field confidence number 0 to 1
---@field reason string
---@field rival? any another value that is as good

M.shown = shown

local function clamp(number)
  return math.min(1, math.max(0, number))
end

-- Another reading of the file: other fields, not only other comment lines.
local function is_other(a, b)
  return a.delimiter ~= b.delimiter or a.quote ~= b.quote or a.escape ~= b.escape
end

local function runner_up(guesses)
  for i = 2, #guesses do
    if is_other(guesses[i], guesses[1]) then
      return guesses[i]
    end
  end
end

local doubtful = 0.5

local few_records = { 0.65, 0.85, 0.95 }

-- A record of names only says more than one of values.
local function few_factor(guess, structure)
  local named = guess.records == 1 and structure.header == 1 and structure.header_confidence >= 0.75
  return named and 0.75 or few_records[guess.records] or 1
end

-- The quality of the best reading, reduced if another is nearly as good.
local function confidence_of(guess, other, structure)
  local margin = other and guess.score > 0 and 1 - other.score / guess.score or 1
  return clamp(guess.score ^ (1 / 3) * (0.5 + 0.5 * clamp(3 * margin)) * few_factor(guess, structure))
end

-- The candidates for an uncertain encoding, for the user to choose from.
local function candidates(encoding)
  return encoding.rival ~= "" and ("'%s' or '%s'"):format(encoding.name, encoding.rival)
    or ("'%s'"):format(encoding.name)
end

local function encoding_finding(facts)
  local encoding = facts.encoding
  local beyond = log.counted(encoding.non_ascii, "byte") .. " beyond ASCII"
  local reasons = {
    mark = "byte order mark",
    ascii = "nothing beyond ASCII in the first bytes",
    valid = beyond .. " in the first bytes, all of it valid UTF-8",
    mostly = ("%s in the first bytes, valid UTF-8 but in %s"):format(beyond, log.counted(encoding.invalid, "place")),
    zeros = ("zero bytes as %s has them"):format(encoding.name:upper():gsub("[LB]E$", "")),
    escapes = "escapes as ISO 2022 has them",
    runs = "nothing beyond ASCII, but '+...-' as UTF-7 writes what is",
    language = ("not UTF-8; %s make text (%s) in it, and in no other"):format(beyond, encoding.language),
    unsure = ("not UTF-8; %s could be %s"):format(beyond, candidates(encoding)),
    given = "given",
  }
  local confidence = facts.invalid > 0 and math.min(encoding.confidence, 0.7) or encoding.confidence
  return { value = encoding.name, confidence = confidence, reason = reasons[encoding.how],
    rival = (encoding.how == "unsure" or encoding.how == "runs") and encoding.rival ~= "" and encoding.rival or nil }
end

local function delimiter_finding(facts, guess, confidence)
  local doubt = doubts.of_delimiter(facts, guess)
  if doubt then
    local value = facts.structure.aligned and " " or guess.delimiter -- what parts the columns, but not by itself
    return { value = value, confidence = math.min(confidence, doubtful), reason = doubt, doubtful = true }
  elseif guess.delimiter == "" then
    return { value = "", confidence = confidence,
      reason = "no delimiter gives all lines the same number of fields: one column" }
  end
  return { value = guess.delimiter, confidence = confidence,
    reason = ("%.0f%% of the records have %s, and those look like values (%.0f%%)"):format(guess.consistency * 100,
      log.counted(guess.columns, "field"), guess.cells * 100) }
end

-- Where nothing is in quotes, and none break anything, what CSV has is as good as none.
local function quote_finding(facts, guess, confidence)
  local doubt = doubts.of_quotes(facts)
  if doubt then
    return { value = guess.quote, confidence = math.min(confidence, doubtful), reason = doubt, doubtful = true }
  end
  if guess.quote ~= "" and guess.quoted > 0 then
    return { value = guess.quote, confidence = confidence, reason = log.counted(guess.quoted, "field") .. " in quotes" }
  end
  if guess.quote == "" then
    return { value = "", confidence = confidence, reason = "the \" in it are data: they do not work as quotes" }
  end
  return { value = guess.quote, confidence = 0.5 * confidence, reason = "nothing is quoted: the default" }
end

local function escape_finding(guess, confidence)
  if guess.escape ~= "" then
    return { value = guess.escape, confidence = confidence, reason = "it stands before quotes or delimiters" }
  end
  return { value = "", confidence = confidence,
    reason = guess.doubled > 0 and "quotes are doubled" or "nothing to escape" }
end

local function header_finding(facts)
  local structure = facts.structure
  return { value = structure.header, confidence = structure.header_confidence,
    reason = doubts.of_header(structure, facts) }
end

local function line_end_finding(facts)
  local kinds = {}
  for _, kind in ipairs { "lf", "crlf", "cr", "crcrlf" } do
    if facts[kind] > 0 then
      kinds[#kinds + 1] = kind
    end
  end
  -- The last line alone has a CR when the file ends in one.
  if #kinds == 0 then
    return { value = "lf", confidence = 0.5, reason = "one line without an end" }
  elseif #kinds == 1 then
    return { value = kinds[1], confidence = 1, reason = "all of them" }
  end
  local parts = {}
  for i, kind in ipairs(kinds) do
    parts[i] = ("%s %s"):format(log.count(facts[kind]), kind:upper())
  end
  return { value = "mixed", confidence = 1, reason = table.concat(parts, ", ") }
end

local function around(facts, found)
  local structure, guess = facts.structure, facts.guesses[1]
  if structure.preamble > 0 then
    found.skip = { value = structure.preamble, confidence = 0.9, reason = "lines of another form above the table" }
  end
  if guess.comment ~= "" then
    found.comment = { value = guess.comment, confidence = facts.fitting.count > 0 and doubtful or 0.95,
      reason = facts.fitting.count > 0 and ("line %d begins so, and has the table's %s"):format(facts.fitting.line,
          log.counted(#facts.columns, "field"))
        or structure.comments == 1 and "1 line that is not a record of the table"
        or ("%s that are not records of the table"):format(log.counted(structure.comments, "line")) }
  end
  if facts.footer > 0 then
    found.footer = { value = facts.footer, confidence = facts.footer_is_total and 0.8 or 0.9,
      reason = facts.footer_is_total and "the last record is a sum" or "lines of another form below the table" }
  end
  if guess.skip_blanks then
    found.skip_blanks = { value = true, confidence = 0.95, reason = "a space after every delimiter" }
  end
  if guess.blanks_after_quote then
    found.blanks_after_quote = { value = "skip", confidence = 0.95, reason = "spaces after closing quotes" }
  end
end

--- What was found, by name: encoding, delimiter, quote, escape, line_end, header, and where there
--- are such: skip, comment, footer, skip_blanks, blanks_after_quote.
---@param facts table of pghost.native.sniff
---@return table<string, pghost.sniff.Finding>
---@return number confidence of all together
function M.findings(facts)
  local guess = facts.guesses[1]
  local confidence = confidence_of(guess, runner_up(facts.guesses), facts.structure)
  local found = {
    encoding = encoding_finding(facts),
    delimiter = delimiter_finding(facts, guess, confidence),
    quote = quote_finding(facts, guess, confidence),
    escape = escape_finding(guess, confidence),
    line_end = line_end_finding(facts),
    header = header_finding(facts),
  }
  around(facts, found)
  confidence = math.min(confidence, found.delimiter.confidence)
  local header_doubt = 0.5 + 0.5 * found.header.confidence
  return found, confidence * math.min(1, 0.3 + 0.7 * found.encoding.confidence) * header_doubt
end

--- The options of csv.open, run:load and the like that read the file: those that are not the default.
---@param facts table
---@param found table<string, pghost.sniff.Finding>
---@return table<string, any>
function M.options(facts, found)
  local options = {
    delimiter = found.delimiter.value ~= "" and found.delimiter.value or facts.spare,
    quote = found.quote.value,
    escape = found.escape.value ~= "" and found.escape.value or nil,
    encoding = found.encoding.value ~= "utf-8" and found.encoding.value or nil,
    comment = found.comment and found.comment.value,
    skip = found.skip and found.skip.value,
    footer = found.footer and found.footer.value,
    skip_blanks = found.skip_blanks and true or nil,
    blanks_after_quote = found.blanks_after_quote and "skip" or nil,
    line_end = found.line_end.value == "cr" and "cr" or nil,
  }
  if facts.text_format then
    options.format, options.quote, options.escape = "text", nil, nil
    options.delimiter = options.delimiter ~= "\t" and options.delimiter or nil
  elseif options.delimiter == "," then
    options.delimiter = nil
  end
  if options.quote == '"' then
    options.quote = nil
  end
  if found.header.value == 0 then
    options.header = false
  elseif found.header.value > 1 then
    options.header = found.header.value
  end
  return options
end

--- Other readings of the file that are not much worse, the best first.
---@param facts table
---@return { delimiter: string, quote: string, escape: string, columns: integer, score: number, confidence: number }[]
function M.alternatives(facts)
  local list, best = {}, facts.guesses[1]
  for i = 2, #facts.guesses do
    local guess = facts.guesses[i]
    if is_other(guess, best) and guess.score >= 0.5 * best.score then
      list[#list + 1] = { delimiter = guess.delimiter, quote = guess.quote, escape = guess.escape,
        columns = guess.columns, score = guess.score, confidence = clamp(guess.score ^ (1 / 3)) }
    end
  end
  return list
end

return M
