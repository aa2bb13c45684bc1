-- Proposes a type for a column from the facts about it, and the rule that loads it.

local choices = require "pghost.sniff.choices"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local numbers = require "pghost.sniff.numbers"
local rules_text = require "pghost.sniff.rules_text"

local alternative, kept_as_text, proposal = choices.alternative, choices.kept_as_text, choices.proposal

local M = {}

-- Words that no text means; the others ("NA", "none", "-") could be data in a column of text.
M.sure_null_words = {
  NULL = true, null = true, Null = true, ["N/A"] = true, ["n/a"] = true, ["#N/A"] = true, ["\\N"] = true,
  ["(null)"] = true, ["<null>"] = true, ["#NULL!"] = true,
}

-- What a type is called when several fit: the first of these.
local order = {
  "bigint", "boolean", "numeric", "grouped", "comma", "double precision", "date", "time", "timestamp", "timestamptz",
  "uuid", "jsonb",
}

local function by_type(kinds)
  local found = {}
  for _, kind in ipairs(kinds) do
    if not kind.format and kind.fails == 0 then
      found[kind.type] = kind
    end
  end
  return found
end

local function formats_of(kinds)
  return lists.filter(kinds, function(kind)
    return kind.format and kind.fails == 0
  end)
end

-- "01/02/2024" could be two dates when no value distinguishes day from month.
local function dated(formats)
  local first = formats[1]
  local made = proposal(first.type, ("every value is a %s written %s"):format(first.type, first.format),
    { format = first.format })
  if #formats > 1 then
    made.doubt, made.reason = true, ("every value is a %s written %s, and as well %s"):format(first.type, first.format,
      formats[2].format)
    for i = 2, #formats do
      made.alternatives[i - 1] = alternative(formats[i].type, "fits every value, too", formats[i].format)
    end
  end
  return made
end

local reasons = {
  boolean = "every value is true or false",
  numeric = "every value is a decimal number",
  ["double precision"] = "every value is a number",
  date = "every value is a date in ISO 8601",
  time = "every value is a time",
  timestamp = "every value is a date with a time in ISO 8601",
  timestamptz = "every value is a date with a time and a zone in ISO 8601",
  uuid = "every value is a UUID",
  jsonb = "every value is a JSON object or array",
}

-- Types of all values but a few.
local function near_misses(facts)
  local list = {}
  for _, kind in ipairs(facts.kinds) do
    if kind.fails > 0 and facts.values >= 20 and #list < 3 and reasons[kind.type] or
       (kind.fails > 0 and facts.values >= 20 and kind.type == "bigint") then
      list[#list + 1] = alternative(kind.type, ("all but %s: '%s' in line %d"):format(
        log.counted(kind.fails, "value"), kind.failed.text, kind.failed.line), kind.format)
      if kind.type == "bigint" then
        break
      end
    end
  end
  return list
end

local moments = { time = true, timestamp = true, timestamptz = true }

-- What a time would lose of its text, so that it stays text.
local function lost_by_time(facts, type_name)
  local losses = facts.losses
  if losses.rounded > 0 then
    return ("times, %s of them with more decimals than microseconds: they would be rounded")
      :format(log.count(losses.rounded))
  elseif type_name == "timestamptz" and losses.zoned < facts.values then
    return ("dates with a time, %s of them without a zone: those would be taken for UTC")
      :format(log.count(facts.values - losses.zoned))
  end
end

-- Spelling details that a typed value loses and that carry no meaning.
local function not_kept(facts, type_name)
  if type_name == "jsonb" then
    return "; spaces, the order of keys and duplicate keys are not kept"
  elseif type_name == "boolean" and facts.losses.respelled > 0 then
    return ("; %s in other words, which are not kept"):format(log.counted(facts.losses.respelled, "value"))
  elseif type_name == "uuid" and facts.losses.respelled > 0 then
    return ("; %s in another form than lower case with hyphens, which is not kept")
      :format(log.counted(facts.losses.respelled, "value"))
  end
  return ""
end

local function choose(facts, options)
  local found, formats = by_type(facts.kinds), formats_of(facts.kinds)
  if facts.values == 0 then
    return proposal("text", "no value to infer a type from", { none = true })
  elseif found.bigint or found.numeric or found["double precision"] or found.comma or found.grouped then
    return numbers.choose(facts, found, #formats > 0 and facts.values >= 5 and dated(formats) or nil, options)
  elseif #formats > 0 and facts.losses.rounded == 0 then
    return dated(formats)
  end
  for _, name in ipairs(order) do
    local lost = found[name] and moments[name] and lost_by_time(facts, name)
    if lost then
      return kept_as_text(lost, name, reasons[name])
    elseif found[name] then
      return proposal(name, reasons[name] .. not_kept(facts, name))
    end
  end
  local near = near_misses(facts)
  local reason = near[1] and ("%s, %s"):format(near[1].type, near[1].reason) or "values are of no other type"
  return proposal("text", reason, { alternatives = near })
end

local function null_words(facts, is_text)
  local list = {}
  for word in pairs(facts.null_words) do
    if not is_text or M.sure_null_words[word] then
      list[#list + 1] = word
    end
  end
  table.sort(list)
  if facts.quoted_empty + facts.blank > 0 and not is_text then
    table.insert(list, 1, "") -- what trimming leaves of blanks
  end
  return list
end

local function texts(examples)
  return lists.map(examples, function(example)
    return example.text .. (example.cut and "…" or "")
  end)
end

local function confidence_of(column, made, facts)
  if made.none then
    return 0
  end
  local certain = 1 - 1 / (facts.values + 1)
  if column.type == "text" then
    certain = #made.alternatives > 0 and 0.7 or 0.95
  end
  return certain * (made.doubt and 0.5 or 1)
end

--- The type proposed for a column. Whatever it holds loads with `rule`, unless `alternatives` are taken.
---@param facts table a column of pghost.native.sniff
---@param options table those that read the file
---@return pghost.sniff.Column
function M.propose(facts, options)
  local made = choose(facts, options)
  local column = { type = made.type, format = made.format, decimal = made.decimal, reason = made.reason,
    alternatives = made.alternatives, ambiguous = made.doubt or false, examples = texts(facts.examples),
    values = facts.values, empty = facts.empty + facts.quoted_empty + facts.blank, padded = facts.padded > 0 or nil,
    min_length = facts.min_length, max_length = facts.max_length, null_words = facts.null_words }
  local is_text = column.type == "text"
  column.nulls = null_words(facts, is_text)
  column.required = facts.values > 0 and facts.empty == 0 and #column.nulls == 0
  column.confidence = confidence_of(column, made, facts)
  column.rule = rules_text.rule(column)
  return column
end

return M
