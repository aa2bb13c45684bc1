-- pghost load: loads files into one table, in one transaction, much like psql's \copy.

local argparse = require "argparse"
local budget_options = require "pghost.load.budget_options"
local command_arguments = require "pghost.lib.arguments"
local by_itself = require "pghost.load.by_itself"
local column_list = require "pghost.load.column_list"
local dialect = require "pghost.input.dialect"
local dialect_arguments = require "pghost.input.dialect_arguments"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local host = require "pghost.native.host"
local log = require "pghost.lib.log"
local memory = require "pghost.load.memory"
local profile_text = require "pghost.load.profile_text"
local retry = require "pghost.run.retry"
local named_rules = require "pghost.load.named_rules"
local relation = require "pghost.load.relation"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local shown_rejects = 5

local function whole(text)
  local number = math.tointeger(tonumber(text))
  if not number or number < 1 or number > 64 then
    return nil, ("whole number from 1 to 64 expected, got '%s'"):format(text)
  end
  return number
end

local function new_parser()
  local parser = argparse("pghost load",
    "Loads CSV files into a table, all or nothing. Columns are matched by the names in the header.")
  parser:argument("file", "Path, URL, glob, folder (its .csv files, compressed ones too) or - for standard input.")
    :args("+")
    :target("files")
  parser:option("--into", "The table: name, schema.name, \"Name\"."):argname("TABLE"):count(1)
  parser:option("--schema", "Schema of a TABLE without one (default: by search_path)."):argname("NAME")
  parser:option("--rules", "Lua file that returns r.table(...): clean and check the records."):argname("FILE")
  parser:flag("--create", "Create the table: columns of the header, as text or (--auto) typed, or those of the rules.")
  parser:flag("--truncate", "Empty the table first, in the same transaction.")
  parser:option("--max-rejects", "How many records may be rejected (default: none)."):argname("N|P%")
    :convert(budget_options.parse)
    :target("max_rejects")
  parser:option("--rejects", "Where rejects go: a CSV file to correct and load again, or 'table' for pghost.rejects.")
    :argname("FILE|table")
  parser:flag("--force", "Overwrite a rejects file and its corrections.")
  parser:option("--retries",
    ("How often a load is retried after a transient error: a lost connection, a deadlock (default: %d).")
    :format(retry.retries)):argname("N"):convert(command_arguments.whole(0))
  parser:option("--workers", "Threads that read and check."):argname("N"):convert(whole)
  parser:option("--memory", "Bytes of records under way (default: 64 MiB).")
    :argname("BYTES"):convert(command_arguments.whole(memory.least))
  dialect_arguments.add(parser)
  parser:flag("--auto", "Detect delimiter, quote, encoding and so on for each file; options given here win.")
  parser:option("--null", "Read this text as NULL, like an unquoted empty field."):argname("TEXT"):target("null_text")
  parser:option("--columns", "Columns that the fields go to, in order: id,name.")
    :argname("LIST"):convert(column_list.parse)
  parser:flag("--no-header", "No header: columns are those of the table, in order."):target("no_header")
  parser:flag("--allow-dropped", "Let triggers and rules change what is stored.")
    :target("allow_dropped")
  parser:flag("--no-analyze", "Do not update the table's statistics."):target("no_analyze")
  parser:flag("--profile", "Print a profile; with --rejects table, store it too.")
  parser:flag("-q --quiet", "Print only warnings and errors.")
  parser:epilog("Example: pghost load orders.csv --into orders --max-rejects 1% --rejects bad.csv")
  return parser
end

local function parse(arguments)
  local options = command_arguments.parse(new_parser(), arguments, "pghost load",
    { { "--create", "--truncate" }, { "--header", "--no-header" }, { "--columns", "--rules" },
      { "--columns", "--create" } })
  relation.name(options.into, options.schema) -- raises where it is not a name
  files.check(options.files) -- raises where there are none
  if options.rejects and not options.max_rejects then
    errors.raise("--rejects needs --max-rejects: how many may be rejected, 100% for any number", "usage")
  end
  return options
end

-- Lines on stderr, one JSON object each with --log-format json. --quiet still shows warnings.
local warnings = 0

local function speaker(quiet)
  local json = host.options.log_format == "json"
  local out = log.new { quiet = quiet }
  return function(level, kind, table_name, text, fields)
    if json then
      out:event(level, kind, table_name, text, fields)
    elseif level ~= "info" or not quiet then
      io.stderr:write(level == "warn" and kind ~= "reject" and "warn: " or "", terminal_text.harmless(text), "\n")
    end
    warnings = warnings + (level == "warn" and 1 or 0)
  end
end

local function summary(result)
  local megabytes = result.seconds > 0 and result.bytes / 1e6 / result.seconds or 0
  local parts = { ("loaded %s from %s into %s in %s (%.0f MB/s)"):format(log.counted(result.loaded, "record"),
    log.counted(result.files, "file"), result.table, log.duration(result.seconds), megabytes) }
  for _, word in ipairs { "corrected", "rejected", "waived", "filtered" } do
    if result[word] > 0 then
      parts[#parts + 1] = log.count(result[word]) .. " " .. word
    end
  end
  if result.run_id then
    parts[#parts + 1] = "run " .. result.run_id
  end
  return table.concat(parts, ", ")
end

local function show_rejects(say, quiet, table_name, first, total)
  for _, reject in ipairs(quiet and {} or first) do
    say("warn", "reject", table_name, "rejected: " .. tostring(reject), { file = reject.file, line = reject.line,
      column = reject.column })
  end
  if total and total > #first and not quiet then
    say("warn", "reject", table_name, ("and %s more"):format(log.counted(total - #first, "rejected record")))
  end
end

local options = parse { ... }
local quiet = options.quiet or host.options.quiet
local say = speaker(quiet)

local good, result, first = pcall(by_itself.load, dialect.of(options, {
  files = options.files,
  into = options.into,
  schema = options.schema,
  rules = options.rules and named_rules.read(options.rules),
  rules_file = options.rules,
  create = options.create,
  truncate = options.truncate,
  workers = options.workers,
  memory = options.memory,
  retries = options.retries,
  header = options.header or not options.no_header,
  dialect = options.auto and "auto" or nil,
  null_text = options.null_text,
  columns = options.columns,
  max_rejects = options.max_rejects,
  rejects_file = options.rejects ~= "table" and options.rejects or nil,
  rejects_table = options.rejects == "table",
  force = options.force,
  analyse = not options.no_analyze,
  profile = options.profile,
  allow_dropped = options.allow_dropped,
  shown = shown_rejects,
  progress = (quiet or host.options.log_format == "json") and { enabled = false } or nil,
  say = function(level, kind, text, fields)
    say(level, kind, options.into, text, fields)
  end,
}))
if not good then
  if errors.is(result) then
    show_rejects(say, quiet, options.into, result.shown or {})
  end
  error(result, 0)
end
for _, notice in ipairs(result.notices) do
  say("info", "notice", result.table, notice.severity:lower() .. ": " .. notice.message)
end
local profiles = result.profiles
result.notices, result.profiles = nil, nil
show_rejects(say, quiet, result.table, first, result.rejected)
result.warnings = warnings
say("info", "done", result.table, summary(result), result)
for _, one in ipairs(profiles) do
  io.stdout:write(profile_text.format(one, result.table, sys.is_tty(1) and sys.columns(1) or 100))
end
