-- pghost fix RUN FILE [SCRIPT]: takes back a rejects file that somebody has corrected.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local recorded = require "pghost.run.recorded"
local start = require "pghost.rejects.replay.start"

local function parse(arguments)
  local parser = argparse("pghost fix",
    "Takes in a corrected rejects file (pghost rejects RUN --csv FILE). What passes now is published with what was "
    .. "published before, after the pipeline's own checks, each record once; corrections are kept and applied whenever "
    .. "the same records come again. The rest stays open.")
  parser:argument("run", "Number of the run, see pghost runs."):convert(recorded.number)
  parser:argument("file", "The corrected rejects file.")
  parser:argument("script", "The pipeline's script (default: the one that the run was)."):args("?")
  parser:argument("arguments", "Settings for the script, after --; those of the run need not be given again.")
    :args("*")
  parser:option("--table", "Only the rejects of this table."):argname("NAME")
  parser:epilog("Example: pghost fix 12 booking_rejects.csv")
  return command_arguments.parse(parser, arguments, "pghost fix")
end

local options = start.script_or_settings(parse { ... })
start.check_script(options, ("pghost fix %d %s"):format(options.run, options.file))
return start.fixed(options, options.file)
