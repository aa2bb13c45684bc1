-- pghost help [NAME]: the help of pghost, of a command, or of a topic.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local commands = require "pghost.manual.commands"
local dialect_arguments = require "pghost.input.dialect_arguments"
local errors = require "pghost.lib.errors"
local help = require "pghost.manual.overview"
local help_layout = require "pghost.lib.help_layout"
local nearest = require "pghost.lib.nearest"

local topics = {}

-- Options that many commands share, whose --help only names them.
function topics.dialect()
  local parser = argparse("pghost load|init", "Options of the dialect: how a CSV file is to be read. What is not given "
    .. "is as `pghost load` and `pghost init` say; `pghost docs csv` has more about each."):add_help(false)
  dialect_arguments.add(parser)
  for _, option in ipairs(parser.compact) do
    option:hidden(false)
  end
  parser.compact = nil
  help_layout.apply(parser)
  return parser
end

local function parse(arguments)
  local parser = argparse("pghost help", "Shows this help, or that of a command or a topic.")
  parser:argument("name", "Name of a command, or: dialect."):args("?")
  parser:epilog("Example: pghost help load")
  return command_arguments.parse(parser, arguments, "pghost help")
end

local name = parse({ ... }).name
if not name then
  io.write(help.text())
  return 0
end
local names = commands.names()
for _, known in ipairs(names) do
  if known == name then
    io.write(commands.of(name).parser:get_help(), "\n")
    return 0
  end
end
if topics[name] then
  io.write(topics[name]():get_help(), "\n")
  return 0
end
names[#names + 1] = "dialect"
errors.raise(("no command or topic '%s'%s (see pghost --help)"):format(name, nearest.hint(name, names)), "usage")
