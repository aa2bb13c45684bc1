-- pghost rejects [RUN]: shows what a run refused and why, writes it as a CSV to correct and load again, or waives it.

local argparse = require "argparse"
local cjson = require "cjson"
local command_arguments = require "pghost.lib.arguments"
local corrections = require "pghost.rejects.corrections"
local errors = require "pghost.lib.errors"
local json = require "pghost.lib.json"
local log = require "pghost.lib.log"
local print_ = require "pghost.lib.print"
local own_runs = require "pghost.run.own_runs"
local recorded = require "pghost.run.recorded"
local reject_export = require "pghost.rejects.to_file"
local reject_list = require "pghost.rejects.list"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local function new_parser()
  local parser = argparse("pghost rejects", "Lists the records that a run rejected, and why.")
  parser:argument("run", "Number of the run (default: the project's last one; outside of a project the last of all).")
    :args("?"):convert(recorded.number)
  parser:option("--table", "Only those meant for this table."):argname("NAME")
  parser:option("--file", "Only those of this file."):argname("NAME")
  parser:option("--rule", "Only those that broke this rule: type, required, fields, quote, key, ..."):argname("NAME")
  parser:option("--state", "open (default), replayed, corrected, waived or all.")
    :argname("STATE"):choices { "open", "replayed", "corrected", "waived", "all" }
  parser:flag("--corrected", "Those loaded as corrected: --state corrected.")
  parser:flag("--waived", "Those waived: --state waived.")
  parser:option("--limit", "At most this many (default: 10 in the list, otherwise all).")
    :argname("N"):convert(command_arguments.whole(0))
  parser:option("--csv", "Write the records to a file to correct, also in a spreadsheet, and load again; - is stdout.")
    :argname("FILE")
  parser:flag("--force", "With --csv: overwrite an existing file, and any corrections in it.")
  parser:flag("--json", "One JSON object per line.")
  parser:flag("--revert", "Take corrections and waivers back: waived ones are open again, corrected ones are rejected "
    .. "by the next run that reads them.")
  parser:option("--waive", "Waive the open ones: the table is complete without them. REASON is recorded.")
    :args("?"):argname("REASON")
  parser:epilog("Example: pghost rejects 12 --table booking --csv booking_rejects.csv")
  return parser
end

local function raise_usage(text)
  errors.raise(text .. " (see pghost rejects --help)", "usage")
end

local separate <const> = {
  { "--csv", "--json" }, { "--corrected", "--waived", "--state" }, { "--waived", "--state" },
  { "--revert", "--waive", "--csv", "--json", "--limit" }, { "--waive", "--csv", "--json", "--limit" },
}

local function parse(arguments)
  local options = command_arguments.parse(new_parser(), arguments, "pghost rejects", separate)
  if options.force and not options.csv then
    raise_usage("--force needs --csv")
  elseif options.revert and not options.run then
    raise_usage("--revert needs the number of the run")
  elseif options.waive and not options.run then
    raise_usage("--waive needs the number of the run")
  elseif options.waive and ((options.state or "open") ~= "open" or options.corrected or options.waived) then
    raise_usage("only open rejects can be waived")
  end
  options.state = options.corrected and "corrected" or options.waived and "waived" or options.state
    or options.revert and "all" or nil
  return options
end

local function say(format, ...)
  io.stderr:write(terminal_text.harmless(format:format(...)), "\n")
end

-- A list to look at --------------------------------------------------------------------------------

local summary_columns = { "table", "column", "rule", "state", "files", "records" }
local summary_types = { "text", "text", "text", "text", "int8", "int8" }

local function show(conn, run, filter, limit)
  local kinds, total = reject_list.summary(conn, filter)
  print(terminal_text.harmless(("run %d of '%s', %s: %s"):format(run.run_id, run.pipeline, run.started,
    filter.state == "all" and log.counted(total, "reject") or log.counted(total, filter.state .. " reject"))))
  if total == 0 then
    return
  end
  io.write("\n", print_.format(summary_columns, kinds, { types = summary_types, null = "", width = sys.columns(1) }),
    "\n")
  local shown = 0
  for reject in reject_list.each(conn, filter, limit, true) do
    print(terminal_text.harmless(reject_list.line(reject) .. (reject.note and (" [%s]"):format(reject.note) or "")))
    shown = shown + 1
  end
  if shown < total then
    print(("and %s more (--limit N shows more, --csv FILE writes all)"):format(log.count(total - shown)))
  end
end

-- For machines -------------------------------------------------------------------------------------

local json_names = { "reject_id", "table_name", "file", "line", "byte_offset", "byte_length", "column_name", "rule",
  "reason", "state", "replayed_by", "note", "original", "original_hex" }

local function json_object(reject)
  local out = {}
  for _, name in ipairs(json_names) do
    out[name] = reject[name] == nil and cjson.null or reject[name]
  end
  out.original_hex = nil
  if reject.original and not utf8.len(reject.original) then
    out.original, out.original_hex = nil, (reject.original:gsub(".", function(char)
      return ("%02x"):format(char:byte())
    end))
  end
  return json.object(json_names, out)
end

local function write_json(conn, filter, limit)
  for reject in reject_list.each(conn, filter, limit) do
    print(terminal_text.harmless_json(json_object(reject)))
  end
end

local function write_csv(conn, filter, options)
  local exported = reject_export.write(conn, filter, options.csv, options)
  if not exported then
    say("no such reject: nothing is written")
    return
  end
  say("%s written%s", log.counted(exported.records, "record"), options.csv ~= "-" and " to " .. options.csv or "")
  if exported.without > 0 then
    say("left out: %s without their original bytes (from a pipe, or the file has changed)",
      log.counted(exported.without, "reject"))
  end
  if exported.inert > 0 then
    say("an apostrophe in front of %s keeps spreadsheets from evaluating it; reading the file removes it",
      log.counted(exported.inert, "cell"))
  end
end

local function run_filter(conn, present, options)
  local run = options.run and recorded.find(conn, present, options.run) or recorded.last(conn, present)
  if not run then
    return nil
  end
  for _, kind in ipairs { "table", "file", "rule" } do
    if options[kind] then
      reject_list.check_name(conn, run.run_id, kind, options[kind])
    end
  end
  return run, { run_id = run.run_id, table = options.table, file = options.file, rule = options.rule,
    state = options.state or "open" }
end

local options = parse { ... }
local conn <close>, present = recorded.open()
local run, filter = run_filter(conn, present, options)
if not run then
  say("%s", own_runs.none())
elseif options.waive then
  local reason = type(options.waive) == "table" and options.waive[1] or options.waive
  local count = corrections.waive(conn, filter, type(reason) == "string" and reason or nil)
  print(("%s of run %d waived"):format(log.counted(count, "reject"), run.run_id))
elseif options.revert then
  local waived, corrected = corrections.revert(conn, filter)
  print(("run %d: %s open again, %s reverted"):format(run.run_id, log.counted(waived, "waived reject"),
    log.counted(corrected, "correction")))
  if corrected > 0 then
    say("the corrected records stay in the table until a run reads their files again, which then rejects them")
  end
elseif options.csv then
  write_csv(conn, filter, options)
elseif options.json then
  write_json(conn, filter, options.limit)
else
  show(conn, run, filter, options.limit or 10)
end
