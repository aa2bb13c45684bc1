-- Profiles of runs that several processes load, one after the other or at the same time: those of a run that one
-- process has loaded.

local fixture = require "support.fixture"
local project = require "support.project"
local pghost = require "support.pghost"

local stored <const> = [[
  SELECT table_name, column_name, place, type, records, left_out, nulls, distinct_values, distinct_exact, least,
    greatest, mean, stddev, exact, details
  FROM pghost.profiles WHERE run_id = (SELECT max(run_id) FROM pghost.runs WHERE target_schema = '%s'
    AND state = 'published') ORDER BY table_name, place]]

-- Kills itself where the record of that name comes, or after the loads.
local pipeline <const> = [[
local r = require "pghost.rules"
local function die(at)
  if at == os.getenv "KILL" then
    os.execute("kill -9 $PPID; sleep 5")
  end
  return true
end
local run <close> = require("pghost.pipeline").start("parts", { schema = arg[1], data = ".", workers = %d,
  checkpoint = 1, %s }, { arguments = {} })
run:load("item", "item*.csv", r.table("item", {
  { "id", r.bigint():required() }, { "name", r.text():trim() }, { "price", r.numeric() }, { "size", r.double() },
}, { key = "id", row = { r.check("name", die) } }))
run:stage("plain", "plain*.csv", nil)
die "publish"
run:publish()
]]

describe("the profile of a run that goes on after a kill", function()
  local one

  local function script(workers, settings)
    one:write("pipeline.lua", pipeline:format(workers or 1, settings or "resume = true"))
  end

  local function run(schema, kill)
    local _, log, code = pghost.run({ "--dsn", one.dsn, "pipeline.lua", schema },
      { cd = one.folder, env = "KILL=" .. (kill or "nothing") })
    return code, log
  end

  local function profiles(schema)
    return one:ask(stored:format(schema))
  end

  -- 2,000 different names, prices and sizes over five files; the same file names each time, so one sample.
  fixture.each(function(keep)
    one = keep(project.new())
    for i = 1, 5 do
      local lines, plain = { "id,name,price,size,more" }, { "a,b" }
      for j = 1, 400 do
        local n = i * 1000 + j
        lines[#lines + 1] = ("%s,%s,%d.%02d,%g,%s"):format(j == 7 and "x" or n, j == 1 and "file" .. i or "größe " .. n,
          n, j % 100, n / 8, j % 3)
        plain[#plain + 1] = ("%d,%s"):format(j, j % 2 == 0 and "" or "b" .. n)
      end
      one:write(("item%d.csv"):format(i), table.concat(lines, "\n") .. "\n")
      one:write(("plain%d.csv"):format(i), table.concat(plain, "\n") .. "\n")
    end
    script(1, "resume = false")
    assert.equal(0, (run "whole"))
    assert.matches("item|id|1|bigint|1995|", profiles "whole", 1, true)
    assert.matches("item_raw|more|", profiles "whole", 1, true)
  end)

  local function no_parts()
    assert.equal("0", one:ask "SELECT count(*) FROM pghost.profile_parts")
  end

  for workers = 1, 2 do
    it(("is that of one that nobody killed, with %d workers"):format(workers), function()
      script(workers)
      assert.equal(137, (run("parts", "file3")))
      assert.equal("2", one:ask "SELECT count(*) FROM pghost.profile_parts WHERE table_name = 'item'")
      assert.equal(137, (run("parts", "file4")))
      assert.equal(137, (run("parts", "publish")))
      local code, log = run "parts"
      assert.equal(0, code, log)
      assert.matches("5 of 5 files loaded already", log)
      assert.equal(profiles "whole", profiles "parts")
      no_parts()
    end)
  end

  it("is that of one process, when the kill comes between the last commit and the profile", function()
    script()
    assert.equal(137, (run("parts", "file5")))
    one:ask [[CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '57P01'; END $$]]
    one:ask "CREATE TRIGGER die BEFORE INSERT ON pghost.profiles FOR EACH ROW EXECUTE FUNCTION public.die()"
    assert.not_equal(0, (run "parts"))
    one:ask "DROP TRIGGER die ON pghost.profiles"
    local code, log = run "parts"
    assert.equal(0, code, log)
    assert.equal(profiles "whole", profiles "parts")
  end)

  it("is missing where a part left none, and is never of a part", function()
    script()
    assert.equal(137, (run("parts", "file4")))
    one:ask "DELETE FROM pghost.profile_parts WHERE first_file = (SELECT min(first_file) FROM pghost.profile_parts)"
    local code, log = run "parts"
    assert.equal(0, code, log)
    assert.matches("3 of 5 files loaded already", log)
    local plain = one:ask(stored:format "whole"):match "plain_raw.*"
    assert.equal(plain, profiles "parts")
    no_parts()
  end)

  it("is missing where a part cannot be read", function()
    script()
    assert.equal(137, (run("parts", "file4")))
    one:ask [[UPDATE pghost.profile_parts SET state = overlay(state placing '\x63' from 8 for 1)
      WHERE first_file = (SELECT max(first_file) FROM pghost.profile_parts)]]
    assert.equal(0, (run "parts"))
    assert.not_matches("item", profiles "parts")
  end)

  it("is of the new files where a table is built anew", function()
    script()
    assert.equal(137, (run("parts", "file4")))
    one:write("item2.csv", "id,name,price,size,more\n1,new,1,1,1\n")
    assert.equal(0, (run "parts"))
    script(1, "resume = false")
    assert.equal(0, (run "whole"))
    assert.equal(profiles "whole", profiles "parts")
    no_parts()
  end)

  it("leaves nothing of a run that is not resumed", function()
    script()
    assert.equal(137, (run("parts", "file4")))
    script(1, "resume = false")
    assert.equal(0, (run "parts"))
    assert.equal(profiles "whole", profiles "parts")
    no_parts()
  end)

  it("is that of one process where the run is shared", function()
    script(1, "share = true")
    local code, log = run "parts"
    assert.equal(0, code, log)
    assert.equal(profiles "whole", profiles "parts")
    no_parts()
  end)
end)
