-- Duplicates of a key: what a load takes without any, with one, and with a tenth of its records.

local clock = require "measure.clock"
local rounds = require "measure.rounds"

local M = {}

-- Every so many records the key is that of a record of the first half; 0: never.
local function write_file(options, path, every)
  local id = every == 0 and "i"
    or ("case when i > %d and i %% %d = 0 then i / 2 else i end"):format(options.records // 2, every)
  options.server:psql(([[\copy (select %s as id, i %% 1000 as user_id,
    timestamp '2024-01-01' + i * interval '1 second' as starts_at, ((i %% 100000) / 100.0)::numeric(10, 2) as price,
    'status ' || i %% 7 as status, 'note of record ' || i as note
    from generate_series(1, %d) as i) to '%s' csv header]]):gsub("\n%s*", " "):format(id, options.records, path))
end

local function work_of(options, count)
  local records, name = options.records, "bench_duplicates"
  local path = ("%s/duplicates_%d.csv"):format(clock.shell("realpath " .. options.cache), count)
  write_file(options, path, count == 0 and 0 or count == 1 and records or records // 2 // count)
  return {
    name = ("pghost, %d duplicates"):format(count),
    table = name,
    rows = records - count,
    prepare = function()
      options.server:psql("drop schema if exists pghost cascade")
      options.server:psql(("drop table if exists %s, %s_raw"):format(name, name))
    end,
    command = ("%s bench/merge.lua --dsn '%s' --table %s --mode replace %s"):format(options.binary, options.dsn, name,
      path),
    per = count > 0 and { "pghost, 0 duplicates" } or nil,
  }
end

---@param options table of bench/run.lua
function M.run(options)
  clock.shell("mkdir -p " .. options.cache)
  local works = {}
  for i, count in ipairs { 0, 1, options.records // 10 } do
    works[i] = work_of(options, count)
  end
  rounds.run(works, options.rounds, options.server)
  rounds.print(("Duplicates of a key: %d records, raw and clean"):format(options.records), works)
end

return M
