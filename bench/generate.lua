-- Makes sample data: desk bookings as CSV, with every kind of dirt that real exports have, in known numbers.
--
--   build/pghost bench/generate.lua --out DIR [--seed N] [--bookings N] [--users N] [--companies N]
--                                   [--files N] [--clean]
--   build/pghost bench/generate.lua --out DIR --events N [--seed N]
--
-- The first form writes users.csv, company.csv and booking*.csv (N files; clean: one booking.csv) and
-- manifest.json, which says how much of each kind of dirt went in and what must become of it. The
-- second writes event.csv: ten clean columns (3 bigint, 3 timestamp, 1 boolean, 3 text) of about 130
-- bytes a record, for measuring the load engine. The same options give the same bytes everywhere.

package.path = (arg[0]:match("^(.*)/") or ".") .. "/?.lua;" .. package.path

local bookings = require "generator.bookings"
local events = require "generator.events"
local manifest = require "generator.manifest"

local numbers = { seed = 1, bookings = 20000, users = 2000, companies = 40, files = 3, events = 0 }

local function usage(problem)
  io.stderr:write("generate.lua: ", problem, "\n")
  os.exit(2, true)
end

local function parse(words)
  local options = {}
  for name, value in pairs(numbers) do
    options[name] = value
  end
  local i = 1
  while i <= #words do
    local name, value = words[i]:match("^%-%-(%a+)$"), words[i + 1]
    if name == "clean" then
      options.clean = true
      i = i + 1
    elseif name == "out" and value then
      options.out = value
      i = i + 2
    elseif numbers[name] and math.tointeger(tonumber(value)) then
      options[name] = math.tointeger(tonumber(value))
      i = i + 2
    else
      usage(("unknown or incomplete option '%s'"):format(words[i]))
    end
  end
  return options.out and options or usage "give a folder to write to: --out DIR"
end

local options = parse(arg)
os.execute(("mkdir -p '%s'"):format((options.out:gsub("'", "'\\''"))))
if options.events > 0 then
  events.write(options)
else
  manifest.write(options, bookings.write(options))
end
