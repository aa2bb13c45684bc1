-- The pages of the reference that are made from tables: settings, dialect, commands, the schema pghost.

local commands = require "pghost.manual.commands"
local dialect = require "pghost.input.dialect"
local lists = require "pghost.lib.lists"
local overview = require "pghost.manual.overview"
local host = require "pghost.native.host"
local lfs = require "lfs"
local markdown = require "pghost.manual.reference_markdown"
local settings = require "pghost.run.settings"
local texts = require "pghost.manual.texts"

local M = {}

local table_of = markdown.table

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local function code_of(value)
  return value == nil and "" or ("`%s`"):format(type(value) == "string" and ("%q"):format(value) or tostring(value))
end

---@return string
function M.settings()
  local rows = {}
  for i, setting in ipairs(settings.list) do
    local on_line = setting.kind ~= "table" and setting.kind ~= "function"
    rows[i] = { ("`%s`"):format(setting.name), on_line and ("`--%s`"):format(setting.name:gsub("_", "-")) or "",
      code_of(setting.default), setting.help .. "; " .. setting.expected .. " is expected" }
  end
  return table.concat({ "# Settings\n", "In `config.lua`, and on the command line of a script. Unknown settings "
    .. "are an error, as is a value that is not expected (exit code 2).\n",
    '```lua\nreturn { data = "data", max_rejects = "2%", parameters = { region = "north" } }\n```\n',
    table_of({ "setting", "option", "default", "" }, rows), "## Parameters of SQL\n",
    "Checks, analytics and `run:query` may use `:as_of` and `:run_started` (timestamps), and each simple value of "
    .. "the setting `parameters` by its name: `:region`. A name that is not among them is an error with the position "
    .. "in the SQL.\n" }, "\n")
end

---@return string
function M.dialect()
  local rows = {}
  for i, option in ipairs(dialect.options) do
    local value = option.kind == "flag" and "true" or option.choices and '"' .. table.concat(option.choices, '", "')
      .. '"' or option.value or ""
    rows[i] = { ("`%s`"):format(option.name), ("`--%s`"):format(option.name:gsub("_", "-")), value, option.help }
  end
  return table.concat({ "# Options of the dialect\n", "Of `run:load`, `run:stage`, `pghost load` and "
    .. "`pghost init`. [CSV.md](../CSV.md) explains them.\n",
    '```lua\nrun:load("users", "users.csv", rules, { delimiter = ";", encoding = "windows-1252" })\n```\n',
    table_of({ "option", "command line", "value", "" }, rows) }, "\n")
end

local function option_rows(options)
  local rows = {}
  for _, option in ipairs(options) do
    local value = table.concat(option:_get_argument_list(), " ")
    rows[#rows + 1] = { ("`%s%s`"):format(table.concat(option._aliases, ", "), value == "" and "" or " " .. value),
      option._description or "" }
  end
  return rows
end

local function command_text(command)
  local parser = command.parser
  local parts = { ("## pghost %s\n"):format(command.name), parser._description .. "\n" }
  local rows = lists.map(parser._commands, function(one)
    return { ("`%s`"):format(one._name), one._description or "" }
  end)
  for _, argument in ipairs(parser._arguments) do
    rows[#rows + 1] = { ("`%s`"):format(table.concat(argument:_get_argument_list(), " ")), argument._description or "" }
  end
  local hidden = {}
  for _, option in ipairs(option_rows(parser._options)) do
    rows[#rows + 1] = option
  end
  if parser.compact then
    local names = {}
    for _, option in ipairs(parser.compact) do
      names[option._aliases[1]] = true
    end
    for i = #rows, 1, -1 do
      if names[rows[i][1]:match("^`(%-%-[%l-]+)")] then
        table.remove(rows, i)
      end
    end
    hidden = { "And the [options of the dialect](dialect.md).\n" }
  end
  parts[#parts + 1] = table_of({ "argument", "" }, rows)
  parts[#parts + 1] = hidden[1]
  parts[#parts + 1] = ("```sh\n%s\n```\n"):format((parser.example or ""):match("Example: (.*)$") or "")
  return table.concat(parts, "\n")
end

---@return string
function M.commands()
  local parts = { "# Commands\n", "The same as `pghost COMMAND --help` and `man pghost-COMMAND`.\n" }
  local rows = {}
  for i, text in ipairs(host.option_texts) do
    rows[i] = { ("`%s`"):format(overview.option_label(text)),
      text.help .. (text.late and " Also after a command." or "") }
  end
  parts[#parts + 1] = table_of({ "option", "" }, rows)
  parts[#parts + 1] = table_of({ "exit code", "" }, texts.exit_codes)
  for _, command in ipairs(commands.list()) do
    parts[#parts + 1] = command_text(command)
  end
  return table.concat(parts, "\n")
end

-- The comments of the migrations, in their order; a later one takes the place of an earlier one.
local function metadata_comments()
  local files, order, of = {}, {}, {}
  for entry in lfs.dir(host.root .. "/sql/metadata") do
    files[#files + 1] = entry:match("^%d+.*%.sql$")
  end
  table.sort(files)
  for i, name in ipairs(files) do
    files[i] = "sql/metadata/" .. name
  end
  table.insert(files, 1, "scripts/pghost/run/schema.lua") -- makes the table of the versions itself
  for _, name in ipairs(files) do
    local text = read(("%s/%s"):format(host.root, name))
    for kind, path, comment in text:gmatch("COMMENT ON (%u+) pghost%.([%w_.]+) IS%s+'(.-[^'])';") do
      if kind == "TABLE" or kind == "COLUMN" or kind == "VIEW" then
        order[#order + 1] = not of[path] and path or nil
        of[path] = comment:gsub("''", "'")
      end
    end
  end
  return order, of
end

---@return string
function M.schema()
  local order, of = metadata_comments()
  local tables, rows = {}, {}
  for _, path in ipairs(order) do
    local name, column = path:match("^([%w_]+)%.?([%w_]*)$")
    if not rows[name] then
      tables[#tables + 1] = name
      rows[name] = {}
    end
    if column ~= "" then
      table.insert(rows[name], { ("`%s`"):format(column), of[path] })
    end
  end
  local parts = { "# The schema pghost\n", "What pghost records of its runs, in the database that it loads "
    .. "into. Read it as you like; only pghost writes it.\n", "```sql\nSELECT run_id, state, error FROM pghost.runs "
    .. "ORDER BY run_id DESC LIMIT 5;\n```\n" }
  for _, name in ipairs(tables) do
    parts[#parts + 1] = ("## pghost.%s\n"):format(name)
    parts[#parts + 1] = of[name] and of[name] .. ".\n" or nil
    parts[#parts + 1] = table_of({ "column", "" }, rows[name])
  end
  return table.concat(parts, "\n")
end

return M
