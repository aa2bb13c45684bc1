-- Writes rows to a file as they arrive, in one of the formats that people and programs read: csv, json, markdown,
-- table, expanded. In constant memory: a table takes its widths from the first rows.
--
-- csv is what psql --csv gives: NULL empty, t and f, bytea in hex. json is one object a line, with numbers
-- that a double holds exactly as numbers and all others as text.

local cjson = require "cjson"
local lists = require "pghost.lib.lists"
local print_ = require "pghost.lib.print"
local terminal = require "pghost.lib.terminal"

local M = {}

---@class pghost.RowWriter
---@field write fun(self: pghost.RowWriter, row: table) a row by position
---@field finish fun(self: pghost.RowWriter) after the last

---@class pghost.RowWriterOptions
---@field columns string[]
---@field types string[]
---@field null? string text of NULL; default "" in csv, "<null>" in table and expanded
---@field width? integer of the terminal; nil: nothing is cut
---@field show_types? boolean a table has a line of types
---@field whole? string how all of a table that does not fit is shown: its last columns may be left out then, and what
--- was left out or cut is said with this below it

local lookahead = 1000 -- rows that a table takes its widths from

local function to_hex(bytes)
  return "\\x" .. bytes:gsub(".", function(char)
    return ("%02x"):format(char:byte())
  end)
end

-- The text of a value as the server writes it.
local function text_of(value, type_name)
  if type(value) == "boolean" then
    return value and "t" or "f"
  elseif math.type(value) == "float" then
    return print_.float(value)
  elseif type_name == "bytea" then
    return to_hex(value)
  end
  return tostring(value)
end

local function csv_field(text)
  if text == "" or text == "\\." or text:find('[",\r\n]') then
    return '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

local Csv = {}
Csv.__index = Csv

function Csv:write(row)
  local cells = {}
  for i = 1, #self.columns do
    cells[i] = row[i] == nil and (self.null or "") or csv_field(text_of(row[i], self.types[i]))
  end
  self.file:write(table.concat(cells, ","), "\n")
end

function Csv:begin()
  local names = lists.map(self.columns, csv_field)
  self.file:write(table.concat(names, ","), "\n")
end

function Csv.finish() end

-- Names that repeat get the number of their column: an object has a name once.
local function unique_names(columns)
  local names, taken = {}, {}
  for i, name in ipairs(columns) do
    while taken[name] do
      name = name .. "_" .. i
    end
    names[i], taken[name] = name, true
  end
  return names
end

local most_exact = 1 << 53

local function json_value(value, type_name)
  if value == nil then
    return "null"
  elseif type_name == "json" or type_name == "jsonb" then
    return value
  elseif math.type(value) == "integer" and math.abs(value) <= most_exact then
    return ("%d"):format(value)
  elseif math.type(value) == "float" and value == value and math.abs(value) ~= math.huge then
    return print_.float(value)
  elseif type(value) == "boolean" then
    return tostring(value)
  end
  return cjson.encode(text_of(value, type_name))
end

local Json = {}
Json.__index = Json

function Json:begin()
  self.names = unique_names(self.columns)
  for i, name in ipairs(self.names) do
    self.names[i] = cjson.encode(name)
  end
end

function Json:write(row)
  local members = {}
  for i, name in ipairs(self.names) do
    members[i] = name .. ":" .. json_value(row[i], self.types[i])
  end
  self.file:write(terminal.harmless_json("{" .. table.concat(members, ",") .. "}"), "\n")
end

function Json.finish() end

local Markdown = {}
Markdown.__index = Markdown

local function markdown_cell(text)
  return (terminal.harmless(text):gsub("[|<>*_`%[%]]", "\\%0"))
end

function Markdown:begin()
  local names, rules = {}, {}
  for i, name in ipairs(self.columns) do
    names[i] = markdown_cell(name)
    rules[i] = print_.is_number_type(self.types[i]) and "---:" or "---"
  end
  self.file:write("| ", table.concat(names, " | "), " |\n| ", table.concat(rules, " | "), " |\n")
end

function Markdown:write(row)
  local cells = {}
  for i = 1, #self.columns do
    cells[i] = row[i] == nil and (self.null or "") or markdown_cell(text_of(row[i], self.types[i]))
  end
  self.file:write("| ", table.concat(cells, " | "), " |\n")
end

function Markdown.finish() end

local Expanded = {}
Expanded.__index = Expanded

function Expanded:begin()
  self.count, self.names, self.name_width = 0, {}, 0
  for i, name in ipairs(self.columns) do
    self.names[i] = terminal.harmless(name)
    self.name_width = math.max(self.name_width, terminal.width(self.names[i]))
  end
end

function Expanded:write(row)
  self.count = self.count + 1
  local title = ("-[ %d ]"):format(self.count)
  self.file:write(title, ("-"):rep(math.max(0, self.name_width + 2 - #title)), "\n")
  for i, name in ipairs(self.names) do
    local text = row[i] == nil and (self.null or "<null>") or terminal.harmless(text_of(row[i], self.types[i]))
    self.file:write(name, (" "):rep(self.name_width - terminal.width(name)), " | ", text, "\n")
  end
end

function Expanded:finish()
  self.file:write(self.count == 1 and "(1 row)\n" or ("(%d rows)\n"):format(self.count))
end

local Table = {}
Table.__index = Table

function Table:begin()
  self.count, self.first = 0, {}
end

function Table:open()
  self.printer = print_.printer(self.columns, self.first, { types = self.types, null = self.null,
    width = self.width, show_types = self.show_types, leave_out = self.whole ~= nil })
  self.file:write(self.printer.head)
  for _, row in ipairs(self.first) do
    self.file:write(self.printer.line(row))
  end
  self.first = nil
end

-- What the output leaves out of the rows, and how to see it.
function Table:left_out()
  local printer = self.printer
  if self.whole and printer.shown < #self.columns then
    return ("; %d of %d columns: %s"):format(printer.shown, #self.columns, self.whole)
  end
  return self.whole and printer.cut and "; cut: " .. self.whole or ""
end

function Table:write(row)
  self.count = self.count + 1
  if self.first then
    self.first[#self.first + 1] = row
    if #self.first == lookahead then
      self:open()
    end
  else
    self.file:write(self.printer.line(row))
  end
end

function Table:finish()
  if self.first then
    self:open()
  end
  self.file:write(self.count == 1 and "(1 row" or ("(%d rows"):format(self.count), self:left_out(), ")\n")
end

local kinds = { csv = Csv, json = Json, markdown = Markdown, expanded = Expanded, table = Table }

--- The names of the formats.
M.formats = { "table", "expanded", "csv", "json", "markdown" }

--- A writer of rows in a format; what comes before the first row is written at once.
---@param format "table"|"expanded"|"csv"|"json"|"markdown"
---@param file file*
---@param options pghost.RowWriterOptions
---@return pghost.RowWriter
function M.new(format, file, options)
  local writer = setmetatable({ file = file, columns = options.columns, types = options.types, null = options.null,
    width = options.width, show_types = options.show_types, whole = options.whole }, kinds[format])
  writer:begin()
  return writer
end

return M
