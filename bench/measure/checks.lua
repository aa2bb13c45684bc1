-- Checks of columns against the cheapest scan that has as many aggregates: 30 checks over one table, in one scan.

local clock = require "measure.clock"
local rounds = require "measure.rounds"

local M = {}

local columns <const> = 10

local function create(options)
  local list = {}
  for i = 1, columns do
    list[i] = i % 2 == 1 and ("(i * %d) %% 100000 AS n%d"):format(i, i)
      or ("'text ' || i %% %d AS t%d"):format(i * 100, i)
  end
  options.server:psql(("drop table if exists bench_checks;\ncreate table bench_checks as select %s from "
    .. "generate_series(1::bigint, %d) as i;\nvacuum analyze bench_checks;"):format(table.concat(list, ", "),
    options.records))
end

-- One scan with the aggregate n times; the server would compute equal ones once.
local function counts(options, n, form)
  local list = {}
  for i = 1, n do
    list[i] = form:format(i)
  end
  local script = options.cache .. "/checks_" .. #form .. ".sql"
  local file <close> = assert(io.open(script, "w"))
  file:write(("select %s from bench_checks;\n"):format(table.concat(list, ", ")))
  return ("psql -X -q -v ON_ERROR_STOP=1 -d '%s' -f %s"):format(options.dsn, script)
end

--- 30 checks of columns, by pghost and as plain counts.
---@param options table of bench/run.lua
function M.run(options)
  clock.shell("mkdir -p " .. options.cache)
  create(options)
  local checks = "%s bench/checks.lua --dsn '%s' --table bench_checks --checks %s"
  local works = {
    { name = "30 x count(*) filter, by hand", rows = options.records,
      command = counts(options, 30, "count(*) filter (where n1 is distinct from -%d)") },
    { name = "pghost, 30 checks", rows = options.records, command = checks:format(options.binary, options.dsn, "30"),
      per = { "30 x count(*) filter, by hand" } },
    { name = "pghost, 30 checks, a scan each", rows = options.records,
      command = checks:format(options.binary, options.dsn, "30 --apart"), per = { "30 x count(*) filter, by hand" } },
    { name = "pghost, no check", rows = options.records, command = checks:format(options.binary, options.dsn, "0") },
  }
  rounds.run(works, options.rounds, options.server)
  rounds.print(("Checks: 30 over one table of %d rows"):format(options.records), works)
end

return M
