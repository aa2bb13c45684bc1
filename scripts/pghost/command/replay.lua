-- pghost replay [RUN] [SCRIPT]: runs the rejects of a run through the current rules.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local recorded = require "pghost.run.recorded"
local start = require "pghost.rejects.replay.start"

local function parse(arguments)
  local parser = argparse("pghost replay",
    "Runs the rejected records of a run through the rules as they are now. What passes is published with what was "
    .. "published before, after the pipeline's own checks. The rest stays open.")
  parser:argument("run", "Number of the run, see pghost runs (default: the project's last one; outside of a project "
    .. "the last of all)."):args("?"):convert(recorded.number)
  parser:argument("script", "The pipeline's script (default: that of the run)."):args("?")
  parser:argument("arguments", "Settings for the script, after --. Those of the run are used unless given here.")
    :args("*")
  parser:option("--table", "Only the rejects of this table."):argname("NAME")
  parser:option("--with", "A corrected rejects file: only its records, as corrected (pghost fix)."):argname("FILE")
  parser:epilog("Example: pghost replay 12 -- --max-rejects 2%")
  return command_arguments.parse(parser, arguments, "pghost replay")
end

local options = start.script_or_settings(parse { ... })
start.check_script(options, "pghost replay " .. (options.run or "RUN"))
if options.with then
  return start.fixed(options, options.with)
end
return start.all(options)
