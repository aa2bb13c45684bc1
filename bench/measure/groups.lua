-- The groups of measures: which files, tables and works each has.

local checks = require "measure.checks"
local clock = require "measure.clock"
local duplicates = require "measure.duplicates"
local files = require "measure.files"
local memory = require "measure.memory"
local merge = require "measure.merge"
local network = require "measure.network"
local replay = require "measure.replay"
local rounds = require "measure.rounds"
local tables = require "measure.tables"

local M = { order = { "startup", "booking", "event", "memory", "shapes", "pipeline", "merge", "duplicates", "replay",
  "checks", "profile", "distance", "tls", "pgloader" } }

M.merge = merge.run
M.modes = memory.run -- by name alone: it loads ten times the records

M.duplicates = duplicates.run
M.replay = replay.run
M.checks = checks.run
M.distance = network.distance
M.tls = network.tls

local AS_OF <const> = "2024-06-30 00:00:00"

local function psql(options, script)
  return ("psql -X -q -v ON_ERROR_STOP=1 -d '%s' -f %s"):format(options.dsn, script)
end

local function load(options, kind, into, name, paths, workers, more)
  return ("%s bench/load.lua --dsn '%s' --kind %s --into %s --name %s --workers %d %s %s"):format(
    options.binary, options.dsn, kind, into, name, workers or 1, more or "", table.concat(paths, " "))
end

-- The ready binary file is what psql writes from the typed table once it is loaded.
local function make_binary(options, name, typed_script)
  local path = ("%s/%s.bin"):format(options.cache, name)
  local script = ("%s/%s_binary_out.sql"):format(options.cache, name)
  local file <close> = assert(io.open(script, "w"))
  file:write(("\\copy %s to '%s' (format binary)\n"):format(name, path))
  file:close()
  clock.shell(psql(options, typed_script))
  clock.shell(psql(options, script))
  return path
end

-- psql and pghost on one file of well-known columns.
local function against_psql(options, name, title, path)
  local columns = tables.columns[name]
  options.server:psql(tables.create(name, columns))
  local function script(suffix, target, file, how)
    return tables.copy_script(options.cache, name .. suffix, target, file, how)
  end
  local typed = script("_typed", name, path, "csv header")
  local binary = make_binary(options, name, typed)
  local works = {
    {
      name = "psql csv raw",
      command = psql(options, script("_plain", name .. "_plain", path, "csv header")),
      table = name .. "_plain",
    },
    { name = "psql csv typed", command = psql(options, typed) },
    { name = "psql binary typed", command = psql(options, script("_bin", name, binary, "(format binary)")) },
    {
      name = "pghost raw",
      command = load(options, name, "raw", name, { path }),
      table = name .. "_raw",
      per = { "psql csv raw" },
    },
    {
      name = "pghost clean",
      command = load(options, name, "clean", name, { path }),
      per = { "psql csv typed", "psql binary typed" },
    },
    { name = "pghost raw and clean", command = load(options, name, "both", name, { path }), per = { "psql csv raw" } },
  }
  if options.workers > 1 then
    local several = ("pghost clean, %d workers"):format(options.workers)
    local unlogged = name .. "_unlogged"
    works[#works + 1] = { name = "pghost clean, with WAL", command = load(options, name, "clean", name, { path }, 1,
      "--wal yes") }
    works[#works + 1] = {
      name = several,
      command = load(options, name, "clean", name, { path }, options.workers),
      per = { "pghost clean", "pghost clean, with WAL" },
    }
    works[#works + 1] = { name = "pghost clean, unlogged table", command = load(options, name, "clean", unlogged,
      { path }, 1, "--wal yes"), table = unlogged }
    works[#works + 1] = {
      name = several .. ", unlogged table",
      command = load(options, name, "clean", unlogged, { path }, options.workers),
      table = unlogged,
      per = { "pghost clean, unlogged table" },
    }
  end
  for _, work in ipairs(works) do
    work.table, work.rows = work.table or name, options.records
  end
  rounds.run(works, options.rounds, options.server)
  rounds.print(title:format(options.records, files.megabytes(path)), works, options.records)
end

function M.booking(options)
  local path = files.bookings(options, options.records) .. "/booking.csv"
  against_psql(options, "booking", "The example's bookings: %d records, %.0f MB, 8 columns", path)
end

function M.event(options)
  against_psql(options, "event", "Ten typed columns: %d records, %.0f MB", files.events(options, options.records))
end

