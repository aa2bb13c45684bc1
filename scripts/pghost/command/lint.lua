-- pghost lint: reports everything wrong with a project, with file and line, before anything is loaded.

local argparse = require "argparse"
local cjson = require "cjson"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local lint = require "pghost.lint"
local log = require "pghost.lib.log"
local script = require "pghost.run.script_runner"
local terminal_text = require "pghost.lib.terminal"

local function parse(arguments)
  local parser = argparse("pghost lint",
    "Finds the mistakes of a project without loading. Config, rules, checks and SQL are compared with the headers of "
    .. "the files and with the database, in which nothing changes. Exit code 1 if there is a mistake.")
  parser:argument("script", "The pipeline's script (default: the project's pipeline.lua)."):args("?")
  parser:flag("--offline", "Without the database: SQL and checks are not looked at.")
  parser:flag("--strict", "Warnings, too, end with exit code 1.")
  parser:flag("--json", "One JSON object per line.")
  parser:epilog("Example: pghost lint pipeline.lua")
  return command_arguments.parse(parser, arguments, "pghost lint")
end

local function json_line(finding)
  return ('{"file":%s,"line":%s,"severity":%s,"message":%s}'):format(cjson.encode(finding.file),
    finding.line and ("%d"):format(finding.line) or "null", cjson.encode(finding.severity),
    cjson.encode(finding.message))
end

local function text_line(finding)
  return terminal_text.harmless(("%s:%s %s%s"):format(finding.file, finding.line and ("%d:"):format(finding.line) or "",
    finding.severity == "warn" and "warning: " or "", finding.message))
end

local options = parse { ... }
local findings, problem = lint.project(script.find(options.script), { offline = options.offline })
for _, finding in ipairs(findings:sorted()) do
  print(options.json and terminal_text.harmless_json(json_line(finding)) or text_line(finding))
end
local mistakes, warnings = findings:count "error", findings:count "warn"
if not options.json then
  print(("%s, %s"):format(log.counted(mistakes, "mistake"), log.counted(warnings, "warning")))
end
if problem ~= nil then
  if errors.is(problem) then
    problem.message = problem.message:gsub("^[^\n]*", function(line)
      return line .. "; SQL and checks were not all looked at (--offline: that is meant)"
    end)
  end
  error(problem, 0)
end
return (mistakes > 0 or options.strict and warnings > 0) and 1 or 0
