-- Proposes a type for a column of numbers from the facts about it: one that preserves its text, or text.

local choices = require "pghost.sniff.choices"
local log = require "pghost.lib.log"

local alternative, kept_as_text, proposal = choices.alternative, choices.kept_as_text, choices.proposal

local M = {}

-- What a number would lose of its text, so that it stays text: the reason, nil for nothing.
local function lost_by_number(facts)
  local losses = facts.losses
  if losses.leading_zeros > 0 then
    return ("digits, %s of them with leading zeros, as codes have: a number would lose them")
      :format(log.count(losses.leading_zeros))
  elseif losses.plus_signs > 0 then
    return ("numbers, %s of them with a plus sign, as telephone numbers have: a number would lose it")
      :format(log.count(losses.plus_signs))
  elseif losses.bare_exponents > 0 and losses.bare_exponents == facts.values then
    return "digits, an E and digits, as codes have: a number would be written differently"
  end
end

local function whole_number(facts, found, dated)
  if dated then
    table.insert(dated.alternatives, alternative("bigint", "every value is a whole number"))
    return dated
  elseif found.boolean then
    return proposal("bigint", "every value is 0 or 1", { doubt = true,
      alternatives = { alternative("boolean", "every value is 0 or 1") } })
  end
  return proposal("bigint", facts.losses.minus_zeros > 0 and "every value is a whole number; -0 becomes 0"
    or "every value is a whole number")
end

local function decimal_number(facts, found, options)
  local losses = facts.losses
  if losses.exponents > 0 and found["double precision"] and losses.long_numbers == 0 then
    return proposal("double precision", "every value is a number, some with an exponent",
      { alternatives = { alternative("numeric", "every value is a decimal number, perhaps with an exponent") } })
  end
  local made = proposal("numeric", losses.exponents > 0
    and "every value is a number, some with an exponent, and some with more digits than a double keeps"
    or losses.minus_zeros > 0 and "every value is a decimal number; -0.0 becomes 0.0"
    or "every value is a decimal number")
  if found.comma and options.delimiter == ";" then
    made.doubt = true
    made.alternatives[1] = alternative("numeric", "the point could be a thousands separator")
  end
  return made
end

-- "2,3" in quotes, where commas stand between the fields: rather a list. A point besides makes it a number.
local function is_list(facts, found, options)
  return found.comma and not found.grouped and (options.delimiter or ",") == "," and facts.losses.both_signs == 0
end

local function separated(facts, found, options)
  if is_list(facts, found, options) then
    return kept_as_text("numbers with commas in them, in a file with commas between its fields: perhaps lists",
      "numeric", "the comma could be a decimal comma")
  end
  local both = found.grouped and found.comma
  local comma = found.comma and (not found.grouped or options.delimiter == ";")
  local reason = comma and "numbers with a decimal comma" or "numbers with commas as thousands separators"
  local made = proposal("numeric", reason, { decimal = comma and "," or ".", doubt = both and true or nil })
  if both then
    made.alternatives[1] = alternative("numeric", comma and "the comma could be a thousands separator"
      or "the comma could be a decimal comma")
  end
  return made
end

--- The proposal for a column of which every value is a number.
---@param facts table
---@param found table<string, table> the kinds of pghost.native.sniff that all values are of
---@param dated? pghost.sniff.Proposal where all of them are dates as well
---@param options table those that read the file
---@return pghost.sniff.Proposal
function M.choose(facts, found, dated, options)
  local lost = lost_by_number(facts)
  if lost then
    return kept_as_text(lost, found.bigint and "bigint" or "numeric",
      found.bigint and "every value is a whole number" or "every value is a number")
  elseif found.bigint then
    return whole_number(facts, found, dated)
  elseif found.numeric or found["double precision"] then
    return decimal_number(facts, found, options)
  end
  return separated(facts, found, options)
end

return M