--- What the profile of each column costs a load.
function M.profile(options)
  local path = files.events(options, options.records)
  options.server:psql(tables.create("event", tables.columns.event))
  local works = {}
  for _, into in ipairs { "both", "clean" } do
    local plain = into == "both" and "pghost raw and clean" or "pghost clean"
    works[#works + 1] = { name = plain, table = "event", rows = options.records,
      command = load(options, "event", into, "event", { path }) }
    works[#works + 1] = { name = plain .. ", profiled", table = "event", rows = options.records, per = { plain },
      command = load(options, "event", into, "event", { path }, 1, "--profile yes") }
  end
  works[#works + 1] = { name = "pghost profile of the file, 1 thread", rows = options.records,
    command = ("%s profile -q --workers 1 %s"):format(options.binary, path) }
  rounds.run(works, options.rounds, options.server)
  rounds.print(("Profiles: %d records, %.0f MB, ten typed columns"):format(options.records, files.megabytes(path)),
    works, options.records)
end

--- Peak memory must not grow with the file.
function M.memory(options)
  options.server:psql(tables.create("event", tables.columns.event))
  local works = {}
  for _, records in ipairs { options.records // 10, options.records } do
    works[#works + 1] = {
      name = ("pghost raw and clean, %d records"):format(records),
      command = load(options, "event", "both", "event", { files.events(options, records) }),
      table = "event",
      rows = records,
    }
  end
  rounds.run(works, 1, options.server)
  rounds.print("Memory", works)
end

--- Files of other shapes, all columns text, beside the ten columns.
function M.shapes(options)
  local works = {}
  for _, shape in ipairs(files.shapes(options, options.records // 4)) do
    options.server:psql(tables.create(shape.name, shape.columns))
    works[#works + 1] = {
      name = ("%s: %.0f MB, %d files"):format(shape.title, shape.megabytes, #shape.paths),
      command = load(options, "text", "clean", shape.name, shape.folder and { shape.folder } or shape.paths),
      megabytes = shape.megabytes,
      files = #shape.paths,
    }
  end
  rounds.run(works, math.min(options.rounds, 3), options.server)
  print "\n### Shapes (clean alone, every column text)\n"
  print "| work | wall s | MB/s | files/s | peak RSS MiB |\n|---|---:|---:|---:|---:|"
  for _, work in ipairs(works) do
    print(work.wall and ("| %s | %.2f | %.0f | %.0f | %.1f |"):format(work.name, work.wall, work.megabytes / work.wall,
      work.files / work.wall, work.rss) or ("| %s | failed | | | |"):format(work.name))
  end
end

function M.pipeline(options)
  local folder = files.bookings(options, options.records)
  local works = {
    {
      name = "COPY, CREATE TABLE AS, analytics by psql",
      table = "plain.booking",
      rows = options.records,
      command = ("bench/sql_pipeline.sh '%s' %s '%s'"):format(options.dsn, folder, AS_OF),
    },
    {
      name = "pghost scripts/pipeline.lua",
      table = "public.booking",
      rows = options.records,
      command = ("env DATABASE_URL='%s' %s scripts/pipeline.lua --data %s --as-of '%s'"):format(
        options.dsn, options.binary, folder, AS_OF),
      per = { "COPY, CREATE TABLE AS, analytics by psql" },
    },
  }
  rounds.run(works, options.rounds, options.server)
  rounds.print(("The whole example: %d bookings"):format(options.records), works, options.records)
end

--- A small file: pgloader is slow.
function M.pgloader(options)
  if not os.execute "command -v pgloader >/dev/null" then
    io.stderr:write "pgloader is not installed: not compared\n"
    return
  end
  local records = math.min(options.records, 100000)
  options.server:psql(tables.create("event", tables.columns.event))
  local path = files.events(options, records)
  local target = ("postgresql://postgres@unix:%s:5432/postgres?tablename=event"):format(options.server.socket)
  local works = {
    {
      name = "pgloader",
      table = "event",
      rows = records,
      command = ("pgloader --type csv --with truncate --with 'skip header = 1' --with \"fields terminated by ','\" "
        .. "%s '%s'"):format(path, target),
    },
    {
      name = "pghost clean",
      command = load(options, "event", "clean", "event", { path }),
      table = "event",
      rows = records,
      per = { "pgloader" },
    },
  }
  rounds.run(works, math.min(options.rounds, 3), options.server)
  rounds.print(("pgloader: %d records, ten typed columns"):format(records), works, records)
end

function M.startup(options)
  local path = options.cache .. "/empty.lua"
  clock.shell("mkdir -p " .. options.cache)
  assert(io.open(path, "w")):close()
  print "\n### Start-up, median of 50\n\n| command | ms |\n|---|---:|"
  for _, command in ipairs { "/bin/true", options.binary .. " " .. path } do
    print(("| %s | %.1f |"):format(command:gsub(".*/(pghost)", "%1"), clock.median(clock.starts(command, 50))))
  end
end

return M
