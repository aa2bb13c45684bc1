-- Whether the first record of a sniffed file is its header, by what is known of the table that it goes into; and the
-- message if that is not clear.

local errors = require "pghost.lib.errors"
local suggestions = require "pghost.input.suggestions"

local M = {}

---@class pghost.input.Goal
---@field columns string[] of the table, or of the rules
---@field by_position? boolean fields may go to the columns in order: nothing is there yet

--- What files are held against: the columns of rules or of a table, by their names and by those they have in files.
---@param columns { name: string, from?: string|integer|(string|integer)[] }[]
---@param by_position boolean
---@return pghost.input.Goal? goal nil: there are no columns yet
function M.goal(columns, by_position)
  local names = {}
  for _, column in ipairs(columns) do
    names[#names + 1] = column.name
    for _, from in ipairs(type(column.from) == "table" and column.from or { column.from }) do
      names[#names + 1] = type(from) == "string" and from or nil
    end
  end
  return #names > 0 and { columns = names, by_position = by_position } or nil
end

local function plain(name)
  return (name:lower():gsub("^%s+", ""):gsub("%s+$", ""):gsub("[^%w_\x80-\xff]+", "_"))
end

-- How many cells name a column, and how many other non-empty cells do not.
local function count_names(cells, columns)
  local known, named, others = {}, 0, 0
  for _, name in ipairs(columns) do
    known[plain(name)] = true
  end
  for _, cell in ipairs(cells) do
    if known[plain(cell)] then
      named = named + 1
    elseif cell ~= "" then
      others = others + 1
    end
  end
  return named, others
end

-- Cells that are the table's columns are so by this delimiter alone.
local function trust_reading(found)
  local delimiter = found.dialect.delimiter
  if not delimiter.doubtful then
    delimiter.confidence = math.max(delimiter.confidence, 0.9)
    found.confidence = math.max(found.confidence, 0.85 * math.min(1, 0.3 + 0.7 * found.dialect.encoding.confidence))
  end
end

--- A first record with the table's columns is the header, whatever it looks like: all of its cells, or two and at least
--- as many as are others.
---@param found pghost.sniff.Result changed
---@param goal? pghost.input.Goal
function M.recognise(found, goal)
  if not goal then
    return
  end
  local named, others = count_names(found.first, goal.columns)
  if named > 0 and others == 0 or named > 1 and named >= others then
    if named > 1 or #goal.columns == 1 then
      trust_reading(found)
    end
    found.dialect.header = { value = 1, confidence = 0.99, reason = "the first record has the table's columns" }
    found.options.header, found.above = nil, nil
  end
end

-- Names such as those of a file without a header: the columns are meant by position.
local function are_positions(columns)
  for _, name in ipairs(columns) do
    if not name:find "^column_?%d+$" then
      return false
    end
  end
  return #columns > 0
end

--- Raises if fields would go into a table only because a header is guessed to be missing.
---@param file table of the load
---@param found pghost.sniff.Result
---@param goal? pghost.input.Goal
function M.check_position(file, found, goal)
  local header = found.dialect.header
  if goal and not goal.by_position and header.value == 0 and not are_positions(goal.columns) then
    errors.raise(("the header is not clear: none is seen (%s), and without one fields go to the table's columns by "
      .. "position; give --no-header if they are to, or --header 1"):format(header.reason), "data",
      { file = file.name })
  end
end

-- Where records end in a delimiter that the line above does not have, they seem to have a column more, with no value.
local function seem_to_end_in_delimiters(found)
  return found.above.fields == #found.columns - 1 and found.above.sign == ""
    and found.columns[#found.columns].values == 0
end

local function refuse_above(file, found)
  local header, skip, above = found.dialect.header, found.dialect.skip.value, found.above
  local advice, give
  local beside, past = "--skip " .. above.line - 1, "--skip " .. skip
  if above.what == "data" and seem_to_end_in_delimiters(found) then
    advice = ("where the records end in a delimiter, give --skip %d --trailing-delimiter skip, and --header 1 or "
      .. "--no-header, else --skip %%d --no-header"):format(above.line - 1)
    give = { beside .. " --trailing-delimiter skip --header 1", beside .. " --trailing-delimiter skip --no-header",
      past .. " --no-header" }
  elseif above.what == "data" then
    advice = header.value > 0 and "give --skip %d --header 1 to skip what is above"
      or "give --skip %d --no-header if it is not a header"
    give = { "--skip 0 --header 1" .. (above.fields < #found.columns and " --too-few pad" or ""),
      past .. (header.value > 0 and " --header 1" or " --no-header") }
  elseif above.what == "column" then
    local one = beside .. " --header 1 --delimiter " .. suggestions.word(above.spare)
    advice, give = ("give %s if it is, else --skip %%d --no-header"):format((one:gsub("%%", "%%%%"))),
      { past .. " --no-header", one }
  elseif above.sign ~= "" then
    advice, give = "correct it, or give --skip %d --no-header to skip them", { past .. " --no-header" }
  else
    local few = above.fields < #found.columns
    give = { beside .. " --header 1 " .. (few and "--trailing-delimiter skip" or "--too-few pad"),
      past .. " --no-header" }
    advice = few
      and ("where the records end in a delimiter, give --skip %d --header 1 --trailing-delimiter skip"):format(
        above.line - 1)
      or ("where records may end early, give --skip %d --header 1 --too-few pad"):format(above.line - 1)
    advice = advice .. ", else --skip %d --no-header"
  end
  errors.raise(("the header is not clear: %s; %s"):format(header.reason, advice:format(skip)), "data",
    { file = file.name, give = give })
end

-- A sign that the first record of one column has, between letters or digits: it may separate fields.
local function sign_of_one_column(found)
  local first = found.dialect.delimiter.value == "" and found.first[1] or ""
  return first:match "[%w\x80-\xff]%s*([^%w%s_%.\x80-\xff])%s*[%w\x80-\xff]"
end

--- Raises that it is not clear whether there is a header, and what to give.
---@param file table of the load
---@param found pghost.sniff.Result
function M.refuse(file, found)
  local header = found.dialect.header
  if found.dialect.skip and found.above then
    refuse_above(file, found)
  end
  local sign = sign_of_one_column(found)
  errors.raise(("the header is not clear: %s (confidence %.2f): %s; give header = 1 or header = false (--header 1,"
    .. " --no-header)%s"):format(header.value > 0 and "the first record is taken for one" or "none is seen",
    header.confidence, header.reason, sign and (", and delimiter = '%s' (--delimiter %s) if it separates fields")
      :format(sign, suggestions.word(sign)) or ""), "data", { file = file.name, give = header.value > 0
      and { "--header 1", "--no-header" } or { "--no-header", "--header 1" } })
end

return M
