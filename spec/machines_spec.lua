-- What machines read of a run: the JSON log by the list of docs/MACHINES.md, metrics and OpenLineage events by Python.

local cjson = require "cjson"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local script = [[
  local r = require "pghost.rules"
  local check = require "pghost.check"
  local run <close> = require("pghost.pipeline").start("shop", { data = ".", retries = 0, keep_history = "90d",
    parameters = { most = 100, fail = false } })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint():trim() }, { "na\"me", r.text() } }, { key = "id" }))
  run:check { check.range("item.id", 0, run.settings.parameters.most),
    check.not_null('item.na"me', { severity = "warn" }) }
  run:analyse("sql")
  if run.settings.parameters.fail then
    error("no \"way\"")
  end
  run:publish()
]]

local here

local function run(...)
  local _, err, code = here:pghost("--log-format", "json", "pipeline.lua", ...)
  return err, code
end

fixture.each(function(keep)
  here = keep(projects.new { ["item.csv"] = "id,\"na\"\"me\"\n 1,a\nx,b\n1,c\n2,\n", ["pipeline.lua"] = script })
  os.execute("mkdir " .. here.folder .. "/sql")
  here:write("sql/answer.sql", 'SELECT "na""me" AS word, count(*) AS n FROM item WHERE id > 0 GROUP BY 1')
end)

describe("the log as JSON", function()
  local function documented()
    local keys = {}
    for events, list in pghost.read(pghost.root .. "/docs/MACHINES.md"):gmatch "\n| (`[%l`, ]+) | ([%l_`, ]+) |" do
      for event in events:gmatch "`(%l+)`" do
        keys[event] = list
      end
    end
    return keys
  end

  it("has the keys of docs/MACHINES.md, in one order", function()
    local keys, seen = documented(), {}
    for _, arguments in ipairs { {}, { "--most", "1" } } do
      for line in (run(table.unpack(arguments))):gmatch "[^\n]+" do
        local order = {}
        for key in line:gsub('\\"', ""):gmatch '[{,]"([%l_]+)":' do
          order[#order + 1] = key
        end
        local row = cjson.decode(line)
        assert.same({ "time", "level", "event", "name", "message" }, table.move(order, 1, 5, 1, {}), line)
        for i = 6, #order do
          assert.is_true(i == 6 or order[i - 1] < order[i], line)
          assert.truthy(keys[row.event] and keys[row.event]:find("`" .. order[i] .. "`", 1, true),
            ("%s: %s is not documented"):format(row.event, order[i]))
        end
        seen[row.event] = true
      end
    end
    for _, event in ipairs { "start", "load", "reject", "key", "check", "answer", "publish", "done" } do
      assert.is_true(seen[event], event)
    end
  end)

  it("ends with done, also where the run fails", function()
    local err = run("--most", "1")
    local last = cjson.decode(err:match "([^\n]*\"event\":\"done\"[^\n]*)\n")
    assert.same({ "failed", "check" }, { last.state, last.code })
  end)
end)

describe("the setting metrics", function()
  -- https://prometheus.io/docs/instrumenting/exposition_formats/
  local parser <const> = [[
import re, sys
types, seen = {}, set()
for line in open(sys.argv[1]).read().split("\n")[:-1]:
    if line.startswith("# TYPE "):
        _, _, name, kind = line.split(" ")
        assert kind == "gauge" and name not in types, line
        types[name] = kind
    elif not line.startswith("# HELP "):
        label = r'[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"'
        found = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:%s,?)*)\} (\S+)' % label, line)
        assert found, line
        assert found[1] in types and (found[1], found[2]) not in seen, line
        seen.add((found[1], found[2]))
        float(found[3])
        if found[1] in ("pghost_records", "pghost_run_published", "pghost_check_violations"):
            print(found[1][7:], *re.findall(r'(?:outcome|check)="((?:[^"\\]|\\.)*)"', found[2]), found[3])
]]

  it("writes what a parser of the format takes, when a run publishes and when it fails", function()
    assert.equal(0, (select(2, run("--metrics", "m.prom"))))
    local out = here:python(parser, "m.prom")
    for _, line in ipairs { "run_published 1", "records loaded 2", "records rejected 1", "records duplicates 1",
      "check_violations item.na\\\"me is never null 1" } do
      assert.truthy(("\n" .. out):find("\n" .. line .. "\n", 1, true), line .. "\n" .. out)
    end
    run("--metrics", "m.prom", "--most", "1")
    assert.matches("run_published 0\n", here:python(parser, "m.prom"), 1, true)
    assert.equal("", (pghost.shell("ls " .. here.folder .. " | grep tmp")))
  end)

  it("never changes how the run ends", function()
    local err, code = run("--metrics", "missing/m.prom")
    assert.equal(0, code)
    assert.matches('"level":"warn","event":"metrics","name":"shop","message":"not written: ', err, 1, true)
  end)
end)

