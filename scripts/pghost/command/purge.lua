-- pghost purge: removes old runs from the history, but keeps what later runs need of them.

local argparse = require "argparse"
local command_arguments = require "pghost.lib.arguments"
local errors = require "pghost.lib.errors"
local json = require "pghost.lib.json"
local keeping = require "pghost.run.keeping"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local metadata = require "pghost.run.schema"
local purge = require "pghost.run.history_purge"
local recorded = require "pghost.run.recorded"

local function parse(arguments)
  local parser = argparse("pghost purge", "Removes runs that ended long ago from the history. What later runs need "
    .. "stays: the files of tables, rejects that can be replayed, corrections and waivers, the last published run of "
    .. "each table.")
  parser:option("--keep", "How long runs are kept: 36h, 90d, 12w, 1y."):argname("TIME"):convert(function(text)
    if not keeping.seconds(text) then
      return nil, ("%s expected, got '%s'"):format(keeping.expected, text)
    end
    return text
  end)
  parser:option("--pipeline", "Only runs of this pipeline."):argname("NAME")
  parser:flag("--open-rejects", "Also rejects that are open and can be replayed.")
  parser:flag("--dry-run", "Remove nothing, and say what would go.")
  parser:flag("--json", "One JSON object.")
  parser:epilog("Example: pghost purge --keep 90d --dry-run")
  local options = command_arguments.parse(parser, arguments, "pghost purge")
  if not options.keep then
    errors.raise("pghost purge needs --keep TIME, " .. keeping.expected, "usage")
  end
  return options
end

local function print_json(result, dry_run)
  local removed, kept = {}, {}
  for i, one in ipairs(result.removed) do
    removed[i] = ("%s:%d"):format(json.encode(one.part), one.rows)
  end
  for i, one in ipairs(result.kept) do
    kept[i] = json.object({ "runs", "reason" }, one)
  end
  print(("{%s:%s,%s:%s,%s:[%s],%s:[%s],%s:{%s},%s:[%s]}"):format(json.encode "before", json.encode(result.before),
    json.encode "dry_run", tostring(dry_run or false), json.encode "runs", table.concat(result.runs, ","),
    json.encode "details_of", table.concat(result.thinned, ","), json.encode "rows", table.concat(removed, ","),
    json.encode "kept", table.concat(kept, ",")))
end

local function print_text(result, dry_run)
  local rows = lists.map(result.removed, function(one)
    return ("%s %s"):format(log.count(one.rows), one.part)
  end)
  print(("ended before %s: %s %s"):format(result.before, log.counted(#result.runs, "run"),
    dry_run and "would be removed" or "removed"))
  if #rows > 0 then
    print(("  %-8s %s"):format("rows", table.concat(rows, ", ")))
  end
  for i, one in ipairs(result.kept) do
    print(("  %-8s %s: %s"):format(i == 1 and "kept" or "", log.counted(one.runs, "run"), one.reason))
  end
end

local options = parse { ... }
local conn <close>, present = recorded.open()
if not present then
  errors.raise("no runs yet: no pipeline has run in this database", "usage", { exit = 1 })
end
metadata.migrate(conn) -- what a newer pghost has recorded is not this one's to remove
local result = purge.run(conn, { keep = options.keep, pipeline = options.pipeline, open_rejects = options.open_rejects,
  dry_run = options.dry_run })
local show = options.json and print_json or print_text
show(result, options.dry_run)
