-- What happens between run:load and COMMIT, in order: each module is entered once, except those for which
-- load/steps.lua gives a reason, and nothing else is on the way. load/steps.lua shows the same list to readers.

local pghost = require "support.pghost"
local server = require "support.server"

-- Texts and questions, which change nothing: asked wherever they are needed.
local asked = { ["load.tables"] = true, ["load.remarks"] = true, ["load.statistics"] = true, ["run.totals"] = true,
  ["input.dialect"] = true, ["input.known_header"] = true, check = true }
-- Those that are traced themselves, and kinds of records.
local looked_into = { load = true, ["load.into_build"] = true, ["load.plan"] = true, connection = true }

-- What the modules on the way require, of the rooms that know what a load is.
local function subjects()
  local list, seen = {}, {}
  for _, file in ipairs { "steps", "init", "into_build", "build_plan" } do
    for line in io.lines(("%s/scripts/pghost/load/%s.lua"):format(pghost.root, file)) do
      local name = line:match('require "pghost%.([%w_.]+)"')
      local is_below = name and (name:find("^lib%.") or name:find("^native%.") or name:find("^catalog%."))
      if name and not is_below and not asked[name] and not looked_into[name] and not seen[name] then
        seen[name] = true
        list[#list + 1] = name
      end
    end
  end
  return list
end

-- Traces the calls into these subjects, but not what a subject does with others: only planning and attempts are looked
-- into.
local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local subjects = { %s }
local run <close> = pipeline.start("job", { data = %q })
local way, depth = {}, 0
for _, subject in ipairs(subjects) do
  local module = require("pghost." .. subject)
  for name, fn in pairs(module) do
    if type(fn) == "function" then
      module[name] = function(...)
        if depth == 0 then
          way[#way + 1] = subject .. "." .. name
        end
        local opens = subject ~= "load.build_plan" and subject ~= "load.attempts" and 1 or 0
        depth = depth + opens
        local results = table.pack(fn(...))
        depth = depth - opens
        return table.unpack(results, 1, results.n)
      end
    end
  end
end
run:load("item", "item.csv", r.table("item", { { "id", r.bigint():required() } }, { key = "id" }))
print(table.concat(way, "\n"))
]]

local steps = pghost.read(pghost.root .. "/scripts/pghost/load/steps.lua")

-- { ledger = true, ... }: the second list of load/steps.lua.
local function reasons()
  local list = {}
  for name in steps:match("Each module is entered once, except these:\n(.-)\n%-%-\n"):gmatch("%-%-   (%S+)") do
    list[name:gsub("%.lua$", ""):gsub("/$", "")] = true
  end
  return list
end

describe("the way of run:load", function()
  local way, subject_count

  setup(function()
    local folder, dsn, names = pghost.folder(), server.get():database(), subjects()
    pghost.write(folder .. "/item.csv", "id\n1\n2\n")
    local text = script:format('"' .. table.concat(names, '", "') .. '"', folder)
    local out, err, code = pghost.run { "--dsn", dsn, pghost.write(folder .. "/job.lua", text) }
    pghost.remove(folder)
    assert.equal(0, code, err)
    way, subject_count = out, #names
  end)

  it("is in the order that load/steps.lua tells", function()
    assert.is_true(subject_count > 25)
    assert.equal([[
load.options.of_step
load.sinks.into_table
load.budget.of_table
load.build_plan.make
modes.choose
distribute.plan
partitions.of
publish.adoption.check
load.inputs.find
ledger.select
load.inputs.look
load.raw_columns.place
load.kept.find
load.workers.choose
checks.expectations.check_plan
load.result.new
distribute.is_placed
load.file_records.begin
load.attempts.run
distribute.connections
distribute.connections
distribute.one_backend_per_node
distribute.create
distribute.create
load.repeats.new
load.profiles.new
load.engine.run
load.cleaning.save
ledger.settle
load.primary_key.apply
load.profiles.save
rejects.reapply.run
modes.built
partitions.build
load.accounts.prove
load.file_records.settle
rejects.originals.fill
load.over_budget.check
]], way)
  end)

  it("has no module that the first list of load/steps.lua leaves out", function()
    local list = steps:match("^(.-)Each module is entered once")
    local missing = {}
    for module in way:gmatch("([%w_.]+)%.[%w_]+\n") do
      local name = module:match("[%w_]+$")
      missing[#missing + 1] = not list:find("%f[%w_]" .. name .. "%f[^%w_]") and module or nil
    end
    assert.same({}, missing)
  end)

  it("enters a module more than once only if load/steps.lua says why", function()
    local seen, several = {}, {}
    for module in way:gmatch("([%w_.]+)%.[%w_]+\n") do
      if seen[module] then
        several[module:gsub("^load%.", "")] = true
      end
      seen[module] = true
    end
    assert.same(reasons(), several)
  end)
end)
