-- pghost runs: what it tells of runs that went well, failed, were killed.

local cjson = require "cjson"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local here

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local check = require "pghost.check"
  local run <close> = pipeline.start(%q, { data = ".", schema = %q })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint():trim():required() }, { "name", r.text() } },
    { key = "id" }))
  %s
  run:publish()
]]

local function run_pipeline(name, schema, body)
  here:write("pipeline.lua", script:format(name or "shop", schema or "public", body or ""))
  return here:run "pipeline.lua"
end

local function runs(...)
  local out, err, code = here:pghost("runs", ...)
  assert.equal("", err)
  assert.equal(0, code)
  return out
end

local function json_lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    list[#list + 1] = cjson.decode(line)
  end
  return list
end

fixture.each(function(keep)
  here = keep(project.new { ["item.csv"] = "id,name\n1,a\n 2 ,b\nx,c\n1,d\n5,e,f\n" })
end)

describe("pghost runs", function()
  it("says so when there is none, and leaves the database alone", function()
    assert.equal("no runs yet: no pipeline has run in this database\n", runs())
    assert.equal("", runs "--json")
    assert.equal("", here:ask "SELECT to_regnamespace('pghost')")
    local _, err, code = here:pghost("runs", "1")
    assert.same({ "pghost: no run 1 in this database: `pghost runs` lists them\n", 1 }, { err, code })
  end)

  it("lists the newest first, with what was read, loaded and rejected", function()
    run_pipeline()
    run_pipeline("stall", "other")
    local out = runs()
    assert.truthy(out:find(" run | pipeline | schema | state     | started                 | duration | files | "
      .. "records | loaded | rejected\n", 1, true), out)
    assert.truthy(out:find("\n   2 | stall    | other  | published | 20[%d-]+ [%d:]+ UTC | +[%d.]+ s | +1 | +5 | +2 | "
      .. "+3\n   1 | shop "), out)
    assert.truthy(out:find("\n(2 rows)\n", 1, true), out)
    assert.falsy(runs("--pipeline", "shop"):find("stall", 1, true))
    assert.falsy(runs("--limit", "1"):find("shop", 1, true))
    local list = json_lines(runs "--json")
    assert.equal(2, #list)
    assert.same({ 2, "stall", "other", "published", 1, 5, 2, 2, 1, cjson.null }, { list[1].run_id, list[1].pipeline,
      list[1].schema, list[1].state, list[1].files, list[1].records, list[1].loaded, list[1].rejected,
      list[1].duplicates, list[1].error })
  end)

  it("tells all of one run", function()
    run_pipeline(nil, nil, 'run:check { check.holds("item", "id < 2", { severity = "warn" }) }')
    local out = runs "1"
    assert.truthy(out:find("^run 1 of 'shop' into schema 'public': published\n  started   20%d%d%-"), out)
    assert.truthy(out:find("\n  script    " .. here.folder .. "/pipeline.lua\n", 1, true), out)
    for _, line in ipairs {
      " load    | item   | done  | +[%d.]+ | +%d+ | +5 | +2 | +0 | +2 | +0 | +1\n",
      " item  | item.csv | loaded | +%d+ | +5 | +2 | +0 | +2 | +0 | +0 | +1 | %x+\n",
      " item  | id     | type   | open  |       1\n",
      " item  |        | fields | open  |       1\n",
      " item: id < 2 +| warn +| false  |          1 | +2 | %[{\"id\": 2",
      " item  | id     | trim +| +%d+ | ' 2 ' %-> '2'\n",
    } do
      assert.truthy(out:find(line), line .. out)
    end
    local run = json_lines(runs("1", "--json"))[1]
    assert.same({ 1, 3, 1, 3 }, { run.run_id, #run.steps, #run.files, #run.rejects })
    assert.same({ "load", "check", "publish" }, { run.steps[1].step, run.steps[2].step, run.steps[3].step })
    assert.same(5, run.files[1].records)
  end)

  it("shows the error of a failed run", function()
    run_pipeline(nil, nil, 'error("no \27[31mway")')
    local out = runs "1"
    assert.truthy(out:find("^run 1 of 'shop' into schema 'public': failed\n"), out)
    assert.truthy(out:find("\n  error     [^\n]*no \\x1b%[31mway"), out)
    local run = json_lines(runs("1", "--json"))[1]
    assert.truthy(run.error:find("no \\x1b[31mway", 1, true))
    assert.truthy(runs("1", "--json"):find('"checks":[{', 1, true))
    assert.truthy(runs("1", "--json"):find('"cleaning":[{', 1, true))
  end)

  it("tells of a run that was killed, before and after the next one found it", function()
    run_pipeline(nil, nil, 'os.execute("kill -9 " .. require("pghost.native.sys").pid()) os.execute("sleep 9")')
    for _ = 1, 100 do -- the server notices within moments
      if here:ask "SELECT count(*) FROM pg_stat_activity WHERE pid IN (SELECT backend_pid FROM pghost.runs)" == "0" then
        break
      end
      os.execute "sleep 0.05"
    end
    local out = runs()
    assert.truthy(out:find(" | gone ", 1, true), out)
    assert.truthy(out:find("run 1: running, but its server process is gone: the next run of the pipeline removes what "
      .. "it built\n", 1, true), out)
    run_pipeline()
    out = runs()
    assert.truthy(out:find("\n   1 | shop     | public | killed    |", 1, true), out)
    assert.truthy(out:find("\nrun 1: killed: run 2 found it dead and removed what it had built\n$"), out)
    assert.truthy(runs("1"):find("^run 1 of 'shop' into schema 'public': killed: run 2 found it dead and removed what "
      .. "it had built\n"))
    assert.equal(2, json_lines(runs("1", "--json"))[1].found_by)
  end)

  it("lets no name reach the terminal as it is", function()
    here:write("it\27[2Jem.csv", "id,name\n1,a\nx,b\n")
    here:write("pipeline.lua", (script:format("sh\27[31m\nop", "public", ""):gsub("item%.csv", "it*.csv")))
    os.remove(here.folder .. "/item.csv")
    here:run "pipeline.lua"
    for _, out in ipairs { runs(), runs "1" } do
      assert.falsy(out:find("\27", 1, true))
      assert.truthy(out:find("sh\\x1b[31m\\nop", 1, true), out)
    end
    assert.truthy(runs("1"):find("it\\x1b[2Jem.csv", 1, true))
  end)

  it("fits the terminal it is on", function()
    run_pipeline(("p"):rep(90))
    for _, columns in ipairs { 80, 200 } do
      local command = ("stty cols %d; %s --dsn %s runs; %s --dsn %s runs 1"):format(columns, pghost.path,
        pghost.quote(here.dsn), pghost.path, pghost.quote(here.dsn))
      local out = pghost.shell(("script -qec %s /dev/null"):format(pghost.quote(command)))
      assert.truthy(out:find("published", 1, true), out)
      for line in out:gmatch "[^\r\n]+" do
        if line:find(" | ", 1, true) then
          assert.is_true(utf8.len(line) <= columns, line)
        end
      end
    end
    assert.truthy(runs():find(("p"):rep(90), 1, true)) -- not a terminal: all of it
  end)

  it("refuses what it does not know", function()
    for _, case in ipairs {
      { "x", "number of a run expected, got 'x'" },
      { "--limit", "0", "--limit: whole number from 1 expected, got '0'" },
    } do
      local message = table.remove(case)
      local _, err, code = here:pghost("runs", table.unpack(case))
      assert.same({ ("pghost: %s (see pghost runs --help)\n"):format(message), 2 }, { err, code })
    end
    local out, _, code = here:pghost("runs", "--help")
    assert.equal(0, code)
    assert.truthy(out:find("Usage: pghost runs", 1, true))
  end)
end)
