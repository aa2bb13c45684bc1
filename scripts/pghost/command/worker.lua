-- pghost worker [PIPELINE]: loads files of a run that is in progress, until that run ends.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local joining = require "pghost.share.joining"
local lfs = require "lfs"
local own_file = require "pghost.lib.own_file"
local recorded = require "pghost.run.recorded"
local script = require "pghost.run.script_runner"

local function parse(arguments)
  local parser = argparse("pghost worker",
    "Loads files of a run that is in progress here or on another host, until it ends. The run was started with "
    .. "--share yes; this is its script with --join. If the process that holds the run dies, a worker takes it over.")
  parser:argument("pipeline", "The script, or the name of the pipeline: then the script is that of its run, by the "
    .. "same path (default: the project's pipeline.lua)."):args("?")
  parser:argument("arguments", "Settings for the script, after --: those of the run."):args("*")
  parser:option("--wait", "Wait for a run to begin, at most this long (30s, 10m, 2h; without TIME: for ever).")
    :args("?"):argname("TIME")
  parser:epilog("Example: pghost worker bookings --wait 10m")
  return command_arguments.parse(parser, arguments, "pghost worker")
end

-- The script of the newest run of a pipeline. Who can write the history could name any file.
local function script_of(name)
  local conn <close>, present = recorded.open()
  local row = present and conn:query([[
    SELECT run_id, script FROM pghost.runs WHERE pipeline = $1 AND script IS NOT NULL ORDER BY run_id DESC LIMIT 1]],
    name)[1]
  if not row then
    errors.raise(("no script and no pipeline '%s': name its script, pghost worker SCRIPT"):format(name), "usage")
  elseif lfs.attributes(row.script, "mode") ~= "file" then
    errors.raise(("the script of run %d, '%s', is not on this host: name it, pghost worker SCRIPT"):format(row.run_id,
      row.script), "usage")
  end
  local problem = own_file.script_problem(row.script)
  if problem then
    errors.raise(("the script of run %d, '%s', %s and is not run: name it if you trust it, pghost worker SCRIPT")
      :format(row.run_id, row.script, problem), "usage")
  end
  return row.script
end

local function path_of(given)
  if not given or given:find "%.lua$" or lfs.attributes(given, "mode") == "file" then
    return script.find(given)
  end
  return script_of(given)
end

local options = parse { ... }
if options.pipeline and options.pipeline:find "^%-" then -- a setting: the words after -- alone
  table.insert(options.arguments, 1, options.pipeline)
  options.pipeline = nil
end
local path, words = path_of(options.pipeline), { "--join" }
if options.wait then
  words[#words + 1] = "--wait"
  words[#words + 1] = options.wait[1]
end
table.move(options.arguments, 1, #options.arguments, #words + 1, words)
while true do
  local done, problem = pcall(script.run, path, table.move(words, 1, #words, 1, {}))
  if done then
    break
  elseif not errors.is(problem) or problem.code ~= "holder_gone" then
    error(problem, 0)
  end
  io.stderr:write(tostring(problem), "\n")
  joining.take_over_next()
end
