-- A hypertable of TimescaleDB cannot be replaced: the refusal says what works. Its catalog is imitated: it has chunks
-- in a schema of the extension, and a trigger of a known name.

local assert = require "luassert"
local fixture = require "support.fixture"
local project = require "support.project"

describe("a published hypertable", function()
  local here

  fixture.each(function(keep)
    here = keep(project.new { ["t.csv"] = "id\n1\n2\n", ["p.lua"] = [[
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local run <close> = pipeline.start("p", { data = ".", retries = 0 })
run:load("t", "t.csv", r.table("t", { { "id", r.bigint():required() } }))
run:publish()
]] })
    local err, code = here:run "p.lua"
    assert.equal(0, code, err)
  end)

  local function refused()
    local err, code = here:run "p.lua"
    assert.equal(1, code, err)
    assert.truthy(err:find("cannot publish 'public.t': it is a hypertable of TimescaleDB: load it with mode = 'append' "
      .. "or 'merge', which add to it; or drop it, publish the table, and make it a hypertable again", 1, true), err)
    assert.equal("2", here:ask "SELECT count(*) FROM t")
  end

  it("is known by its chunks", function()
    here:ask "CREATE SCHEMA _timescaledb_internal"
    here:ask "CREATE TABLE _timescaledb_internal._hyper_1_1_chunk () INHERITS (t)"
    refused()
  end)

  it("is known by its trigger while it has none", function()
    here:ask "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
    here:ask "CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"
    refused()
  end)
end)
