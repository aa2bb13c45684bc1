-- pghost test: runs the specs of a project, each file with a throw-away database of its own.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local find_project = require "pghost.run.project"
local lfs = require "lfs"
local project = require "pghost.testing.project"
local runner = require "pghost.testing.runner"

local function parse(arguments)
  local parser = argparse("pghost test",
    "Runs specs of rules and pipelines. Each spec file (busted) gets a throw-away database on the private server, or on "
    .. "the server that --dsn names. Exit code 1 if a test fails.")
  parser:argument("specs", "Spec files or folders (default: the project's spec/)."):args("*")
  parser:option("--script", "The pipeline's script (default: the project's pipeline.lua)."):argname("FILE")
  parser:option("--filter", "Only tests whose name has this Lua pattern."):argname("PATTERN")
  parser:option("--output", "busted's output: plainTerminal, utfTerminal, TAP, json, junit."):argname("NAME")
  parser:flag("--list", "Names the tests, and runs none.")
  parser:epilog("Example: pghost test spec/booking_spec.lua --filter '31/02'")
  return command_arguments.parse(parser, arguments, "pghost test")
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
local specs = specs_of(options, script)
if script then
  project.use(script)
end
runner.run(specs, options)
