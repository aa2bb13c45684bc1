-- pghost check: the checks of a project, over the published tables.

local argparse = require "argparse"
local cjson = require "cjson"
local checking = require "pghost.run.checking"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local outlines = require "pghost.run.outline"
local print_ = require "pghost.lib.print"
local script = require "pghost.run.script_runner"
local terminal_text = require "pghost.lib.terminal"

local function parse(arguments)
  local parser = argparse("pghost check",
    "Runs the checks of a project against the tables that are published. Nothing is loaded or recorded. Exit code 4 "
    .. "if a check of severity error fails, 1 if one cannot be run.")
  parser:argument("script", "The pipeline's script (default: the project's pipeline.lua)."):args("?")
  parser:argument("arguments", "Settings for the script, after --: pghost check -- --schema other"):args("*")
  parser:flag("--json", "One JSON object per line.")
  parser:epilog("Example: pghost check pipeline.lua")
  return command_arguments.parse(parser, arguments, "pghost check")
end

-- Words after -- are the script's, also where no script is named.
local function split(words)
  for i, word in ipairs(words) do
    if word == "--" then
      return table.move(words, 1, i - 1, 1, {}), table.move(words, i + 1, #words, 1, {})
    end
  end
  return words, {}
end

local function checks_of(outline)
  local list = {}
  for _, step in ipairs(outlines.steps(outline, "check")) do
    if type(step.list) ~= "table" then
      errors.raise("run:check: list of checks expected, got " .. type(step.list), "usage",
        { exit = 1, file = step.file, line = step.line })
    end
    table.move(step.list, 1, #step.list, #list + 1, list)
  end
  if #list == 0 then
    errors.raise("the script has no checks (run:check)", "usage", { exit = 1 })
  end
  return list
end

local function verdict(result)
  return result.problem and "cannot run" or result.passed and "ok" or result.severity == "warn" and "warn" or "failed"
end

local function print_json(results)
  for _, result in ipairs(results) do
    local line = ('{"name":%s,"severity":%s,"result":%s,"violations":%s,"seconds":%.3f,"message":%s}'):format(
      cjson.encode(result.name), cjson.encode(result.severity), cjson.encode(verdict(result)),
      result.violations and ("%d"):format(result.violations) or "null", result.seconds or 0,
      cjson.encode(result.message))
    print(terminal_text.harmless_json(line))
  end
end

local function print_table(results, schema)
  local rows, count = {}, { ok = 0, warn = 0, failed = 0, ["cannot run"] = 0 }
  for i, result in ipairs(results) do
    local word = verdict(result)
    count[word] = count[word] + 1
    rows[i] = { result.name, result.severity, word, result.violations, ("%.2f"):format(result.seconds or 0) }
  end
  io.write((print_.format({ "check", "severity", "result", "violations", "seconds" }, rows, { null = "",
    types = { "text", "text", "text", "int8", "numeric" } }):gsub("%(%d+ rows?%)\n$", "")))
  for i, result in ipairs(results) do
    if not result.passed then
      print(("%s: %s"):format(terminal_text.harmless(rows[i][1]), terminal_text.harmless(result.message)))
    end
  end
  print(("%s of schema '%s': %d ok, %d warned, %d failed, %d could not be run"):format(log.counted(#results, "check"),
    terminal_text.harmless(schema), count.ok, count.warn, count.failed, count["cannot run"]))
end

local function exit_code(results)
  local code = 0
  for _, result in ipairs(results) do
    local own = ({ ok = 0, warn = 0, ["cannot run"] = 1, failed = 4 })[verdict(result)]
    code = math.max(code, own)
  end
  return code
end

local words, settings = split { ... }
local options = parse(words)
local outline = outlines.complete(script.find(options.script), settings)
local results, schema = checking.run(outline, checks_of(outline))
if options.json then
  print_json(results)
else
  print_table(results, schema)
end
return exit_code(results)
