-- Why a finding is what it is, and what makes it doubtful.

local log = require "pghost.lib.log"
local shown = require "pghost.sniff.shown"

local M = {}

-- Whether nearly all values are of one kind: of a few values, each kind is still possible.
local function is_data(column)
  for _, kind in ipairs(column.kinds) do
    if kind.fails * 4 <= column.values then
      return column.values > 0
    end
  end
  return false
end

-- "EUR" of "EUR 13.50", "km" of "5 km", "size:" of "size: 5".
local function belongs_to_its_neighbour(column, records)
  local examples = column.examples
  return records > 1 and #examples == 1 and not is_data(column) or #examples > 0 and examples[1].text:find ":$" ~= nil
end

-- A space stands inside values, too. It separates them if most columns, or quotes, say so; names do only over three
-- columns or more, since "Anna Koch" and "Studio 54" below "full name" are values of one.
local function blank_is_doubtful(facts)
  local structure, data = facts.structure, 0
  for _, column in ipairs(facts.columns) do
    data = data + (is_data(column) and 1 or 0)
    if facts.guesses[1].quoted == 0 and belongs_to_its_neighbour(column, facts.records) then
      return true
    end
  end
  local named = #facts.columns > 2 and structure.header > 0 and structure.header_words > structure.header_values
  return not named and facts.guesses[1].quoted == 0 and data * 2 <= #facts.columns
end

-- "7,50" and "19,00 €" are separated by a comma, too, where no header has one.
local function could_be_decimals(facts, guess)
  local columns = facts.columns
  if guess.delimiter ~= "," or #columns ~= 2 or guess.quoted > 0 or facts.structure.header > 0 then
    return false
  end
  for _, example in ipairs(columns[2].examples) do
    if not example.text:find "^%d%d%s*[^%w%s]*$" then
      return false
    end
  end
  return is_data(columns[1]) and #columns[2].examples > 1
end

-- "7:18", where no header has a colon: hours and minutes, or minutes and seconds.
local function could_be_times(facts, guess)
  if guess.delimiter ~= ":" or guess.columns > 3 or guess.quoted > 0 or facts.structure.header > 0 then
    return false
  end
  for i, column in ipairs(facts.columns) do
    local two_digits = i == 1 and column.max_length <= 2 or column.min_length == 2 and column.max_length == 2
    if not two_digits or not is_data(column) then
      return false
    end
  end
  return true
end

-- "8,8 kg" as well, where all have the same unit.
local function could_be_measures(facts, guess)
  local columns, unit = facts.columns, nil
  if guess.delimiter ~= "," or #columns ~= 2 or guess.quoted > 0 or facts.structure.header > 0 then
    return false
  end
  for _, example in ipairs(columns[2].examples) do
    local text = example.text:match "^%d+%s*(%D+)$"
    if not text or unit and unit ~= text then
      return false
    end
    unit = text
  end
  return is_data(columns[1]) and unit ~= nil and #columns[2].examples > 1
end

-- "Tue, 2028-11-28"
local function are_weekdays(facts)
  local first = facts.columns[1]
  for _, example in ipairs(first.examples) do
    if not (" mon tue wed thu fri sat sun "):find(" " .. example.text:lower():sub(1, 3) .. " ", 1, true) then
      return false
    end
  end
  return facts.guesses[1].skip_blanks and facts.structure.header == 0 and #first.examples > 1 and #facts.columns == 2
    and is_data(facts.columns[2])
end

-- The sign that splits the first record of one column into names, of which other records have fewer; nil: none does.
local function sign_of_names(facts)
  if facts.guesses[1].delimiter ~= "" or facts.guesses[1].quoted > 0 and facts.broken.count == 0 then
    return nil
  end
  for sign in (",;\t|"):gmatch "." do
    local count, names = 0, 0
    for part in ((facts.first[1] or "") .. sign):gmatch("([^" .. sign .. "]*)" .. sign) do
      count = count + 1
      names = names + (part:find "^[%a_\x80-\xff][%w_ \x80-\xff.-]*$" and 1 or 0)
    end
    if count > 1 and names == count then
      return sign
    end
  end
end

-- A header that ends in CR alone, above records that end in LF.
local function has_lone_return(facts)
  for _, cell in ipairs(facts.first) do
    if facts.cr == 0 and cell:find("\r", 1, true) and not (cell:find("\n", 1, true) or facts.guesses[1].quoted > 0) then
      return true
    end
  end
  return false
end

