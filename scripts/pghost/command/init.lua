-- pghost init: makes a project from CSV files, or adds a table to one.

local add = require "pghost.init.add"
local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local csv_files = require "pghost.init.csv_files"
local dialect = require "pghost.input.dialect"
local dialect_arguments = require "pghost.input.dialect_arguments"
local errors = require "pghost.lib.errors"
local host = require "pghost.native.host"
local lfs = require "lfs"
local log = require "pghost.lib.log"
local paths = require "pghost.lib.paths"
local project = require "pghost.init.new_project"
local shell = require "pghost.lib.shell"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"
local write = require "pghost.init.write"

local function new_parser()
  local parser = argparse("pghost init",
    "Writes a project that loads CSV files: pipeline.lua, rules, checks, SQL that answers questions, a spec. "
    .. "Overwrites nothing, and needs no database.")
  parser:argument("input", "Folder with CSV files, or files."):args("*"):target("inputs"):argname("DIR")
  parser:option("--into", "Folder for the project (default: the current one)."):argname("FOLDER")
  parser:option("--add", "Adds a table of this file to the project that the current folder is in."):argname("FILE")
  dialect_arguments.add(parser)
  parser:flag("--no-header", "The files have no header."):target("no_header")
  parser:epilog("What is not given is detected for each file.\n\nExample: pghost init data --into sales")
  return parser
end

local function parse(arguments)
  local options = command_arguments.parse(new_parser(), arguments, "pghost init", { { "--header", "--no-header" } })
  if options.add and (#options.inputs > 0 or options.into) then
    errors.raise("--add cannot be combined with DIR or --into: it is for the project that the current folder is in",
      "usage")
  elseif not options.add and #options.inputs == 0 then
    errors.raise("a folder with CSV files expected: pghost init DIR (see pghost init --help)", "usage")
  end
  return options
end

local function given_of(options)
  local given = dialect.of(options)
  if options.no_header then
    given.header = false
  end
  dialect.check(given)
  return given
end

local function say_nothing() end

-- A single line, overwritten in place; only on a terminal.
local function new_progress()
  if host.options.quiet or not sys.is_tty(2) then
    return say_nothing, say_nothing
  end
  return function(text)
    io.stderr:write("\r\27[Klooking at ", terminal_text.cut(terminal_text.harmless(text), 60))
  end, function()
    io.stderr:write("\r\27[K")
  end
end

local function warn(text)
  io.stderr:write("warning: ", terminal_text.harmless(text), "\n")
end

local function tell_refused(refused)
  for _, one in ipairs(refused) do
    warn(("left out: %s: %s"):format(one.path, one.reason))
  end
end

-- A line for each file that options make clear. `folder`: of a project that the first of them is to make.
local function commands_of(refused, folder)
  local commands = {}
  for _, one in ipairs(refused) do
    local command, others = csv_files.command(one, #commands == 0 and folder or nil)
    commands[#commands + 1] = command and ("  %s%s\n"):format(terminal_text.harmless(command),
      others and "   # " .. terminal_text.harmless(others) or "")
  end
  return commands
end

-- How to get a project where no file is clear.
local function tell_first(refused, folder)
  local commands = commands_of(refused, folder)
  if #commands > 0 then
    io.stdout:write(("this command makes the project with options for the first file:\n%s"):format(commands[1]))
  end
  if #commands > 1 then
    io.stdout:write(("then %s, in its folder:\n%s"):format(#commands == 2 and "this one" or "these",
      table.concat(commands, "", 2)))
  end
end

-- How to get what was left out into the project.
local function tell_rest(refused, folder)
  local commands = commands_of(refused)
  if #refused > 0 then
    io.stdout:write(("left out %s, see above%s\n"):format(log.counted(#refused, "file"), #commands > 0
      and ("; in %s, these commands add them (or give the options for all files, in a new project):"):format(
        folder == "." and "this folder" or "'" .. terminal_text.harmless(folder) .. "'") or ""))
    io.stdout:write(table.concat(commands))
  end
end

local function tell_tables(list)
  for _, one in ipairs(list) do
    io.stdout:write(("%s: %s in %s, %s%s\n"):format(one.name, log.counted(one.records, "record"),
      log.counted(#one.files, "file"), log.counted(#one.columns, "column"),
      one.key and one.key.sure and ", key " .. table.concat(one.key.columns, ", ") or ""))
  end
end

local function new_project(options, given)
  local folder = options.into or "."
  local is_project = lfs.attributes(paths.join(folder, "pipeline.lua"), "mode") ~= nil
  if is_project then
    write.check(folder, { ["pipeline.lua"] = "" })
  end
  local say, done = new_progress()
  local made = project.of(options.inputs, folder, given, say)
  done()
  tell_refused(made.refused)
  if #made.tables == 0 then
    tell_first(made.refused, folder)
    errors.raise("none of the files is clear: nothing is written", "data")
  end
  local list = write.all(folder, project.texts(made))
  tell_tables(made.tables)
  for _, reference in ipairs(made.references) do
    io.stdout:write(("%s.%s refers to %s.%s\n"):format(reference.child, reference.child_column, reference.parent,
      reference.parent_column))
  end
  tell_rest(made.refused, folder)
  io.stdout:write(("wrote %s%s; next: pghost %s\n"):format(log.counted(#list, "file"),
    folder == "." and "" or " into " .. terminal_text.harmless(folder),
    terminal_text.harmless(shell.word(paths.join(folder, "pipeline.lua")))))
end

local function add_table(options, given)
  local say, done = new_progress()
  local made = add.table(options.add, given, say)
  done()
  tell_tables { made.table }
  io.stdout:write(("wrote %s and a line of %s\n"):format(terminal_text.harmless(made.rules),
    terminal_text.harmless(made.pipeline)))
end

local options = parse { ... }
local act = options.add and add_table or new_project
act(options, given_of(options))
