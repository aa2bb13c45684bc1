-- Profiles of raw tables: against what the server says of the very tables.

local fixture = require "support.fixture"
local projects = require "support.project"

local pipeline = [[
local r = require "pghost.rules"
local run <close> = require("pghost.pipeline").start("items", { data = ".", workers = %d })
local rules = r.table("item", { { "id", r.bigint() }, { "name", r.text() } })
%s
run:publish()
]]

local project

fixture.each(function(keep)
  project = keep(projects.new {})
end)

-- Few and many different values, NULL and '', letters of several bytes, a file without a column, a record that is
-- unreadable and one that the rules reject.
local function write_files()
  local one, two = { "id,name,extra,more" }, { "id,name,extra" }
  for i = 1, 700 do
    one[#one + 1] = ("%s,%s,%s,%d"):format(i == 3 and "x" or i, ({ "a", "", '""', "größe" })[i % 4 + 1],
      ("e"):rep(i % 40 + 1) .. i, i % 3)
    two[#two + 1] = ("%d,b,%s"):format(i, i % 2 == 0 and "" or "z" .. i)
  end
  project:write("item1.csv", table.concat(one, "\n") .. '\n9,a"b,c,d\n')
  project:write("item2.csv", table.concat(two, "\n") .. "\n")
end

local function run(workers, steps)
  project:write("pipeline.lua", pipeline:format(workers, steps))
  local err, code = project:run "pipeline.lua"
  assert.equal(0, code, err)
end

-- Of a column: what the profile says and what the server does.
local function assert_like_server(column)
  local found = project:ask(([[SELECT records, nulls, distinct_values, least, greatest, details->'length'->>'min',
    details->'length'->>'max' FROM pghost.profiles WHERE table_name = 'item_raw' AND column_name = '%s'
    AND run_id = (SELECT max(run_id) FROM pghost.runs)]]):format(column))
  assert.equal(project:ask(([[SELECT count(*), count(*) - count(%s), count(DISTINCT %s), min(%s COLLATE "C"),
    max(%s COLLATE "C"), min(length(%s)), max(length(%s)) FROM item_raw]]):gsub("%%s", column)), found)
end

local function profiled()
  return project:ask [[SELECT table_name, string_agg(column_name, ',' ORDER BY place) FROM pghost.profiles
    WHERE run_id = (SELECT max(run_id) FROM pghost.runs) GROUP BY 1 ORDER BY 1]]
end

describe("the profile of a raw table", function()
  it("that is staged alone has each column as the server counts it", function()
    write_files()
    for workers = 1, 2 do
      run(workers, 'run:stage("item", "item*.csv", nil)')
      assert.equal("item_raw|id,name,extra,more", profiled())
      for _, column in ipairs { "id", "name", "extra", "more" } do
        assert_like_server(column)
      end
    end
  end)

  it("beside a clean table has the columns that no rule takes", function()
    write_files()
    run(2, 'run:load("item", "item*.csv", rules)')
    assert.equal("item|id,name\nitem_raw|extra,more", profiled())
    assert_like_server "extra"
    assert_like_server "more"
  end)

  it("is made by no clean from it, and can be turned off", function()
    write_files()
    run(1, 'run:stage("item", "item*.csv", rules); run:clean("item", rules)')
    assert.equal("item|id,name\nitem_raw|id,name,extra,more", profiled())
    run(1, 'run.settings.profile = false; run:stage("item", "item*.csv", nil)')
    assert.equal("", profiled())
  end)

  it("is that of the file in OpenLineage events", function()
    project:write("item.csv", "id,name,extra\n1,a,\n2,b,x\n")
    run(1, 'run.settings.openlineage = "ev.jsonl"; run:load("item", "item.csv", rules)')
    assert.matches('"columnMetrics":{"extra":{[^}]*"nullCount":1', project:read "ev.jsonl")
  end)
end)
