-- pghost runs [RUN]: the runs recorded in the database, or one of them in full.

local argparse = require "argparse"
local cjson = require "cjson"
local command_arguments = require "pghost.lib.arguments"
local fitted = require "pghost.lib.fitted"
local json = require "pghost.lib.json"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local recorded = require "pghost.run.recorded"
local run_report = require "pghost.run.summary"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local function parse(arguments)
  local parser = argparse("pghost runs", "Lists the runs recorded in the database; with RUN, shows all about that one.")
  parser:argument("run", "Number of a run."):args("?"):convert(recorded.number)
  parser:option("--pipeline", "Only runs of this pipeline."):argname("NAME")
  parser:option("--limit", "At most this many, newest first."):argname("N")
    :convert(command_arguments.whole(1)):default("20")
  parser:flag("--json", "One JSON object per line.")
  parser:epilog("Example: pghost runs --pipeline bookings --limit 5")
  return command_arguments.parse(parser, arguments, "pghost runs")
end

-- A row as JSON, its columns in their order; NULL is null.
local function object(row, columns)
  local out = {}
  for i, name in ipairs(columns) do
    out[name] = row[i] == nil and cjson.null or row[i]
  end
  return json.object(columns, out)
end

-- `"name":[{...},...]`; an empty Lua table cannot say that it is a list.
local function json_member(name, rows)
  return ("%s:[%s]"):format(json.encode(name), table.concat(lists.map(rows, function(row)
    return object(row, rows.columns)
  end), ","))
end

local list_columns = { "run", "pipeline", "schema", "state", "started", "duration", "files", "records", "loaded",
  "rejected" }
local list_types = { "int8", "text", "text", "text", "text", "int8", "int8", "int8", "int8", "int8" }

-- Counts and durations as people read them.
local function list_row(run)
  local state = run.gone and "gone" or run.state
  if run.replay_of then
    state = ("%s, replay of %d"):format(state, run.replay_of)
  end
  return { run.run_id, run.pipeline, run.schema, state, run.started, log.duration(run.seconds), log.count(run.files),
    log.count(run.records), log.count(run.loaded + run.corrected), log.count(run.rejected + run.duplicates) }
end

-- What a narrow terminal has no room for; `pghost runs RUN` shows everything.
local spare_in_list <const> = { "schema", "files", "loaded", "duration" }
local spare_in_parts <const> = { "sha256", "filtered", "waived", "corrected", "duplicates", "samples", "size", "tags",
  "records_per_second", "owner", "measured", "rows_checked",
  "severity" }

local function print_list(runs)
  local width = sys.columns(1)
  local rows = lists.map(runs, list_row)
  for _, row in ipairs(width and width < 120 and rows or {}) do
    row[5] = row[5]:sub(1, 16)
  end
  io.write(fitted.format(list_columns, rows, { types = list_types, width = width }, spare_in_list))
  for _, run in ipairs(runs) do
    if run.state == "killed" or run.gone then
      print(("run %d: %s"):format(run.run_id, run_report.state_text(run)))
    end
  end
end

local function say(name, ...)
  local text = terminal_text.harmless(string.format(...))
  print(("  %-9s %s"):format(name, text))
end

local function print_head(run)
  print(terminal_text.harmless(("run %d of '%s' into schema '%s': %s"):format(run.run_id, run.pipeline, run.schema,
    run_report.state_text(run))))
  say("started", "%s, took %s", run.started, log.duration(run.seconds))
  say("by", "%s on %s (process %s) as role %s, pghost %s", run.host_user or "?", run.host_name or "?",
    tostring(run.process_id or "?"), run.database_user or "?", run.version or "?")
  if run.script then
    say("script", "%s", run.script)
  end
  if run.as_of then
    say("as of", "%s", run.as_of)
  end
  if run.replay_of then
    say("replays", "the rejects of run %d", run.replay_of)
  end
  if run.error then
    say("error", "%s%s", run.error, run.error_code and (" (%s)"):format(run.error_code) or "")
  end
end

-- Empty columns are left out.
local function shown_columns(rows)
  local columns, types, positions = {}, {}, {}
  for i, name in ipairs(rows.columns) do
    for _, row in ipairs(rows) do
      if row[i] ~= nil then
        columns[#columns + 1], types[#types + 1], positions[#positions + 1] = name, rows.types[i], i
        break
      end
    end
  end
  return columns, types, positions
end

local function print_part(name, rows)
  if #rows == 0 then
    return
  end
  local columns, types, positions = shown_columns(rows)
  local shown = {}
  for i, row in ipairs(rows) do
    shown[i] = {}
    for j, position in ipairs(positions) do
      shown[i][j] = row[position]
    end
  end
  io.write("\n", name, "\n", fitted.format(columns, shown, { types = types, null = "", width = sys.columns(1) },
    spare_in_parts))
end

-- A line for each column and what it comes from. That a clean column comes from the raw column of the same table is
-- obvious, so it is left out.
local function print_lineage(rows)
  local last
  for _, row in ipairs(rows) do
    if row.from ~= ("%s_raw.%s"):format(row.table, row.column) then
      io.write(last and "" or "\nlineage\n", last ~= row.table and (" %s\n"):format(terminal_text.harmless(row.table))
        or "", "   ", terminal_text.harmless(("%s: %s %s"):format(row.column or "rows", row.how, row.from)), "\n")
      last = row.table
    end
  end
end

local function show_list(conn, options)
  local runs = run_report.list(conn, options)
  if options.json then
    for _, run in ipairs(runs) do
      print(terminal_text.harmless_json(object(run, runs.columns)))
    end
  else
    print_list(runs)
  end
end

local function show_one(conn, options)
  local runs = run_report.list(conn, { run_id = options.run, limit = 1 })
  local run, parts = runs[1], run_report.parts(conn, options.run)
  if not options.json then
    print_head(run)
    for _, part in ipairs(parts) do
      if part[1] == "lineage" then
        print_lineage(part[2])
      else
        print_part(part[1], part[2])
      end
    end
    return
  end
  local members = { object(run, runs.columns):sub(2, -2) }
  for _, part in ipairs(parts) do
    members[#members + 1] = json_member(part[1], part[2])
  end
  print(terminal_text.harmless_json("{" .. table.concat(members, ",") .. "}"))
end

local options = parse { ... }
local conn <close>, present = recorded.open()
if options.run then
  recorded.find(conn, present, options.run)
  show_one(conn, options)
elseif present then
  show_list(conn, options)
elseif not options.json then
  print("no runs yet: no pipeline has run in this database")
end
