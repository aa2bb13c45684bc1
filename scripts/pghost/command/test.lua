-- pghost test: runs the specs of a project, each file with a throw-away database of its own.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local find_project = require "pghost.run.project"
local lfs = require "lfs"
local measure = require "pghost.testing.measure"
local project = require "pghost.testing.project_runs"
local recorded = require "pghost.run.recorded"
local runner = require "pghost.testing.runner"

local function parse(arguments)
  local parser = argparse("pghost test",
    "Runs specs of rules and pipelines. Each spec file (busted) gets a throw-away database on the private server, or "
    .. "on the server that --dsn names. Exit code 1 if a test fails.")
  parser:argument("specs", "Spec files or folders (default: the project's spec/)."):args("*")
  parser:option("--script", "The pipeline's script (default: the project's pipeline.lua)."):argname("FILE")
  parser:option("--filter", "Only tests whose name has this Lua pattern."):argname("PATTERN")
  parser:option("--output", "How busted writes the outcome."):argname("NAME"):choices { "plainTerminal", "utfTerminal",
    "TAP", "json", "junit", "gtest" }
  parser:flag("--list", "Names the tests, and runs none.")
  parser:flag("--coverage", "After the specs: the rules, cleaning operations and checks that never fired in them.")
  parser:option("--over", "With --coverage, instead of running specs: 'files', the project's own, or a recorded run.")
    :argname("files|RUN"):convert(function(text)
      return text == "files" and text or recorded.number(text),
        ("'files' or the number of a run expected, got '%s'"):format(text)
    end)
  parser:epilog("Example: pghost test spec/booking_spec.lua --filter '31/02'")
  local options = command_arguments.parse(parser, arguments, "pghost test")
  if options.over and (not options.coverage or #options.specs > 0) then
    errors.raise("--over says what --coverage is measured over, and needs no specs (see pghost test --help)", "usage")
  end
  return options
end

local function script_of(options)
  if options.script and lfs.attributes(options.script, "mode") ~= "file" then
    errors.raise(("no script '%s'"):format(options.script), "usage")
  end
  local folder = not options.script and find_project.find()
  return options.script or folder and folder .. "/pipeline.lua"
end

local function specs_of(options, script)
  if #options.specs > 0 then
    for _, path in ipairs(options.specs) do
      if not lfs.attributes(path, "mode") then
        errors.raise(("no spec '%s'"):format(path), "usage")
      end
    end
    return options.specs
  end
  local folder = script and find_project.folder(script) .. "/spec"
  if not folder or lfs.attributes(folder, "mode") ~= "directory" then
    errors.raise(script and ("no folder 'spec' in the project '%s': name the specs"):format(find_project.folder(script))
      or "no project here (a folder with pipeline.lua): name the specs, or --script FILE", "usage")
  end
  local here = lfs.currentdir() .. "/"
  return { folder:sub(1, #here) == here and folder:sub(#here + 1) or folder }
end

local options = parse { ... }
local script = script_of(options)
if not options.over then
  runner.prepare()
end
if script then
  project.use(script)
end
if options.over then
  local subject = measure.subject(project.script())
  if options.over == "files" then
    measure.of_sample(subject)
  else
    measure.of_run(subject, options.over)
  end
  return 0
end
local specs = specs_of(options, script)
runner.run(specs, options, options.coverage and measure.of_specs(measure.subject(project.script())) or nil)