describe("the setting openlineage", function()
  local check <const> = [[
import datetime, json, re, sys, uuid
def facets(thing, *names):
    for name in names:
        for key, facet in thing.get(name, {}).items():
            assert re.fullmatch(r"[\w-]+:\S+", facet["_producer"]), key
            url = r"https://openlineage\.io/spec/facets/\d+-\d+-\d+/\w+Facet\.json"
            assert re.fullmatch(url, facet["_schemaURL"]), key
for line in open(sys.argv[1]).read().split("\n")[:-1]:
    e = json.loads(line)
    assert set(e) <= {"eventType", "eventTime", "producer", "schemaURL", "job", "run", "inputs", "outputs"}
    assert e["eventType"] in ("START", "COMPLETE", "FAIL", "ABORT")
    datetime.datetime.strptime(e["eventTime"], "%Y-%m-%dT%H:%M:%S.%fZ")
    uuid.UUID(e["run"]["runId"])
    assert e["schemaURL"] == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
    facets(e["run"], "facets"), facets(e["job"], "facets")
    for d in e.get("inputs", []) + e.get("outputs", []):
        assert d["namespace"] and d["name"]
        facets(d, "facets", "inputFacets", "outputFacets")
    print(e["eventType"], e["job"]["namespace"], e["job"]["name"])
]]

  local function events()
    local list = {}
    for line in here:read("ev.jsonl"):gmatch "[^\n]+" do
      list[#list + 1] = cjson.decode(line)
    end
    return list
  end

  local function named(name)
    for _, one in ipairs(events()) do
      if one.job.name == name and one.eventType ~= "START" then
        return one
      end
    end
  end

  it("appends events that are what the specification says", function()
    assert.equal(0, (select(2, run("--openlineage", "ev.jsonl"))))
    assert.equal("START pghost shop\nCOMPLETE pghost shop.item\nCOMPLETE pghost shop.answer\n"
      .. "COMPLETE pghost shop:checks\nCOMPLETE pghost shop\n", here:python(check, "ev.jsonl"))
    local list = events()
    assert.equal(list[1].run.runId, list[5].run.runId)
    assert.equal(list[1].run.runId, list[2].run.facets.parent.run.runId)
    run("--openlineage", "ev.jsonl", "--most", "1")
    assert.matches("START pghost shop\nCOMPLETE pghost shop:checks\nFAIL pghost shop\n$",
      here:python(check, "ev.jsonl"))
    run("--openlineage", "ev.jsonl", "--dry-run")
    assert.matches("\nCOMPLETE pghost shop\n$", here:python(check, "ev.jsonl"))
  end)

  it("has schemas, counts, lineage, assertions and sources", function()
    run("--openlineage", "ev.jsonl")
    local database = here.dsn:match "dbname=(%S+)"
    local item, answer = named "shop.item", named "shop.answer"
    assert.same({ 4, here.folder .. "/item.csv" }, { item.inputs[1].inputFacets.dataQualityMetrics.rowCount,
      item.inputs[1].name })
    assert.equal(database .. ".public.item", item.outputs[2].name)
    assert.equal(2, item.outputs[2].outputFacets.outputStatistics.rowCount)
    assert.same({ { name = "id", type = "bigint" }, { name = 'na"me', type = "text" } },
      item.outputs[2].facets.schema.fields)
    assert.matches("id +bigint", item.job.facets.sourceCode.sourceCode)
    local lineage = answer.outputs[1].facets.columnLineage
    local from = lineage.fields.word.inputFields[1]
    assert.same({ database .. ".public.item", 'na"me', { { type = "DIRECT", subtype = "IDENTITY" } } },
      { from.name, from.field, from.transformations })
    local filter = {}
    for _, one in ipairs(lineage.dataset) do
      filter[#filter + 1] = one.field .. " " .. one.transformations[1].subtype
    end
    table.sort(filter)
    assert.same({ "id FILTER", 'na"me GROUP_BY' }, filter)
    assert.matches("^SELECT", answer.job.facets.sql.query)
    local found = {}
    for _, one in ipairs(named("shop:checks").inputs[1].inputFacets.dataQualityAssertions.assertions) do
      found[one.assertion] = one.success
    end
    assert.is_false(found['item.na"me is never null'])
    assert.is_true(found["item.id is between 0 and 100"])
  end)

  it("has the profile of what was loaded, as the server counts it", function()
    run("--openlineage", "ev.jsonl")
    local out, checked = named("shop.item").outputs[2].facets.dataQualityMetrics,
      named("shop:checks").inputs[1].facets.dataQualityMetrics
    assert.matches("1-0-0/DataQualityMetricsDatasetFacet.json", out._schemaURL, 1, true)
    assert.same(out, checked)
    assert.equal(3, out.rowCount) -- the key has removed one of them since
    assert.same({ nullCount = 0, count = 3, distinctCount = 2, min = 1, max = 2, sum = 4, quantiles = { ["0.01"] = 1,
      ["0.05"] = 1, ["0.25"] = 1, ["0.5"] = 1, ["0.75"] = 2, ["0.95"] = 2, ["0.99"] = 2 } }, out.columnMetrics.id)
    assert.same({ nullCount = 1, count = 2, distinctCount = 2 }, out.columnMetrics['na"me'])
  end)

  it("says why a run failed", function()
    run("--openlineage", "ev.jsonl", "--fail", "true")
    local last = events()[#events()]
    assert.equal("FAIL", last.eventType)
    assert.matches('no "way"', last.run.facets.errorMessage.message, 1, true)
  end)

  it("gives them to a command, whose failure changes nothing", function()
    assert.equal(0, (select(2, run("--openlineage", "|cat >> ev.jsonl"))))
    assert.matches("\nCOMPLETE pghost shop\n$", here:python(check, "ev.jsonl"))
    for target, message in pairs {
      ["|exit 3"] = "the events were not written to '|exit 3': the command ended with exit 3",
      ["missing/ev.jsonl"] = "the events were not written to 'missing/ev.jsonl': missing/ev.jsonl: No such file",
    } do
      local err, code = run("--openlineage", target)
      assert.equal(0, code)
      assert.matches('"level":"warn","event":"lineage","name":"shop","message":"' .. message, err, 1, true)
    end
    assert.equal("2", here:ask "SELECT count(*) FROM item")
  end)
end)
