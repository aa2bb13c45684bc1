-- One run of column checks over a table: for bench/measure/checks.lua.

local argparse = require "argparse"
local check = require "pghost.check"
local pipeline = require "pghost.pipeline"

local parser = argparse("bench/checks.lua")
parser:option("--dsn"):count(1)
parser:option("--table"):count(1)
parser:option("--checks"):convert(tonumber):count(1)
parser:flag("--apart", "each by itself")
local options = parser:parse()

local function column(name)
  return options.table .. "." .. name
end

-- Three for each column: not null, and what its values are.
local list = {}
for i = 1, options.checks // 3 do
  local number = i % 2 == 1
  local name = column((number and "n" or "t") .. i)
  list[#list + 1] = check.not_null(name)
  list[#list + 1] = number and check.range(name, 0, 100000) or check.length(name, 5, 40)
  list[#list + 1] = number and check.max(name, 0, 100000) or check.rejected_values(name, { "", "text", "none" })
end

local run <close> = pipeline.start("bench_checks", { schema = "public", wait = false }, { arguments = { "--quiet" },
  dsn = options.dsn })
for _, part in ipairs(options.apart and list or { list }) do
  run:check(options.apart and { part } or part)
end
