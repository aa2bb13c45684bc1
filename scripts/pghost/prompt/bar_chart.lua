-- \chart: the last query as bars. Its first column names them, the first column of numbers after it is their length.

local destination = require "pghost.prompt.destination"
local database = require "pghost.prompt.live_connection"
local errors = require "pghost.lib.errors"
local pager = require "pghost.prompt.pager"
local print_ = require "pghost.lib.print"
local rows = require "pghost.prompt.shown_rows"
local statements = require "pghost.prompt.run_sql"
local sys = require "pghost.native.sys"
local terminal = require "pghost.lib.terminal"

local M = {}

local most <const> = 1000 -- bars
local eighths <const> = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }

local function bar(value, largest, width)
  local units = math.floor(math.abs(value) / largest * width * 8 + 0.5)
  local text = ("█"):rep(units // 8) .. (eighths[units % 8] or "")
  return text == "" and value ~= 0 and eighths[1] or text
end

-- Which column holds the names, and which the numbers.
local function columns_of(columns, types)
  local value
  for i = #columns == 1 and 1 or 2, #columns do
    if print_.is_number_type(types[i]) then
      value = i
      break
    end
  end
  if not value then
    errors.raise("\\chart: a query with a column of names and one of numbers expected", "usage", { exit = 1 })
  end
  return value > 1 and 1 or nil, value
end

local function shown(value)
  return value == nil and "<null>" or terminal.harmless(tostring(value))
end

local function collect(next_row, row, name, value)
  local items, largest, more = {}, 0.0, false
  while row do
    more = #items == most
    if more then
      break
    end
    local number = tonumber(row[value])
    items[#items + 1] = { label = name and shown(row[name]) or tostring(#items + 1), value = number,
      text = shown(row[value]) }
    largest = number and number == number and math.abs(number) < math.huge and math.max(largest, math.abs(number))
      or largest
    row = next_row()
  end
  return items, largest, more
end

local function widest(items, field, limit)
  local width = 0
  for _, item in ipairs(items) do
    width = math.max(width, terminal.width(item[field]))
  end
  return math.min(width, limit)
end

local function pad(text, width)
  local fitting = terminal.cut(text, width)
  return fitting .. (" "):rep(width - terminal.width(fitting))
end

local function write(items, largest, output, width)
  local names, numbers = widest(items, "label", width // 3), widest(items, "text", 24)
  local room = math.max(width - names - numbers - 4, 8)
  for _, item in ipairs(items) do
    local is_finite = item.value and item.value == item.value and math.abs(item.value) < math.huge
    local mark = is_finite and largest > 0 and bar(item.value, largest, room) or ""
    output:write(pad(item.label, names), " │ ", (" "):rep(numbers - #item.text),
      item.text, mark ~= "" and " " or "", mark, "\n")
  end
end

local function chart(session, words, rest)
  if not session.last_sql then
    errors.raise("\\chart: no statement has run yet", "usage", { exit = 1 })
  end
  local conn = database.get()
  local statement = statements.open(conn, session.last_sql)
  local next_row, first, source <close> = statement.next_row, statement.first, statement.source
  local columns = source:columns() or {}
  local name, value = columns_of(columns, source:types() or {})
  local items, largest, more = collect(next_row, first, name, value)
  local file <close> = words[1] and destination.open(words[1], rest) or nil
  local output <close> = pager.open(file and { output = file } or rows.settings)
  output:write(terminal.harmless(columns[value]), name and " by " .. terminal.harmless(columns[name]) or "", "\n")
  write(items, largest, output, sys.columns(1) or 80)
  if more then
    output:write(("(the first %d rows)\n"):format(most))
  end
end

---@type pghost.prompt.Command[]
M.list = {
  { name = "chart", words = "[FILE]", run = chart, help = "the last SQL as bars: names, then numbers" },
}

return M
