-- How often pghost waits for the server: over a distance that is what a small load costs.

local pghost = require "support.pghost"
local project = require "support.project"
local server = require "support.server"

-- Runs fn(dsn) with a dsn that leads through a proxy; returns the round trips of its connections.
local function turns_of(here, fn)
  local pid = pghost.shell(("python3 %s/bench/delay.py %s %s 0 %s/turns >/dev/null 2>&1 </dev/null & echo $!"):format(
    pghost.root, here.folder, server.get().socket, here.folder)):match "%d+"
  local out = pghost.shell(("while [ ! -S %s/.s.PGSQL.5432 ]; do sleep 0.1; done"):format(here.folder))
  assert.equal("", out)
  local near = here.dsn:gsub("host=%S+", "host=" .. here.folder)
  local done, problem = pcall(fn, near)
  local turns, before = nil, nil
  for _ = 1, 20 do -- until no connection ends any more
    pghost.shell "sleep 0.2"
    turns = io.open(here.folder .. "/turns") and pghost.read(here.folder .. "/turns")
    if turns and turns == before then
      break
    end
    before = turns
  end
  pghost.shell("kill " .. pid)
  assert(done, problem)
  return tonumber(turns)
end

local function must(...)
  local _, err, code = pghost.run({ ... })
  assert.equal(0, code, err)
end

describe("the round trips", function()
  it("of a load are few, whatever the file holds", function()
    local here <const> = project.new()
    here.conn:query "CREATE TABLE t (id bigint, body text)"
    here:write("t.csv", "id,body\n1,a\n2,b\n")
    local turns = turns_of(here, function(near)
      must("--dsn", near, "load", here.folder .. "/t.csv", "--into", "t")
    end)
    assert.equal(2, here.conn:query("SELECT count(*) FROM t")[1][1])
    assert.is_true(turns <= 13, turns)
    here:remove()
  end)

  it("of a run that merges are fewer where nobody else has code in the database", function()
    local here <const> = project.new()
    here:write("t.csv", "id,body\n1,a\n2,b\n")
    local script = here:write("merge.lua", [[
      local pipeline, r = require "pghost.pipeline", require "pghost.rules"
      local run <close> = pipeline.start("merging", { data = "" })
      run:load("t", "t.csv", r.table("t", { { "id", r.bigint() }, { "body", r.text() } }, { key = "id" }),
        { mode = "merge" })
      run:publish()]])
    local function merge(near)
      local _, err, code = pghost.run({ "--dsn", near, script }, { cd = here.folder })
      assert.equal(0, code, err)
    end
    merge(here.dsn)
    here:write("t.csv", "id,body\n2,c\n3,d\n")
    local turns = turns_of(here, merge)
    assert.equal("1 a, 2 c, 3 d", here.conn:query(
      "SELECT string_agg(concat_ws(' ', id, body), ', ' ORDER BY id) FROM t")[1][1])
    assert.is_true(turns <= 155, turns)
    here:remove()
  end)
end)
