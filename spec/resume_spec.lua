-- Runs that were killed and go on: what was committed is not read again, what was half done leaves no
-- trace, and the result is that of a run that nobody killed.

local fixture = require "support.fixture"
local project = require "support.project"
local pghost = require "support.pghost"

-- Kills itself, with KILL set, where a record says so.
local pipeline = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local config = { schema = arg[1], resume = %s, checkpoint = 1, data = "%s", workers = %d }
local run <close> = pipeline.start("resume", config, { arguments = {} })
run:load("item", "item*.csv", r.table("item", {
  { "id", r.bigint():required() },
  { "name", r.text():trim() },
}, { key = "id", row = { r.check("name", function(name)
  if name == os.getenv "KILL" then
    os.execute("kill -9 $PPID; sleep 5")
  end
  return name ~= "%s"
end) } }))
run:load("plain", "plain.csv", r.table("plain", { { "id", r.bigint() } }))
if os.getenv "KILL" == "publish" then
  os.execute("kill -9 $PPID; sleep 5")
end
run:check { { name = "some", sql = "SELECT 1 WHERE NOT EXISTS (SELECT FROM item)" } }
run:publish()
]]

describe("a run with resume", function()
  local one

  local function script(resume, refused, workers)
    one:write("pipeline.lua", pipeline:format(resume, one.folder, workers or 1, refused or "refused"))
  end

  -- The exit code and log of one process.
  local function run(schema, kill)
    local _, log, code = pghost.run({ "--dsn", one.dsn, "pipeline.lua", schema },
      { cd = one.folder, env = "KILL=" .. (kill or "nothing") })
    return code, log
  end

  local function state(schema)
    return one.conn:query(([[
      SELECT (SELECT string_agg(concat_ws('|', id, name), ',' ORDER BY id) FROM %s.item) AS item,
        (SELECT string_agg(concat_ws('|', id, name, _line), ',' ORDER BY _file_id, _line) FROM %s.item_raw) AS raw,
        (SELECT string_agg(concat_ws('|', name, input_size, repairs, records,
          loaded, rejected, duplicates, state), ',' ORDER BY f.file_id)
         FROM pghost.files AS f WHERE run_id = r.run_id) AS files,
        (SELECT string_agg(concat_ws('|', line, rule, reason), ',' ORDER BY j.file_id, line)
         FROM pghost.rejects AS j WHERE run_id = r.run_id) AS rejects,
        (SELECT string_agg(concat_ws('|', table_name, rule, cells), ',' ORDER BY table_name, rule)
         FROM pghost.cleaning AS c WHERE run_id = r.run_id) AS cleaning
      FROM pghost.runs AS r WHERE target_schema = '%s' AND state = 'published']]):format(schema, schema, schema))[1]
  end

  local function same(a, b)
    for _, name in ipairs { "item", "raw", "files", "rejects", "cleaning" } do
      assert.equal(b[name], a[name], name)
    end
  end

  fixture.each(function(keep)
    one = keep(project.new())
    for i = 1, 5 do
      one:write(("item%d.csv"):format(i), ("id,name\n%d, a%d\n%d,refused\nx,\n%d,file%d\n1,again\n"):format(i, i,
        i + 10, i + 20, i))
    end
    one:write("plain.csv", "id\n1\n2\n")
  end)

  for _, workers in ipairs { 1, 2 } do
    it(("goes on at the file where it was killed, with %d workers"):format(workers), function()
      script(false, nil, workers)
      assert.equal(0, (run "whole"))
      script(true, nil, workers)
      assert.equal(137, (run("parts", "file4")))
      assert.equal(137, (run("parts", "file5")))
      local code, log = run "parts"
      assert.equal(0, code, log)
      assert.matches("resumes run %d+, which was killed", log)
      assert.matches("4 of 5 files loaded already", log)
      same(state "parts", state "whole")
      assert.equal(2, one.conn:query("SELECT resumed FROM pghost.runs WHERE target_schema = 'parts'")[1].resumed)
    end)
  end

  it("reads nothing again when it was killed behind its loads", function()
    script(false)
    assert.equal(0, (run "whole"))
    script(true)
    assert.equal(137, (run("parts", "publish")))
    local code, log = run "parts"
    assert.equal(0, code, log)
    assert.matches("item%s+5 of 5 files loaded already", log)
    assert.matches("plain%s+1 of 1 file loaded already", log)
    same(state "parts", state "whole")
  end)

  -- A pipeline that is killed behind its loads where KILL is set; `body` has %s where it is.
  local function small(body)
    one:write("pipeline.lua", ([[
      local pipeline = require "pghost.pipeline"
      local r = require "pghost.rules"
      local config = { schema = arg[1], resume = true, checkpoint = 1, data = ".", workers = 1 }
      local run <close> = pipeline.start("small", config, { arguments = {} })
      %s
      if os.getenv "KILL" == "yes" then
        os.execute("kill -9 $PPID; sleep 5")
      end
      run:publish()
    ]]):format(body))
  end

  it("builds a table anew when a value that its Lua rule works with has changed", function()
    local body = [[
      local limit = 2
      local function small(id) return id < limit end
      run:load("plain", "plain.csv", r.table("plain", { { "id", r.bigint() } }, {
        row = { r.check("id", function(id) return small(id) end), r.check("id", math.tointeger) } }))]]
    small(body)
    assert.equal(137, (run("limits", "yes")))
    small((body:gsub("limit = 2", "limit = 3")))
    assert.equal(137, (run("limits", "yes")))
    assert.equal("1\n2", one:ask "SELECT id FROM pghost_build_1.plain ORDER BY id")
    local code, log = run "limits"
    assert.equal(0, code, log)
    assert.matches("1 of 1 file loaded already", log)
    assert.equal("1\n2", one:ask "SELECT id FROM limits.plain ORDER BY id")
  end)

  it("keeps the record that a whole run would keep, when a file comes in front", function()
    for i = 1, 5 do
      one:write(("item%d.csv"):format(i), ("id,name\n1,file%d\n"):format(i))
    end
    script(true)
    assert.equal(137, (run("front", "file4")))
    one:write("item0.csv", "id,name\n1,file0\n")
    local code, log = run "front"
    assert.equal(0, code, log)
    assert.equal("1|file0", one:ask "SELECT id, name FROM front.item")
    script(false)
    assert.equal(0, (run "whole"))
    same(state "front", state "whole")
  end)

  it("does not take files for loaded whose table it does not load any more", function()
    local load = [[ run:load("%s", "%s", r.table("t", { { "id", r.bigint() } }), { mode = "append" }) ]]
    local plain, other = load:format("plain", "plain.csv"), load:format("other", "other*.csv")
    one:write("other1.csv", "id\n1\n")
    small(plain .. other)
    assert.equal(0, (run "left"))
    one:write("other2.csv", "id\n2\n")
    assert.equal(137, (run("left", "yes")))
    small(plain)
    local code, log = run "left"
    assert.equal(0, code, log)
    assert.matches("other +warn: is no longer loaded: what the killed run had built of it is discarded", log)
    assert.equal("1", one:ask "SELECT id FROM \"left\".other ORDER BY id")
    small(plain .. other)
    assert.equal(0, (run "left"))
    assert.equal("1\n2", one:ask "SELECT id FROM \"left\".other ORDER BY id")
  end)

  it("loads what an earlier process has only staged", function()
    local rules = [[ r.table("plain", { { "id", r.bigint() } })) ]]
    small([[ run:stage("plain", "plain.csv", ]] .. rules)
    assert.equal(137, (run("staged", "yes")))
    small([[ run:load("plain", "plain.csv", ]] .. rules)
    local code, log = run "staged"
    assert.equal(0, code, log)
    assert.equal("1\n2", one:ask "SELECT id FROM staged.plain ORDER BY id")
  end)

  it("builds a table anew when its rules or a file have changed, and nothing without resume", function()
    script(true)
    assert.equal(137, (run("parts", "file4")))
    script(true, "file1")
    local code, log = run "parts"
    assert.equal(0, code, log)
    assert.not_matches("loaded already", log)
    assert.equal("1|a1,2|a2,3|a3,4|a4,5|a5,11|refused,12|refused,13|refused,14|refused,15|refused,22|file2,23|file3,"
      .. "24|file4,25|file5", state("parts").item)
    script(true)
    assert.equal(137, (run("other", "file4")))
    one:write("item2.csv", "id,name\n2,new\n")
    code, log = run "other"
    assert.equal(0, code, log)
    assert.matches("2|new", state("other").item)
    assert.equal(137, (run("third", "file4")))
    script(false)
    code, log = run "third"
    assert.equal(0, code, log)
    assert.matches("was killed: what it had built is removed", log)
  end)
end)
