-- Peak memory of a load by the number of records, in every mode: raw and clean, with a key.

local clock = require "measure.clock"
local rounds = require "measure.rounds"

local M = {}

local function write_file(options, records)
  local path = ("%s/memory_%d.csv"):format(clock.shell("realpath " .. options.cache), records)
  options.server:psql(([[\copy (select i as id, i %% 1000 as user_id,
    timestamp '2024-01-01' + i * interval '1 second' as starts_at, ((i %% 100000) / 100.0)::numeric(10, 2) as price,
    'status ' || i %% 7 as status, 'note of record ' || i as note
    from generate_series(1, %d) as i) to '%s' csv header]]):gsub("\n%s*", " "):format(records, path))
  return path
end

local function measure(options, records)
  local path, works = write_file(options, records), {}
  for _, mode in ipairs { "replace", "append", "merge", "history" } do
    works[#works + 1] = {
      name = ("pghost, mode %s, %d records"):format(mode, records),
      table = "bench_memory",
      rows = records,
      prepare = function()
        options.server:psql("drop schema if exists pghost cascade")
        options.server:psql("drop table if exists bench_memory, bench_memory_raw")
      end,
      command = ("%s bench/merge.lua --dsn '%s' --table bench_memory --mode %s %s"):format(options.binary, options.dsn,
        mode, path),
    }
  end
  rounds.run(works, 1, options.server)
  os.remove(path)
  return works
end

---@param options table of bench/run.lua
function M.run(options)
  clock.shell("mkdir -p " .. options.cache)
  local all = {}
  for _, records in ipairs { options.records // 10, options.records, options.records * 10 } do
    local works = measure(options, records)
    table.move(works, 1, #works, #all + 1, all)
  end
  options.server:psql("drop table if exists bench_memory, bench_memory_raw")
  rounds.print("Memory by mode: raw and clean with a key, six columns", all)
end

return M
