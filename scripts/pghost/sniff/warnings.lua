-- What a user should know before taking a proposal: doubts, and records that do not fit.

local dialect = require "pghost.sniff.findings"
local log = require "pghost.lib.log"

local M = {}

local near = 0.8 -- of the best score: another reading is said to be one
local poor = 0.3 -- the score of a reading that is none
local most = 0.9 -- of the records

local function reading(guess)
  local text = "delimiter " .. dialect.shown(guess.delimiter)
  text = text .. (guess.quote ~= "" and ", quote " .. dialect.shown(guess.quote) or ", no quotes")
  return guess.escape ~= "" and text .. ", escape " .. dialect.shown(guess.escape) or text
end

-- The most plausible delimiter: with it most records have the same number of fields.
local function nearest(facts)
  local found
  for _, guess in ipairs(facts.guesses) do
    if guess.columns > 1 and (not found or guess.consistency > found.consistency) then
      found = guess
    end
  end
  return found
end

-- The share of records that have its number of fields; lines taken for a preamble may be records, too.
local function share_of(facts, guess)
  return guess.consistency * facts.records / (facts.records + facts.structure.preamble)
end

local function is_ragged(facts)
  local guess = nearest(facts)
  return facts.guesses[1].score < poor and guess and share_of(facts, guess) < most
end

--- The delimiter that comes nearest to being one, where none gives most records the same number of fields.
---@param facts table
---@return string?
function M.nearest(facts)
  local guess = is_ragged(facts) and nearest(facts)
  return guess and guess.delimiter or nil
end

local function ragged(facts, guess, say)
  say("no reading gives most records the same number of fields: with delimiter %s %.0f%% of them have %d",
    dialect.shown(guess.delimiter), share_of(facts, guess) * 100, guess.columns)
end

local function doubts(facts, result, say)
  local best = facts.guesses[1]
  if facts.structure.aligned then
    say("%s, which is not CSV", result.dialect.delimiter.reason)
  elseif result.dialect.delimiter.doubtful then
    say("delimiter: %s", result.dialect.delimiter.reason)
  elseif is_ragged(facts) then
    ragged(facts, nearest(facts), say)
  end
  for _, other in ipairs(is_ragged(facts) and {} or result.alternatives) do
    if other.score >= near * best.score then
      say("it could be read in two ways: %s (%.2f) or %s (%.2f)", reading(best), best.score, reading(other),
        other.score)
    end
  end
  if result.dialect.header.confidence < 0.75 then
    say("header: %s, but that is not sure (%.2f): %s", result.dialect.header.value > 0 and "the first record" or "none",
      result.dialect.header.confidence, result.dialect.header.reason)
  end
  if result.dialect.encoding.confidence < 0.85 then
    say("encoding: '%s' is a guess (%.2f): %s", result.dialect.encoding.value, result.dialect.encoding.confidence,
      result.dialect.encoding.reason)
  end
  if facts.structure.comment_header then
    say("the header begins as a comment does; its first name keeps that")
  end
end

-- "a,b,c" above records that end in a delimiter, "1,2,3,": the names are not of the table's width.
local function trailing(result, say)
  local last, skip = result.columns[#result.columns], result.dialect.skip
  if skip and result.above and result.above.what == "names" and last.values == 0 then
    say("the last column is empty throughout: if records end in a delimiter that the header in line %d does not have, "
      .. "read it with skip = %d, header = true, trailing_delimiter = \"skip\"", skip.value, skip.value - 1)
  end
end

local function counted(count, what, say, ...)
  if count.count > 0 then
    say("%s " .. what .. ", the first in line %d", log.counted(count.count, "record"), ...)
  end
end

local function misfits(facts, say)
  local width = facts.guesses[1].columns
  if facts.fitting.count > 0 then
    say("%s with %d fields, as records have them, the first in line %d", log.counted(facts.fitting.count, "comment"),
      width, facts.fitting.line)
  end
  if facts.second.count > 2 and facts.second_fields > 1 then
    say("another table could begin in line %d: %s of %d fields up to the end; second_table = \"stop\" reads the first"
      .. " alone", facts.second.line, log.counted(facts.second.count, "record"), facts.second_fields)
  end
  if facts.restart > 0 then
    say("another table seems to begin in line %d, below a blank line: words, and then numbers or dates below them",
      facts.restart)
  end
  counted(facts.few, "with fewer than %d fields", say, width, facts.few.line)
  counted(facts.many, "with more than %d fields", say, width, facts.many.line)
  counted(facts.broken, "with a stray quote", say, facts.broken.line)
  counted(facts.unterminated, "with an unclosed quote", say, facts.unterminated.line)
  counted(facts.lone_cr, "with a CR inside", say, facts.lone_cr.line)
  if facts.lf > 0 and facts.crlf > 0 then
    say("line ends are mixed: %s LF, %s CRLF", log.count(facts.lf), log.count(facts.crlf))
  end
  if facts.invalid > 0 then
    say("%s not valid in '%s'", log.counted(facts.invalid, "byte"), facts.encoding.name)
  end
  if facts.zeros > 0 then
    say("%s", log.counted(facts.zeros, "NUL byte"))
  end
end

local function names(problems, say)
  if problems.empty > 0 then
    say("%s without a name in the header", log.counted(problems.empty, "column"))
  end
  if #problems.repeated > 0 then
    say("repeated names in the header: %s", table.concat(problems.repeated, ", "))
  end
  if problems.long > 0 then
    say("%s longer than 63 bytes", log.counted(problems.long, "name"))
  end
end

local function columns(result, say)
  for _, column in ipairs(result.columns) do
    if column.ambiguous then
      local other = column.alternatives[1]
      say("column '%s': %s%s, or %s%s: no value tells which", column.name, column.type,
        column.format and " " .. column.format or "", other.type, other.format and " " .. other.format
          or " (" .. other.reason .. ")")
    end
  end
end

--- One line each.
---@param facts table
---@param result pghost.sniff.Result
---@param problems table of names
---@return string[]
function M.list(facts, result, problems)
  local list = {}
  local function say(text, ...)
    list[#list + 1] = text:format(...)
  end
  doubts(facts, result, say)
  misfits(facts, say)
  trailing(result, say)
  names(problems, say)
  columns(result, say)
  return list
end

return M
