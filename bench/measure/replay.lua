-- Replays and fixes: rejects of a big table, one of 2,000 records and one of twenty, in each mode.

local clock = require "measure.clock"
local rounds = require "measure.rounds"

local M = {}

-- A file in which every so many records have a price that the rules refuse at first.
local function write_file(options, path, every)
  options.server:psql(([[\copy (select i as id, i %% 1000 as user_id,
    timestamp '2024-01-01' + i * interval '1 second' as starts_at,
    case when i %% %d = 0 then 'unknown' else ((i %% 100000) / 100.0)::numeric(10, 2)::text end as price,
    'status ' || i %% 7 as status, 'note of record ' || i as note
    from generate_series(1, %d) as i) to '%s' csv header]]):gsub("\n%s*", " "):format(every, options.records, path))
end

local function environment(path, mode, lenient)
  return ("env PGHOST_BENCH_FILE='%s' PGHOST_BENCH_MODE=%s%s"):format(path, mode,
    lenient and " PGHOST_BENCH_LENIENT=1" or "")
end

-- A history and tables of its own for each round.
local function load(options, path, mode)
  options.server:psql("drop schema if exists pghost cascade")
  options.server:psql("drop table if exists bench_replay, bench_replay_raw")
  clock.shell(("%s '%s' bench/replay.lua --dsn '%s' >/dev/null 2>&1"):format(environment(path, mode), options.binary,
    options.dsn))
end

-- Writes the rejects as a file, and corrects each.
local function correct(options, corrected)
  clock.shell(("'%s' --dsn '%s' rejects 1 --csv - 2>/dev/null | sed 's/,unknown,/,1.5,/' >'%s'"):format(options.binary,
    options.dsn, corrected))
end

local function measure(options, mode, count, fix)
  local path = ("%s/replay_%d.csv"):format(clock.shell("realpath " .. options.cache), count)
  local corrected = path .. ".corrected"
  write_file(options, path, options.records // count)
  local work = {
    name = ("pghost %s, mode %s, %d rejects"):format(fix and "fix" or "replay", mode, count),
    rows = count,
    prepare = function()
      load(options, path, mode)
      if fix then
        correct(options, corrected)
      end
    end,
    command = ("%s '%s' --dsn '%s' %s bench/replay.lua"):format(environment(path, mode, not fix), options.binary,
      options.dsn, fix and ("fix 1 '%s'"):format(corrected) or "replay 1"),
  }
  rounds.run({ work }, options.rounds, options.server)
  return work
end

---@param options table of bench/run.lua
function M.run(options)
  clock.shell("mkdir -p " .. options.cache)
  local works = {}
  for _, mode in ipairs { "replace", "append", "merge", "history" } do
    for _, share in ipairs { 2000, 20 } do
      works[#works + 1] = measure(options, mode, options.records // share)
    end
  end
  for _, share in ipairs { 2000, 20 } do
    works[#works + 1] = measure(options, "replace", options.records // share, true)
  end
  rounds.print(("Replay: rejects of %d records"):format(options.records), works)
end

return M
