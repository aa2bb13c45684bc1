-- pghost checks [RUN]: how the checks of a recorded run went, and the same checks in the runs before.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local fitted = require "pghost.lib.fitted"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local recorded = require "pghost.run.recorded"
local recorded_checks = require "pghost.run.recorded_checks"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local function parse(arguments)
  local parser = argparse("pghost checks", "Shows how the checks of a recorded run went: of RUN, or of the last run "
    .. "that had any. Column history is the last ten runs: . passed, w warned, F failed.")
  parser:argument("run", "Number of a run."):args("?"):convert(recorded.number)
  parser:option("--pipeline", "The last run of it."):argname("NAME")
  parser:flag("--failed", "Only checks that did not pass.")
  parser:flag("--json", "One JSON object per line, with samples and the SQL of all that breaks the check.")
  parser:epilog("Example: pghost checks --failed")
  return command_arguments.parse(parser, arguments, "pghost checks", { { "RUN", "--pipeline" } })
end

local function say(label, value)
  if value ~= nil then
    print(("  %-8s %s"):format(label, terminal_text.harmless(tostring(value))))
  end
end

-- The SQL that returns every row violating a check, printed line by line so that it can be copied.
local function print_query(query)
  local indent, label = query:match "^%s*", "all rows"
  for line in (query .. "\n"):gmatch "([^\n]*)\n" do
    local own = line:sub(1, #indent) == indent and line:sub(#indent + 1) or line
    print(("  %-8s %s"):format(label, terminal_text.harmless(own)))
    label = ""
  end
end

-- Details of a check that did not pass, or that proves nothing.
local function print_details(check)
  if check.outcome == "passed" and not check.vacuous then
    return
  end
  print("\n" .. terminal_text.harmless(("%s: %s"):format(check.name, check.outcome == "passed" and "proves nothing"
    or ("%s, %s"):format(check.outcome, log.counted(check.violations, "violation")))))
  say("because", check.vacuous)
  say("about", check.description)
  say("owner", check.owner)
  say("samples", check.samples)
  if check.query then
    print_query(check.query)
  end
end

local count_names <const> = { "passed", "warned", "failed" }

local function print_checks(run, checks)
  local counts, rows = { passed = 0, warned = 0, failed = 0 }, {}
  for i, check in ipairs(checks) do
    counts[check.outcome] = counts[check.outcome] + 1
    rows[i] = { check.name, check.vacuous and "passed, vacuous" or check.outcome, check.violations, check.rows_checked,
      check.history }
  end
  local texts = lists.map(count_names, function(name)
    return ("%d %s"):format(counts[name], name)
  end)
  print(terminal_text.harmless(("checks of run %d of '%s' into schema '%s', %s: %s"):format(run.run_id, run.pipeline,
    run.target_schema, run.started, table.concat(texts, ", "))))
  io.write((fitted.format({ "check", "outcome", "violations", "rows", "history" }, rows, { null = "",
    types = { "text", "text", "int8", "int8", "text" }, width = sys.columns(1) }, { "rows" })
    :gsub("%(%d+ rows?%)\n$", "")))
  for _, check in ipairs(checks) do
    print_details(check)
  end
end

local options = parse { ... }
local conn <close>, present = recorded.open()
local number = recorded.chosen(options, present and recorded_checks.last(conn, options.pipeline), "checks")
local run = recorded.find(conn, present, number)
if options.json then
  for _, line in ipairs(recorded_checks.json(conn, number, options.failed)) do
    print(terminal_text.harmless_json(line))
  end
else
  print_checks(run, recorded_checks.list(conn, number, options.failed))
end
