-- From the facts about a column to the type proposed for it, and the rule that loads it.

local log = require "pghost.lib.log"

local M = {}

-- As rules and SQL name them, and the constructor of pghost.rules.
local constructors = { ["double precision"] = "double" }

-- Words that no text means; the others ("NA", "none", "-") could be data in a column of text.
local sure_null_words = {
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
  local found = {}
  for _, kind in ipairs(kinds) do
    if kind.format and kind.fails == 0 then
      found[#found + 1] = kind
    end
  end
  return found
end

local function proposal(type_name, reason, more)
  local made = more or {}
  made.type, made.reason = type_name, reason
  made.alternatives = made.alternatives or {}
  return made
end

local function alternative(type_name, reason, format)
  return { type = type_name, reason = reason, format = format }
end

-- "01/02/2024" is of two days when no value tells the day from the month.
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

local function whole_number(facts, found, formats)
  if facts.leading_zeros > 0 then
    return proposal("text", ("digits, %s of them with zeros in front, as codes have: a number would lose them")
      :format(log.count(facts.leading_zeros)),
      { alternatives = { alternative("bigint", "every value is a whole number") } })
  elseif #formats > 0 and facts.values >= 5 then
    local made = dated(formats)
    made.alternatives[#made.alternatives + 1] = alternative("bigint", "every value is a whole number")
    return made
  elseif found.boolean then
    return proposal("bigint", "every value is 0 or 1", { doubt = true,
      alternatives = { alternative("boolean", "every value is 0 or 1") } })
  end
  return proposal("bigint", "every value is a whole number")
end

local function separated(found, options)
  local both = found.grouped and found.comma
  local comma = found.comma and (not found.grouped or options.delimiter == ";")
  local reason = comma and "numbers with a decimal comma" or "numbers with commas between the thousands"
  local made = proposal("numeric", reason, { decimal = comma and "," or ".", doubt = both and true or nil })
  if both then
    made.alternatives[1] = alternative("numeric", comma and "the comma could stand between the thousands"
      or "the comma could be a decimal comma")
  end
  return made
end

local reasons = {
  boolean = "every value is true or false",
  numeric = "every value is a decimal number",
  ["double precision"] = "every value is a number, some with an exponent",
  date = "every value is a date in ISO 8601",
  time = "every value is a time",
  timestamp = "every value is a date with a time in ISO 8601",
  timestamptz = "every value is a date with a time and a zone in ISO 8601",
  uuid = "every value is a UUID",
  jsonb = "every value is a JSON object or array",
}

-- Types that all values but a few are of.
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

local function choose(facts, options)
  local found, formats = by_type(facts.kinds), formats_of(facts.kinds)
  if facts.values == 0 then
    return proposal("text", "no value to tell a type from", { none = true })
  elseif found.bigint then
    return whole_number(facts, found, formats)
  elseif found.numeric and found["double precision"] and facts.exponents > 0 then
    return proposal("double precision", reasons["double precision"],
      { alternatives = { alternative("numeric", "every value is a decimal number, perhaps with an exponent") } })
  elseif found.numeric then
    local made = proposal("numeric", reasons.numeric)
    if found.comma and options.delimiter == ";" then
      made.doubt = true
      made.alternatives[1] = alternative("numeric", "the point could stand between the thousands")
    end
    return made
  elseif found.comma or found.grouped then
    return separated(found, options)
  elseif #formats > 0 then
    return dated(formats)
  end
  for _, name in ipairs(order) do
    if found[name] then
      return proposal(name, reasons[name])
    end
  end
  local near = near_misses(facts)
  local reason = near[1] and ("%s, %s"):format(near[1].type, near[1].reason) or "values are of no other type"
  return proposal("text", reason, { alternatives = near })
end

local function null_words(facts, is_text)
  local list = {}
  for word in pairs(facts.null_words) do
    if not is_text or sure_null_words[word] then
      list[#list + 1] = word
    end
  end
  table.sort(list)
  if facts.quoted_empty + facts.blank > 0 and not is_text then
    table.insert(list, 1, "") -- what trimming leaves of blanks
  end
  return list
end

local function quoted(text)
  return (("%q"):format(text):gsub("\\\n", "\\n"))
end

local function rule_of(column)
  local parts = { ("r.%s(%s)"):format(constructors[column.type] or column.type,
    column.format and ("{ format = %s }"):format(quoted(column.format)) or "") }
  if column.padded then
    parts[#parts + 1] = ":trim()"
  end
  if #column.nulls > 0 then
    local words = {}
    for i, word in ipairs(column.nulls) do
      words[i] = quoted(word)
    end
    parts[#parts + 1] = (":null_if(%s)"):format(table.concat(words, ", "))
  end
  if column.decimal == "," then
    parts[#parts + 1] = ':decimal(",", ".")'
  elseif column.decimal == "." then
    parts[#parts + 1] = ':decimal(".", ",")'
  end
  if column.required then
    parts[#parts + 1] = ":required()"
  end
  return table.concat(parts)
end

local function texts(examples)
  local list = {}
  for i, example in ipairs(examples) do
    list[i] = example.text .. (example.cut and "…" or "")
  end
  return list
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
  column.rule = rule_of(column)
  return column
end

return M
