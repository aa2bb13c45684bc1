-- pghost report for machines and chat, its options, the setting `report`, and the folder of pages.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local here

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local check = require "pghost.check"
  local run <close> = pipeline.start("shop", { data = ".", report = %q })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint():trim():required() }, { "name", r.text() } },
    { key = "id" }))
  %s
]]

local function run_pipeline(body, setting, ...)
  here:write("pipeline.lua", script:format(setting or "", body or "run:publish()"))
  return here:run("pipeline.lua", { ... })
end

local function report(...)
  local out, err, code = here:pghost("report", ...)
  assert.equal("", err)
  assert.equal(0, code)
  return out
end

local cases <const> = [[
import sys, xml.etree.ElementTree as tree
suites = tree.parse(sys.argv[1]).getroot()
print(suites.get("tests"), suites.get("failures"), suites.get("errors"), suites.get("skipped"))
for case in suites.iter("testcase"):
    print(case.get("name"), "|", *[(one.tag, one.get("message")) for one in case])
]]

fixture.each(function(keep)
  here = keep(project.new { ["item.csv"] = "id,name\n1,a\n 2 ,b\nx,c\n1,d\n5,e,f\n" })
end)

describe("pghost report", function()
  it("says what is wrong with its options", function()
    local function refused(message, ...)
      local out, err, code = here:pghost("report", ...)
      assert.same({ "", "pghost: " .. message .. "\n" }, { out, err })
      return code
    end
    assert.equal(1, refused("no runs yet: no pipeline has run in this database"))
    assert.equal(1, refused("no runs yet: no pipeline has run in this database", "--all", "-o", "site"))
    assert.equal("", here:ask "SELECT to_regnamespace('pghost')")
    run_pipeline()
    assert.equal(1, refused("no run 7 in this database: `pghost runs` lists them", "7"))
    assert.equal(1, refused("no run of pipeline 'x': `pghost runs` lists the runs", "--pipeline", "x"))
    assert.equal(2, refused("RUN cannot be combined with --pipeline (see pghost report --help)",
      "1", "--pipeline", "shop"))
    assert.equal(2, refused("--all needs a folder: --all -o site/", "--all"))
    assert.equal(2, refused("--all cannot be combined with RUN (see pghost report --help)", "1", "--all"))
    local _, err, code = here:pghost("report", "-o", "missing/report.html")
    assert.equal(1, code)
    assert.matches("^pghost: could not write the report 'missing/report.html': no such file or directory", err)
  end)

  it("writes Markdown in which data is no markup", function()
    here:write("item.csv", "id,name\n1,a\n[x](http://evil.example) | @all <b>,c\n")
    run_pipeline()
    local out = report "--markdown"
    assert.truthy(out:find("### ✅ shop, run 1\n\nPublished: 1 of 2 records are in 1 table; 1 \\(50 %\\) was left out",
      1, true), out)
    assert.truthy(out:find("| item | 1 | 2 | 1 | 1 | 0 | 0 |", 1, true), out)
    assert.falsy(out:find("[^\\][%[<]", 1), out)
    assert.falsy(out:find("@all", 1, true))
    assert.falsy(out:find("://", 1, true))
  end)

  it("writes JUnit XML: warnings are skipped cases, the rest fails", function()
    run_pipeline [==[run:check {
      check.holds("item", "id <> 1 OR '<]]>' = ''", { name = "a <&\"' \27 b", severity = "warn" }),
      check.holds("item", "id > 0"),
      check.holds("item", "id < 2", { name = "too many" }),
    }]==]
    report("--junit", "junit.xml")
    local lines = {}
    for line in here:python(cases, "junit.xml"):gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.equal("7 1 1 1", lines[1])
    assert.same({ [=[a <&"' \x1b b | ('skipped', '1 violation')]=], "item: id > 0 |",
      "too many | ('failure', '1 violation')" }, { lines[6], lines[7], lines[8] })
    assert.matches("^load item |", lines[2])
    assert.matches("^check public | %('error', '1 check failed", lines[3])
    assert.equal("", here:ask "SELECT to_regclass('item')")
  end)

  it("writes metrics, each series once", function()
    run_pipeline [[
      run:check { { name = 'quote " \\ end', severity = "warn", sql = "SELECT 1" },
        { name = 'quote " \\ end', severity = "warn", sql = "SELECT 2" } }
      run:publish()]]
    report("--metrics", "pghost.prom")
    local text = here:read "pghost.prom"
    for _, line in ipairs {
      'pghost_run_published{pipeline="shop",schema="public"} 1',
      'pghost_records{pipeline="shop",schema="public",table="item",outcome="loaded"} 2',
      'pghost_records{pipeline="shop",schema="public",table="item",outcome="rejected"} 2',
      'pghost_records{pipeline="shop",schema="public",table="item",outcome="duplicates"} 1',
      'pghost_check_violations{pipeline="shop",schema="public",check="quote \\" \\\\ end",severity="warn"} 2',
    } do
      assert.truthy(text:find("\n" .. line .. "\n", 1, true), text)
    end
    local seen = {}
    for line in text:gmatch "[^\n]+" do
      assert.truthy(line:find "^# HELP pghost_[%l_]+ .+" or line:find "^# TYPE pghost_[%l_]+ gauge$"
        or line:find '^pghost_[%l_]+{[^\n]*} [%d.]+$', line)
      local series = line:match "^[^#].*}"
      assert.falsy(series and seen[series])
      seen[series or ""] = true
    end
    assert.equal("", (pghost.shell("ls " .. here.folder .. "/*.tmp 2>/dev/null")))
  end)

  it("writes a folder of pages whose links lead somewhere", function()
    here:pghost("-e", "require('lfs').mkdir('sql')")
    here:write("sql/A b's.sql", "-- How many?\nSELECT count(*) AS n FROM item")
    run_pipeline 'run:check { check.not_null("item.id") } run:analyse "sql" run:publish()'
    run_pipeline "error 'no'"
    assert.equal("5 pages in site/\n", report("--all", "-o", "site/"))
    local table_page = here:read "site/table-public.item.html"
    assert.truthy(table_page:find("id +bigint +trim +required"))
    for _, text in ipairs { "public.item", "item.id is never null", "item.csv: 5 records",
      'href="table-public.A-20b-27s.html"' } do
      assert.truthy(table_page:find(text, 1, true), text)
    end
    for name in (pghost.shell("ls " .. here.folder .. "/site")):gmatch "[^\n]+" do
      for link in here:read("site/" .. name):gmatch 'href="([^#"]+)"' do
        assert.truthy(here:read("site/" .. link))
      end
    end
  end)

  it("does not touch a table that somebody put in the place of a published one", function()
    run_pipeline()
    here.conn:exec [[
      DROP TABLE item;
      DELETE FROM pghost.profiles; -- which it would show
      CREATE FUNCTION public.ran() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''ran''; END';
      CREATE VIEW item AS SELECT public.ran() AS id, 'x'::text AS name]]
    report("-o", "report.html")
    assert.truthy(here:read("report.html"):find("no table of this name that pghost has published", 1, true))
  end)

  it("is written at the end of a run by the setting, whose failure changes nothing", function()
    local err, code = run_pipeline(nil, "report.html")
    assert.equal(0, code)
    assert.matches("\nreport +shop +run 1 in [^\n]*report.html\n", err)
    assert.truthy(here:read("report.html"):find("Published: 2 of 5", 1, true))
    err, code = run_pipeline("error('no', 0)", "report.html")
    assert.equal(1, code)
    assert.truthy(here:read("report.html"):find("Failed, nothing was published: no", 1, true), err)
    err, code = run_pipeline(nil, "missing/report.html")
    assert.equal(0, code)
    assert.matches("\nreport +shop +warn: not written: could not write the report '[^\n]*missing/report.html", err)
    assert.equal("2", here:ask "SELECT count(*) FROM item")
    assert.equal("published", here:ask "SELECT state FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
  end)

  it("shows profiles and answers of the last published run only", function()
    run_pipeline()
    run_pipeline()
    report("1", "-o", "old.html")
    assert.truthy(here:read("old.html"):find("A later run has published since", 1, true))
    report("2", "-o", "new.html")
    assert.truthy(here:read("new.html"):find("Of the 3 records that passed the rules in this load.", 1, true))
    here.conn:exec "DELETE FROM pghost.profiles"
    report("2", "-o", "new.html")
    assert.truthy(here:read("new.html"):find("From all 2 rows.", 1, true))
  end)
end)
