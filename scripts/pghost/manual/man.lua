-- The man pages pghost(1) and pghost-COMMAND(1) as roff, from the parsers, the host's options and texts.lua.

local commands = require "pghost.manual.commands"
local help = require "pghost.manual.overview"
local host = require "pghost.native.host"
local lists = require "pghost.lib.lists"
local texts = require "pghost.manual.texts"

local M = {}

-- Our text as roff: backslashes, hyphens and leading dots are escaped.
local function roff(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("'", "\\(aq"):gsub("`", "\\`")
  return (text:gsub("^%.", "\\&."):gsub("\n%.", "\n\\&."))
end

-- No date: the same sources give the same bytes.
local function title(name, summary)
  return ('.TH %s 1 "" "pghost %s" "pghost"\n.SH NAME\n%s \\- %s\n'):format(name:upper(), host.version, roff(name),
    roff(summary))
end

local function paragraph(text)
  return ".PP\n" .. roff(text) .. "\n"
end

local function item(label, text)
  return (".TP\n.B %s\n%s\n"):format(roff(label), roff(text))
end

local function items(rows)
  local out = lists.map(rows, function(row)
    return item(row[1], row[2])
  end)
  return table.concat(out)
end

local function example(text)
  return (".PP\n.nf\n%s\n.fi\n"):format(roff(text))
end

local function option_items(options)
  local out = {}
  for _, option in ipairs(options) do
    local name = table.concat(option._aliases, ", ")
    local value = table.concat(option:_get_argument_list(), " ")
    out[#out + 1] = item(value == "" and name or name .. " " .. value, option._description or "")
  end
  return table.concat(out)
end

local function late_options()
  local names = {}
  for _, text in ipairs(host.option_texts) do
    names[#names + 1] = text.late and text.long or nil
  end
  return table.concat(names, ", ")
end

-- The usage in full, also where --help shortens it.
local function synopsis(parser)
  local short = parser._usage
  parser._usage = nil
  local text = parser:get_usage():gsub("^Usage: ", "")
  parser._usage = short
  return text
end

local function subcommand_items(parser)
  local out = {}
  for _, command in ipairs(parser._commands) do
    out[#out + 1] = item(command._name, command._description or "")
    for _, option in ipairs(command._options) do
      if option._name ~= "-h" and option._name ~= "--help" then
        out[#out + 1] = ".RS\n" .. option_items { option } .. ".RE\n"
      end
    end
  end
  return table.concat(out)
end

--- The page of a command.
---@param command pghost.Command
---@return string
function M.command_page(command)
  local parser = command.parser
  local parts = { title("pghost-" .. command.name, command.summary), ".SH SYNOPSIS\n.nf\n", roff(synopsis(parser)),
    "\n.fi\n.SH DESCRIPTION\n", paragraph(parser._description) }
  if #parser._commands > 0 then
    parts[#parts + 1] = ".SH COMMANDS\n" .. subcommand_items(parser)
  end
  if #parser._arguments > 0 then
    parts[#parts + 1] = ".SH ARGUMENTS\n"
    for _, argument in ipairs(parser._arguments) do
      parts[#parts + 1] = item(table.concat(argument:_get_argument_list(), " "), argument._description or "")
    end
  end
  parts[#parts + 1] = ".SH OPTIONS\n" .. option_items(parser._options)
  parts[#parts + 1] = paragraph(late_options() .. " of pghost(1) may be given, too.")
  parts[#parts + 1] = ".SH EXIT STATUS\n" .. paragraph("That of pghost(1).")
  local text = (parser.example or ""):match("Example: (.*)$") or ""
  parts[#parts + 1] = ".SH EXAMPLE\n" .. example(text) .. ".SH SEE ALSO\n.BR pghost (1)\n"
  return table.concat(parts)
end

--- The page pghost(1).
---@param list pghost.Command[]
---@return string
function M.main_page(list)
  local parts = { title("pghost", texts.purpose), ".SH SYNOPSIS\n.nf\n" }
  for _, usage in ipairs(texts.usages) do
    parts[#parts + 1] = roff("pghost [options] " .. usage[1]) .. "\n"
  end
  parts[#parts + 1] = ".fi\n.SH DESCRIPTION\n"
  for _, text in ipairs(texts.description) do
    parts[#parts + 1] = paragraph(text)
  end
  parts[#parts + 1] = ".SH COMMANDS\n"
  for _, command in ipairs(list) do
    parts[#parts + 1] = (".TP\n.BR pghost\\-%s (1)\n%s.\n"):format(command.name, roff(command.summary))
  end
  parts[#parts + 1] = ".SH OPTIONS\n"
  for _, text in ipairs(host.option_texts) do
    parts[#parts + 1] = item(help.option_label(text), text.help)
  end
  parts[#parts + 1] = ".SH EXIT STATUS\n" .. items(texts.exit_codes)
  parts[#parts + 1] = ".SH ENVIRONMENT\n" .. items(texts.environment)
  parts[#parts + 1] = ".SH FILES\n" .. items(texts.files)
  parts[#parts + 1] = ".SH EXAMPLES\n"
  for _, row in ipairs(texts.examples) do
    parts[#parts + 1] = paragraph(row[2]) .. example(row[1])
  end
  return table.concat(parts)
end

--- All pages: file name -> text.
---@return table<string, string>
function M.pages()
  local list = commands.list()
  local pages = { ["pghost.1"] = M.main_page(list) }
  for _, command in ipairs(list) do
    pages[("pghost-%s.1"):format(command.name)] = M.command_page(command)
  end
  return pages
end

return M
