-- pghost fix [RUN] FILE [SCRIPT]: takes back a rejects file that somebody has corrected.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local start = require "pghost.rejects.replay.start"

local function new_parser()
  local parser = argparse("pghost fix",
    "Takes in a corrected rejects file, written by pghost rejects or pghost load. What passes now is added to "
    .. "its table, each record once: of a pipeline after its own checks, of a load by the same load. Corrections are "
    .. "kept and applied whenever the same records come again. The rest stays open.")
  parser:argument("run", "Number of the run (default: the one whose rejects the file has)."):args("?")
  parser:argument("file", "The corrected rejects file."):args("?")
  parser:argument("script", "The pipeline's script (default: the one that the run was)."):args("?")
  parser:argument("arguments", "Settings for the script, after --; those of the run need not be given again.")
    :args("*")
  parser:option("--table", "Only the rejects of this table."):argname("NAME")
  parser:option("--rules", "Rules of the pghost load, where the rejects file does not know their path."):argname("LUA")
  parser:usage("Usage: pghost fix [RUN] FILE [SCRIPT] [--table NAME] [--rules LUA] [-- SETTINGS]")
  parser:epilog("Example: pghost fix booking_rejects.csv")
  return parser
end

-- The first word is the run if it is a number and more words follow.
local function parse(arguments)
  local options = command_arguments.parse(new_parser(), arguments, "pghost fix")
  if options.run and options.run:find "^%d+$" and options.file then
    options.run = math.tointeger(tonumber(options.run))
    return options
  elseif not options.run then
    errors.raise("missing argument 'file' (see pghost fix --help)", "usage")
  end
  table.insert(options.arguments, 1, options.script)
  options.run, options.file, options.script = nil, options.run, options.file
  return options
end

local options = start.script_or_settings(parse { ... })
start.check_script(options, ("pghost fix %s%s"):format(options.run and options.run .. " " or "", options.file))
return start.fixed(options, options.file)
