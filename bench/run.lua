-- Runs the groups of measures that bench/run describes and prints a table for each.

package.path = "bench/?.lua;spec/?.lua;" .. package.path

local clock = require "measure.clock"
local groups = require "measure.groups"
local server = require "support.server"

-- What the server of a production machine with wal_level = minimal would do; later lines win over
-- those for specs.
local SETTINGS <const> = [[
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
shared_buffers = 128MB
autovacuum = off
]]

local function usage(problem)
  io.stderr:write("bench/run: ", problem, "\n")
  os.exit(2, true)
end

local function parse(words)
  local options = { records = 2000000, rounds = 5, cache = "build/bench", workers = 2 }
  for i = 1, #words, 2 do
    local name, value = words[i]:match("^%-%-(%a+)$"), words[i + 1]
    local number = math.tointeger(tonumber(value))
    if (name == "records" or name == "rounds" or name == "workers") and number then
      options[name] = number
    elseif (name == "cache" or name == "only") and value then
      options[name] = value
    else
      usage(("unknown or incomplete option '%s'"):format(words[i]))
    end
  end
  return options
end

local function chosen(options)
  local names = {}
  for name in (options.only or table.concat(groups.order, ",")):gmatch("[^,]+") do
    if not groups[name] then
      usage(("no group '%s': choose of %s"):format(name, table.concat(groups.order, ", ")))
    end
    names[#names + 1] = name
  end
  return names
end

local options = parse(arg)
local names = chosen(options)
clock.require_programs()
options.binary = clock.shell "readlink /proc/$PPID/exe"
local database <close> = server.start(SETTINGS)
options.server = database
options.dsn = database.dsn
for _, name in ipairs(names) do
  groups[name](options)
end
