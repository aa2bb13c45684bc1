-- How often pghost waits for the server: over a distance that is what a small load costs.

local pghost = require "support.pghost"
local project = require "support.project"
local round_trips = require "support.round_trips"

local function must(...)
  local _, err, code = pghost.run({ ... })
  assert.equal(0, code, err)
end

describe("the round trips", function()
  it("of a load are few, whatever the file holds", function()
    local here <const> = project.new()
    here.conn:query "CREATE TABLE t (id bigint, body text)"
    here:write("t.csv", "id,body\n1,a\n2,b\n")
    local turns = round_trips.of(here, function(near)
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
    local turns = round_trips.of(here, merge)
    assert.equal("1 a, 2 c, 3 d", here.conn:query(
      "SELECT string_agg(concat_ws(' ', id, body), ', ' ORDER BY id) FROM t")[1][1])
    assert.is_true(turns <= 155, turns)
    here:remove()
  end)
end)
