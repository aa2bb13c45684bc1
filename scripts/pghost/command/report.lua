-- pghost report [RUN]: a run as a page that opens from disk, as Markdown, JUnit XML or metrics.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local history = require "pghost.report.recorded_run"
local recorded = require "pghost.run.recorded"
local report = require "pghost.report"
local site = require "pghost.report.site"
local terminal_text = require "pghost.lib.terminal"

local function parse(arguments)
  local parser = argparse("pghost report", "Shows a run as one page that opens from disk: what came in, what was left "
    .. "out and why, checks, answers.")
  parser:argument("run", "Number of a run (default: the project's last one; outside of a project the last of all).")
    :args("?"):convert(recorded.number)
  parser:option("-o --output",
    "Where to write (default report.html), - for standard output; with --all a folder.")
    :argname("FILE")
  parser:option("--pipeline", "The last run of it."):argname("NAME")
  parser:flag("--all", "A folder of pages: pipelines and runs, and each table with columns, rules and checks.")
  parser:flag("--markdown", "Markdown, for pull requests and chat (default: to standard output).")
  parser:option("--junit", "Write JUnit XML for CI."):argname("FILE")
  parser:option("--metrics", "Write metrics in the text format of Prometheus."):argname("FILE")
  parser:epilog("Example: pghost report 12 -o report.html")
  return command_arguments.parse(parser, arguments, "pghost report",
    { { "RUN", "--pipeline" }, { "--all", "RUN", "--markdown", "--junit", "--metrics" } })
end

local function check(options)
  if options.all and (not options.output or options.output == "-") then
    errors.raise("--all needs a folder: --all -o site/", "usage")
  end
end

local function run_of(conn, present, options)
  local last = present and history.reading(conn, function()
    return history.last(conn, options.pipeline)
  end)
  return recorded.chosen(options, last and last.run_id)
end

local function write(conn, run, options)
  for _, format in ipairs { "junit", "metrics" } do
    if options[format] then
      report.save(conn, run, format, options[format])
    end
  end
  if options.markdown then
    report.save(conn, run, "markdown", options.output or "-")
  elseif options.output or not (options.junit or options.metrics) then
    local path = options.output or "report.html"
    report.save(conn, run, "html", path)
    if path ~= "-" then
      print(("run %d of '%s': %s"):format(run.run_id, terminal_text.harmless(run.pipeline), path))
    end
  end
end

local options = parse { ... }
check(options)
local conn <close>, present = recorded.open()
if options.all then
  if not present then
    run_of(conn, present, options)
  end
  print(("%d pages in %s"):format(site.write(conn, options.output, options.pipeline), options.output))
else
  local number = run_of(conn, present, options)
  recorded.find(conn, present, number)
  write(conn, report.collect(conn, number), options)
end
