-- pghost replay RUN [SCRIPT]: runs the rejects of a run again, through the rules as they are now.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local host = require "pghost.native.host"
local lfs = require "lfs"
local paths = require "pghost.lib.paths"
local recorded = require "pghost.run.recorded"
local replay = require "pghost.rejects.replay.loads"

local function parse(arguments)
  local parser = argparse("pghost replay",
    "Runs the rejected records of a run through the rules as they are now. What passes is published with what was "
    .. "published before, after the pipeline's own checks. The rest stays open.")
  parser:argument("run", "Number of the run, see pghost runs."):convert(recorded.number)
  parser:argument("script", "The pipeline's script (default: that of the run)."):args("?")
  parser:argument("arguments", "Settings for the script, after --. Those of the run are used unless given here.")
    :args("*")
  parser:option("--table", "Only the rejects of this table."):argname("NAME")
  parser:epilog("Example: pghost replay 12 -- --max-rejects 2%")
  local options = command_arguments.parse(parser, arguments, "pghost replay")
  if options.script and lfs.attributes(options.script, "mode") ~= "file" then
    errors.raise(("no script '%s': name it, pghost replay %d SCRIPT"):format(options.script, options.run), "usage")
  end
  return options
end

local function raise(format, ...)
  errors.raise(format:format(...), "usage", { exit = 1 })
end

local function check_run(run)
  local id = run.run_id
  if run.replay_of then
    raise("run %d is a replay of run %d: replay that one", id, run.replay_of)
  elseif run.state == "running" then
    raise("run %d is still running", id)
  elseif run.state ~= "published" then
    raise("run %d published nothing (%s), so there is nothing to add to: run the pipeline again", id, run.state)
  end
end

local function count_open(conn, run, only)
  return conn:query([[
    SELECT pg_catalog.count(*) AS records FROM pghost.rejects
    WHERE run_id = $1 AND state = 'open' AND ($2::text IS NULL OR table_name = $2)]], run.run_id, only)[1].records
end

local function find_script(run, given)
  local path = given or run.script
  if not path and run.pipeline == "load" then
    raise("run %d was a pghost load: write its rejects with `pghost rejects %d --csv FILE`, correct and load them",
      run.run_id, run.run_id)
  elseif not path then
    raise("the script of run %d is not known: name it, pghost replay %d SCRIPT", run.run_id, run.run_id)
  elseif lfs.attributes(path, "mode") ~= "file" then
    errors.raise(("no script '%s': name it, pghost replay %d SCRIPT"):format(path, run.run_id), "usage")
  end
  return path
end

-- As the host does for a script: its folder comes first, `arg` is its command line.
local function run_script(path, arguments)
  local folder = paths.absolute(path):match("^(.*)/[^/]*$")
  package.path = ("%s/?.lua;%s/?/init.lua;%s"):format(folder, folder, package.path)
  host.script = path
  local line = { [0] = path }
  table.move(arguments, 1, #arguments, 1, line)
  _G.arg = line
  local chunk, message = loadfile(path)
  if not chunk then
    errors.raise(message, "usage")
  end
  chunk(table.unpack(arguments))
end

local options = parse { ... }
local run, open
do
  local conn <close>, present = recorded.open()
  run = recorded.find(conn, present, options.run)
  check_run(run)
  open = count_open(conn, run, options.table)
end
if open == 0 then
  io.stderr:write(("no open reject of run %d%s: nothing to replay\n"):format(run.run_id,
    options.table and (" for table '%s'"):format(options.table) or ""))
  return 0
end
replay.prepare(run, options.table)
run_script(find_script(run, options.script), options.arguments)
