-- pghost checks: how the checks of recorded runs went, as a table and as JSON.

local cjson = require "cjson"
local fixture = require "support.fixture"
local projects = require "support.project"

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local check = require "pghost.check"
  local run <close> = pipeline.start("shop", { data = ".", parameters = { most = 100 } })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "gone", r.text() } }))
  run:check {
    check.holds("item", "id < 2", { severity = "warn", owner = "ann", description = "few items" }),
    check.range("item.id", 0, run.settings.parameters.most, { severity = "error" }),
    check.pattern("item.gone", "^x"),
  }
  run:publish()
]]

local here

local function checks(...)
  local out, err, code = here:pghost("checks", ...)
  assert.same({ "", 0 }, { err, code })
  return out
end

fixture.once(function(keep)
  here = keep(projects.new { ["pipeline.lua"] = script, ["item.csv"] = "id,gone\n1,\n2,\n3,\n",
    ["bare.lua"] = [[local run <close> = require("pghost.pipeline").start("bare", {}) run:publish()]] })
end)

describe("pghost checks", function()
  it("says so when there are none, and leaves the database alone", function()
    for _, words in ipairs { {}, { "--json" } } do
      local out, err, code = here:pghost("checks", table.unpack(words))
      assert.same({ "", "pghost: no checks yet: no pipeline with checks has run in this database\n", 1 },
        { out, err, code })
    end
    assert.equal("", here:ask "SELECT to_regnamespace('pghost')")
  end)

  it("shows the last run that had checks, what did not pass, and the runs before", function()
    here:run "pipeline.lua"
    here:run("pipeline.lua", { "--most", "2" })
    here:run "pipeline.lua"
    here:run "bare.lua"
    local out = checks()
    assert.matches("^checks of run 3 of 'shop' into schema 'public', 20[%d%-: UTC]+: 4 passed, 1 warned, 0 failed\n",
      out)
    for _, line in ipairs {
      " check +| outcome +| violations | rows | history\n",
      " item is not empty +| passed +| +0 | +| %.%.%.\n",
      " item: id < 2 +| warned +| +2 | +3 | www\n",
      " item%.id is between 0 and 100 +| passed +| +0 | +3 | %. %.\n",
      "| passed, vacuous | +0 | +3 | %.%.%.\n",
      "\nitem: id < 2: warned, 2 violations\n  about    few items\n  owner    ann\n  samples  %[{\"id\": 2, .-}%]\n"
        .. "  all rows SELECT ",
      ": proves nothing\n  because  column 'gone' is always null\n",
    } do
      assert.matches(line, out)
    end
  end)

  it("shows one run, one pipeline, what failed alone", function()
    local out = checks("2", "--failed")
    assert.matches("^checks of run 2 of 'shop' .*: 0 passed, 1 warned, 1 failed\n", out)
    assert.matches("\nitem%.id is between 0 and 2: failed, 1 violation\n", out)
    assert.falsy(out:find("not empty", 1, true))
    assert.equal(checks "3", checks("--pipeline", "shop"))
  end)

  it("gives the SQL of all rows as it can be run", function()
    local sql = checks("2", "--failed"):match ".*\n  all rows (.-)$"
    assert.equal("3|", here:ask((sql:gsub("\n +", "\n"))))
  end)

  it("gives JSON, its keys in one order, values exact", function()
    local keys = { "run_id", "name", "kind", "table_name", "column_names", "severity", "outcome", "violations",
      "rows_checked", "measured", "vacuous", "owner", "description", "tags", "samples", "query", "seconds", "history" }
    local count = 0
    for line in checks("2", "--json"):gmatch "[^\n]+" do
      local row, at = cjson.decode(line), 1
      for _, key in ipairs(keys) do
        at = assert(line:find(('"%s":'):format(key), at, true), key)
      end
      count = count + 1
      assert.equal(2, row.run_id)
      if row.name == "item: id < 2" then
        assert.same({ "warned", 2, "ann", 3, 2 }, { row.outcome, row.violations, row.owner, row.rows_checked,
          #row.samples })
      end
    end
    assert.equal(5, count)
  end)

  it("says what is wrong with its words", function()
    local function refused(message, ...)
      return here:refused(message, "checks", ...)
    end
    assert.equal(1, refused("no run 77 in this database: `pghost runs` lists them", "77"))
    assert.equal(1, refused("no run of pipeline 'bare' has checks: `pghost runs` lists the runs", "--pipeline", "bare"))
    assert.equal(2, refused("RUN cannot be combined with --pipeline (see pghost checks --help)",
      "1", "--pipeline", "shop"))
    assert.equal(2, refused("unknown option '--fialed': did you mean '--failed'? (see pghost checks --help)",
      "--fialed"))
  end)
end)
