-- pghost test --coverage: what never fired, held against a count by hand.

local lfs = require "lfs"
local fixture = require "support.fixture"
local projects = require "support.project"

local rules = [[
local r = require "pghost.rules"
return r.table("item", {
  { "id", r.bigint():trim() },
  { "kind", r.text():trim():lower():trim():one_of("a", "b", "test") },
  { "n", r.integer():null_if("-"):range(0, 10):on_fail("null") },
  { "cap", r.integer() },
  { "day", r.date() },
  { "stop", r.date() },
  { "m", r.text():matches("^x"):matches("y$") },
}, {
  key = "id",
  row = {
    r.compare("day", "<=", "stop"),
    r.compare("n", "<", "cap"),
    r.filter("kind", "=", "test"),
    r.set("m", "m", function(m) return m == "xsety" and "xy" or m end),
    r.check("id", function(id) return id ~= 13, "unlucky" end),
    r.check({ "id", "n" }, function(id, n) return id ~= n end),
  },
})
]]

local pipeline = [[
local pipeline = require "pghost.pipeline"
local check = require "pghost.check"
local run <close> = pipeline.start("items", { data = ".", schema = "shop" })
run:load("things", "item.csv", require "rules.item")
run:check { check.holds("things", "id < 100", { severity = "warn" }), check.not_null("things.id") }
run:publish()
]]

-- Each item by hand: id trim, bigint, required; kind trim, lower, trim 2, one_of; n null_if, integer, range; cap
-- integer; day, stop date; m matches (two that are one); six row rules; the key; two checks of tables.
local all = 3 + 4 + 3 + 1 + 2 + 1 + 6 + 1 + 2

local project

fixture.each(function(keep)
  project = keep(projects.new { ["pipeline.lua"] = pipeline })
  lfs.mkdir(project.folder .. "/rules")
  lfs.mkdir(project.folder .. "/spec")
  project:write("rules/item.lua", rules)
end)

-- The rows of the report, and its last line.
local function coverage(...)
  local out, err, code = project:pghost("test", "--coverage", ...)
  assert.same({ "", 0 }, { err, code }, out)
  local rows = {}
  for table_name, column, kind, rule in out:gmatch "\n ([%w ]-) +| ([%w, ]-) +| (%l[%l ]-) +| ([^\n]*)" do
    if kind ~= "kind" then
      rows[#rows + 1] = table.concat({ table_name, column, kind, rule }, " | ")
    end
  end
  return rows, out:match "([^\n]*)\n$"
end

local header = "id,kind,n,cap,day,stop,m\n"

describe("coverage", function()
  it("of the project's files is that of a count by hand", function()
    project:write("item.csv", header
      .. ' 1,A,-,5,2024-01-01,2024-01-02,xy\n'      -- id trim, lower, null_if
      .. '2,a,11,5,2024-01-01,2024-01-02,xy\n'      -- range
      .. '3,a,1,5,2024-01-03,2024-01-02,xy\n'       -- day <= stop
      .. '4,test,1,5,2024-01-03,2024-01-03,xy\n'    -- filter
      .. '5,a,1,x,2024-01-03,2024-01-03,xy\n'       -- cap integer
      .. '6,a,1,5,2024-01-03,2024-01-03,xset\n'     -- matches (the second)
      .. '7,a,1,5,2024-01-03,2024-01-03,xsety\n'    -- set
      .. '13,a,1,5,2024-01-03,2024-01-03,xy\n'      -- check(id)
      .. '1,a,2,5,2024-01-03,2024-01-03,xy\n'       -- key
      .. '100,a,1,500,2024-01-03,2024-01-03,xy\n')  -- the table check
    local rows, last = coverage("--over", "files")
    assert.same({ "item | id | type | bigint", "item | id | check | required", "item | kind | operation | trim",
      "item | kind | operation | trim", "item | kind | check | one_of('a', 'b', 'test')", "item | n | type | integer",
      "item | day | type | date", "item | stop | type | date", "item |  | row | n < cap",
      "item |  | row | check(id, n) at rules/item.lua:18", " |  | table check | things.id is never null" },
      (function()
        for i, row in ipairs(rows) do
          rows[i] = row:gsub("%S*/rules/item.lua", "rules/item.lua")
        end
        return rows
      end)())
    assert.equal(("coverage over the project's files: %d of %d rules, operations and checks fired"):format(all - 11,
      all), last)
    assert.equal("0", project:ask "select count(*) from pg_namespace where nspname in ('shop', 'pghost')")
  end)

  it("of a recorded run is that of what it refused and changed", function()
    project:write("item.csv", header .. "1,a,7,5,2024-01-01,2024-01-02,xy\n")
    project:run "pipeline.lua"
    local rows, last = coverage("--over", "1")
    assert.equal(("coverage over run 1: 1 of %d rules, operations and checks fired"):format(all), last)
    assert.equal(all - 1, #rows)
    assert.is_nil(table.concat(rows, "\n"):find("n < cap", 1, true))
    local _, err, code = project:pghost("test", "--coverage", "--over", "2")
    assert.same({ "pghost: no run 2 in this database: `pghost runs` lists them\n", 1 }, { err, code })
    project:write("pipeline.lua", (pipeline:gsub('"items"', '"others"')))
    _, err, code = project:pghost("test", "--coverage", "--over", "1")
    assert.same({ "pghost: run 1 is of pipeline 'items', but this script starts 'others'\n", 1 }, { err, code })
  end)

  it("of the specs counts records that are tried, and pipelines that are run", function()
    project:write("spec/a_spec.lua", [[
      local test = require "pghost.test"
      it("tries", function()
        local rules = require "rules.item"
        test.passes(rules, { id = " 2", kind = "a " })
        test.refuses(rules, { id = "3", day = "2024-01-02", stop = "2024-01-01" })
        test.refuses(rules, { id = "9", n = "9" }, { rule = "check" })
      end)]])
    project:write("spec/b_spec.lua", [[
      local test = require "pghost.test"
      it("runs", function()
        test.pipeline { ["item.csv"] = "]] .. header:gsub("\n", "\\n") .. [[x,a,1,5,,,\n300,a,1,5,,,\n" }
      end)]])
    local rows, last = coverage()
    -- id trim, id bigint, kind trim, day <= stop, check(id, n), id < 100
    assert.equal(("coverage over the specs: %d of %d rules, operations and checks fired"):format(6, all), last)
    assert.equal(all - 6, #rows)
  end)

  it("is of a project that can be followed", function()
    local _, err, code = project:pghost("test", "--coverage", "--over", "soon")
    assert.same({ "pghost: --over: 'files' or the number of a run expected, got 'soon' (see pghost test --help)\n", 2 },
      { err, code })
    project:write("pipeline.lua", (pipeline:gsub("run:check", "run:query 'select 1'\nrun:check")))
    _, err, code = project:pghost("test", "--coverage", "--over", "files")
    assert.equal(1, code)
    assert.matches("pipeline.lua:5: the script queries the database here", err, 1, true)
  end)
end)
