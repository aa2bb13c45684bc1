-- Tables as a spec writes them down, and how two of them differ, as a table.
--
--   user_id | name
--   1       | Ann
--   2       | <null>
--
-- Cells are trimmed; one in double quotes is taken verbatim ("" is the empty text). `<null>` is NULL. A line of dashes
-- below the names is optional.

local print_result = require "pghost.lib.print"

local M = {}

M.null = "<null>"

---@class pghost.testing.Table
---@field columns string[]
---@field [integer] string[] rows; NULL is M.null

local function cell(text)
  text = text:match "^%s*(.-)%s*$"
  return text:match '^"(.*)"$' or text
end

local function cells(line)
  local list = {}
  for text in (line .. "|"):gmatch "([^|]*)|" do
    list[#list + 1] = cell(text)
  end
  return list
end

local function is_rule(line)
  return line:find "^[%s%-+|]*%-%-[%s%-+|]*$" ~= nil
end

local function add_row(rows, line)
  local row = cells(line)
  if #row ~= #rows.columns then
    error(("row %d has %d cells, but there are %d columns: %s"):format(#rows + 1, #row, #rows.columns,
      line:match "^%s*(.-)%s*$"), 0)
  end
  rows[#rows + 1] = row
end

--- Reads one.
---@param text string
---@return pghost.testing.Table
function M.parse(text)
  local rows = {}
  for line in text:gmatch "[^\n]+" do
    if line:find "%S" and not is_rule(line) then
      if rows.columns then
        add_row(rows, line)
      else
        rows.columns = cells(line)
      end
    end
  end
  if not rows.columns then
    error("no table: column names with | between them expected in the first line", 0)
  end
  return rows
end

local function key_of(row)
  return table.concat(row, "\0")
end

local function sorted(rows)
  local list = table.move(rows, 1, #rows, 1, {})
  table.sort(list, function(a, b)
    return key_of(a) < key_of(b)
  end)
  return list
end

local function add(out, mark, row)
  out[#out + 1] = { mark, table.unpack(row) }
end

-- Walks both in order: what is only in one is marked.
local function merged(expected, found)
  local out, i, j, differs = {}, 1, 1, false
  while expected[i] or found[j] do
    local left, right = expected[i] and key_of(expected[i]), found[j] and key_of(found[j])
    if left == right then
      add(out, "", expected[i])
      i, j = i + 1, j + 1
    elseif right == nil or left and left < right then
      add(out, "missing", expected[i])
      i, differs = i + 1, true
    else
      add(out, "extra", found[j])
      j, differs = j + 1, true
    end
  end
  return out, differs
end

-- Row by row.
local function side_by_side(expected, found)
  local out, differs = {}, false
  for i = 1, math.max(#expected, #found) do
    local left, right = expected[i], found[i]
    if left and right and key_of(left) == key_of(right) then
      add(out, "", left)
    else
      differs = true
      add(out, left and "missing" or "extra", left or right)
      if left and right then
        add(out, "extra", right)
      end
    end
  end
  return out, differs
end

local context <const> = 3 -- equal rows shown around those that differ

-- Long stretches of equal rows are one row of dots.
local function shortened(rows)
  local near, out = {}, {}
  for i, row in ipairs(rows) do
    for at = i - context, row[1] == "" and i - context - 1 or i + context do
      near[at] = true
    end
  end
  for i, row in ipairs(rows) do
    if near[i] then
      out[#out + 1] = row
    elseif i == 1 or near[i - 1] then
      out[#out + 1] = { "..." }
    end
  end
  return out
end

--- How a table differs from what is expected: nil if it does not, else a table with a first column that says `missing`
--- (expected, and not there) or `extra`.
---@param expected pghost.testing.Table
---@param found pghost.testing.Table of the same columns
---@param ordered? boolean rows must be in this order
---@return string?
function M.difference(expected, found, ordered)
  local rows, differs
  if ordered then
    rows, differs = side_by_side(expected, found)
  else
    rows, differs = merged(sorted(expected), sorted(found))
  end
  if not differs then
    return nil
  end
  local text = print_result.format({ "", table.unpack(expected.columns) }, shortened(rows), { null = "" })
  return (text:gsub("%(%d+ rows?%)\n$", ""))
end

--- As a text that M.parse reads, aligned: what to paste into a spec.
---@param found pghost.testing.Table
---@return string
function M.text(found)
  return (print_result.format(found.columns, found, {}):gsub("%(%d+ rows?%)\n$", ""))
end

return M
