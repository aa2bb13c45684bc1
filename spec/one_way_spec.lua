-- What happens between run:load and COMMIT, in order: each subject is entered once where it plans and once where it
-- settles, and nothing else is on the way. load/steps.lua shows the same list to readers.

local pghost = require "support.pghost"
local server = require "support.server"

-- Traces the calls into these subjects, but not what a subject does with others: only planning and attempts are looked
-- into.
local script = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local subjects = { "load.options", "load.budget", "load.build_plan", "load.inputs", "load.header", "load.raw_columns",
  "load.kept", "load.file_records", "load.cleaning", "load.attempts", "load.engine", "load.accounts",
  "load.primary_key", "load.over_budget", "ledger", "modes", "rejects.reapply", "rejects.originals",
  "checks.expectations", "run.resume" }
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

describe("the way of run:load", function()
  it("enters each subject once to plan and once to settle, in the order that load/steps.lua tells", function()
    local folder, dsn = pghost.folder(), server.get():database()
    pghost.write(folder .. "/item.csv", "id\n1\n2\n")
    local out, err, code = pghost.run { "--dsn", dsn, pghost.write(folder .. "/job.lua", script:format(folder)) }
    pghost.remove(folder)
    assert.equal(0, code, err)
    assert.equal([[
load.options.of_step
load.budget.of_table
load.build_plan.make
modes.choose
load.inputs.find
ledger.select
load.inputs.look
load.raw_columns.place
load.kept.find
checks.expectations.check_plan
load.file_records.begin
load.attempts.run
load.engine.run
load.cleaning.save
ledger.settle
load.primary_key.apply
rejects.reapply.run
modes.built
load.accounts.prove
load.file_records.settle
rejects.originals.fill
load.over_budget.check
]], out)
  end)
end)
