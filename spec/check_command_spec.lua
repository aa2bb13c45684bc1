-- pghost check: the checks of a project, over what is published.

local cjson = require "cjson"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local pipeline = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("items", { data = ".", schema = "shop", parameters = { most = 50 } })
run:load("item", "item.csv", r.table("item", { { "id", r.bigint() } }, { key = "id" }))
run:check(dofile "checks.lua")
run:publish()
run:check { { name = "few", sql = "SELECT id FROM item WHERE id > :most", severity = "warn" } }
]]

local checks = [[
local check = require "pghost.check"
return { check.not_empty("item"), check.holds("item", "id < 100") }
]]

local project

fixture.each(function(keep)
  project = keep(projects.new { ["pipeline.lua"] = pipeline, ["item.csv"] = "id\n1\n60\n", ["checks.lua"] = checks })
end)

describe("pghost check", function()
  it("runs all checks of the script over the published tables, and records nothing", function()
    project:run "pipeline.lua"
    project.conn:exec "INSERT INTO shop.item VALUES (100), (200)" -- after the run
    local before = project:ask "select count(*), (select count(*) from pghost.runs) from pghost.checks"
    local out, err, code = project:pghost("check")
    assert.same({ "", 4 }, { err, code })
    local rows = {}
    for name, severity, result, violations in out:gmatch "\n (%C-) *| (%w+) *| (%w+) *| *(%d+) | *%d" do
      rows[#rows + 1] = { name, severity, result, violations }
    end
    assert.same({ { "item is not empty", "error", "ok", "0" }, { "item: id < 100", "error", "failed", "2" },
      { "few", "warn", "warn", "3" } }, rows)
    assert.matches('\nitem: id < 100: 2 violations: {"id": 100}, {"id": 200}\n', out, 1, true)
    assert.matches("\n3 checks of schema 'shop': 1 ok, 1 warned, 1 failed, 0 could not be run\n$", out)
    assert.equal(before, project:ask "select count(*), (select count(*) from pghost.runs) from pghost.checks")
  end)

  it("takes settings for the script, and gives JSON", function()
    project:run "pipeline.lua"
    local out, err, code = project:pghost("check", "pipeline.lua", "--json", "--", "--most", "70")
    assert.same({ "", 0 }, { err, code })
    local results = {}
    for line in out:gmatch "[^\n]+" do
      local one = cjson.decode(line)
      results[#results + 1] = ("%s %d"):format(one.result, one.violations)
    end
    assert.same({ "ok 0", "ok 0", "ok 0" }, results)
  end)

  it("runs the others where one cannot be run", function()
    project:run "pipeline.lua"
    project:write("checks.lua", (checks:gsub("return {", 'return { check.not_null("itme.id"),')))
    local out, _, code = project:pghost("check")
    assert.equal(1, code)
    assert.matches("no table 'itme': did you mean 'item'?", out, 1, true)
    assert.matches("\n4 checks of schema 'shop': 2 ok, 1 warned, 0 failed, 1 could not be run\n$", out)
  end)

  it("needs no more than the right to read", function()
    project:run "pipeline.lua"
    project.conn:exec [[
      DO 'BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END';
      GRANT USAGE ON SCHEMA shop TO reader; GRANT SELECT ON shop.item TO reader]]
    local _, err, code = pghost.run({ "--dsn", (project.dsn:gsub("user=postgres", "user=reader")), "check" },
      { cd = project.folder })
    assert.same({ "", 0 }, { err, code })
    project.conn:exec "DROP OWNED BY reader"
  end)

  it("says what is wrong with the script", function()
    local function message()
      local _, err, code = project:pghost("check")
      assert.equal(1, code)
      return err
    end
    project:write("pipeline.lua", (pipeline:gsub("run:check.-\n", "")))
    assert.equal("pghost: the script has no checks (run:check)\n", message())
    project:write("pipeline.lua", (pipeline:gsub("run:check", "run:query 'select 1'\nrun:check", 1)))
    assert.matches("pipeline.lua:5: the script queries the database here (run.query), so what follows is not known",
      message(), 1, true)
    project:write("pipeline.lua", "error 'no'")
    assert.matches("no\n", message())
    local _, err, code = pghost.run({ "check" }, { cd = "/" })
    assert.same({ "pghost: no project here: start this in a folder with pipeline.lua (or below one), or name the "
      .. "script\n", 2 }, { err, code })
    assert.matches("Example: pghost check", (project:pghost("check", "--help")), 1, true)
  end)
end)