local function has_null_sign(facts)
  for _, column in ipairs(facts.columns) do
    if column.null_words["\\N"] then
      return true
    end
  end
  return false
end

--- Why quotes that were found to be data may be quotes; nil: nothing speaks for it.
---@param facts table of pghost.native.sniff
---@return string?
function M.of_quotes(facts)
  if facts.structure.wrapped_quotes then
    return "fields are in quotes, but with spaces or text around them, so the quotes would be data (quote = '' says so)"
  elseif facts.structure.unclosed_quote then
    return "a field opens with a quote that nothing closes: a damaged record, or the quote is data (quote = '' says so)"
  end
end

--- Why a delimiter that was found may be none; nil: nothing speaks against it.
---@param facts table of pghost.native.sniff
---@param guess table the best
---@return string?
function M.of_delimiter(facts, guess)
  local of_quotes = M.of_quotes(facts)
  if facts.structure.aligned then
    return "no delimiter separates them: columns seem to be aligned with spaces"
  elseif of_quotes then
    return of_quotes
  elseif has_lone_return(facts) then
    return "line 1 holds a CR without a LF, and other lines end in LF: make all line ends alike"
  elseif guess.delimiter == "\t" and not facts.text_format and has_null_sign(facts) then
    return "it has \\N for no value, as COPY's text format and mysqldump have it: give format = 'text' (--format text)"
  elseif sign_of_names(facts) then
    return ("its first record could be names, separated by %s, and the others end early"):format(
      shown(sign_of_names(facts)))
  elseif guess.delimiter == " " and blank_is_doubtful(facts) then
    return "a space could be part of the values, which would be one column then"
  elseif could_be_decimals(facts, guess) then
    return "its values could be one column of numbers with decimal commas"
  elseif could_be_times(facts, guess) then
    return "its values could be one column of times"
  elseif could_be_measures(facts, guess) then
    return "its values could be one column of numbers with decimal commas and a unit"
  elseif are_weekdays(facts) then
    return "its first column is days of the week, which could be part of the dates"
  elseif facts.structure.fields_line then
    return "it has a line '#Fields:', as in the W3C extended log format: the names are there, separated by spaces"
  end
end

local function above_reason(structure, facts)
  local fields = log.counted(#facts.columns, "field")
  if structure.above == "names" and structure.above_sign ~= "" then
    return ("line %d could be names, separated by %s"):format(structure.above_line, shown(structure.above_sign))
  elseif structure.above == "column" then
    return ("line %d could be the name of one column, with %s in its values"):format(structure.above_line,
      shown(facts.guesses[1].delimiter))
  elseif structure.above == "names" then
    return ("line %d could be names: %d, where the records have %s"):format(structure.above_line,
      structure.above_fields, fields)
  elseif structure.above == "data" then
    return ("line %d could be a record: it has %s%s, those below have %d"):format(structure.above_line,
      log.counted(structure.above_fields, "field"), structure.above_sign ~= "" and " parted by "
        .. shown(structure.above_sign) or "", #facts.columns)
  elseif structure.label then
    return "the first record could be a label and its value, above the table"
  elseif structure.ruler then
    return "a line of dashes is right below the names"
  elseif structure.title then
    return "the first record could be a title above the names"
  elseif structure.counted then
    return "the first record numbers the columns, as names do"
  elseif structure.corner and structure.header == 0 then
    return "the first record has years over other numbers, or nothing where all others have something, as names do"
  elseif structure.names_below > 0 then
    return ("record %d of the table has words where the others have numbers or dates, as names do"):format(
      structure.names_below + 1)
  end
end

--- What speaks for the header that was found, or for none.
---@param structure table of the facts
---@param facts table of pghost.native.sniff
---@return string
function M.of_header(structure, facts)
  local above = above_reason(structure, facts)
  if above then
    return above
  elseif structure.header_words > structure.header_values then
    return ("%s: words over columns of numbers or dates"):format(
      log.counted(structure.header_words, "name"))
  elseif structure.header_values > 0 then
    return ("the first record has values as those below in %s"):format(log.counted(structure.header_values, "column"))
  elseif structure.header > 0 and structure.header_unlike then
    return "all columns are text; the first record is less like the others than any of them is"
  elseif structure.header > 0 then
    return structure.header_known and "all columns are text; the first record has names that columns often have"
      or "all columns are text; the first record could be names"
  end
  return structure.header_again > 0 and "all columns are text; values of the first record appear again below"
    or #facts.columns == 0 and "nothing to see" or "all columns are text; the first record has no names"
end

return M
