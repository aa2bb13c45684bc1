-- Samples of checks tell equal rows once, with their number; what the definition of a table guarantees proves nothing.

local cjson = require "cjson"
local fixture = require "support.fixture"
local projects = require "support.project"

local here

fixture.once(function(keep)
  here = keep(projects.new { ["pipeline.lua"] = [[
    local r = require "pghost.rules"
    local check = require "pghost.check"
    local run <close> = require("pghost.pipeline").start("shop", { data = "." })
    run:load("parent", "parent.csv", r.table("parent", { { "id", r.bigint() } }, { key = "id" }))
    run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "rows", r.bigint() },
      { "mood", r.text() } }, { key = "id" }))
    run:transaction(function(conn)
      conn:query "ALTER TABLE item ALTER mood TYPE public.mood USING mood::public.mood"
    end)
    run:check {
      check.references("item.rows", "parent.id", { severity = "warn" }),
      check.duplicate_share("item", { "mood" }, "1%", { severity = "warn" }),
      check.unique("item", { "id" }), check.unique("item", { "rows", "id" }),
      check.unique("item", { "rows" }, { severity = "warn" }),
      check.accepted_values("item.mood", { "glad", "sad", "so-so" }),
    }
    run:publish()]],
    ["parent.csv"] = "id\n1\n", ["item.csv"] = "id,rows,mood\n1,1,glad\n2,7,glad\n3,7,sad\n4,8,glad\n5,7,sad\n" })
  here.conn:exec "CREATE TYPE public.mood AS ENUM ('glad', 'sad')"
  local err, code = here:run "pipeline.lua"
  assert.equal(0, code, err)
end)

local function check(name)
  local row = here.conn:query([[SELECT violations, passed, vacuous, samples::text AS samples FROM pghost.checks
    WHERE name LIKE $1]], name)[1]
  return row.violations, row.samples and cjson.decode(row.samples), row.vacuous
end

describe("samples of a check", function()
  it("are different rows with their number, the most frequent first, also where a column is named rows", function()
    local violations, samples = check "item.rows references%"
    assert.equal(4, violations)
    assert.same({ { rows = 7, number_of_rows = 3 }, { rows = 8, number_of_rows = 1 } }, samples)
    violations, samples = check "item has at most 1%"
    assert.equal(3, violations)
    assert.same({ { mood = "glad", rows = 2 }, { mood = "sad", rows = 1 } }, samples)
  end)

  it("are all there as rows", function()
    local query = here:ask "SELECT query FROM pghost.checks WHERE name LIKE 'item.rows references%'"
    assert.equal("4", here:ask("SELECT count(*) FROM (" .. query .. ") AS q"))
  end)
end)

describe("a check that cannot fail", function()
  it("says so: unique over a key, accepted values of an enum", function()
    for name, expected in pairs {
      ["item is unique by id"] = "a key of the table ensures it",
      ["item is unique by rows, id"] = "a key of the table ensures it",
      ["item.mood is one of %so-so%"] = "the type of the column has no other values",
    } do
      assert.equal(expected, (select(3, check(name))), name)
    end
    assert.is_nil((select(3, check "item is unique by rows")))
  end)
end)
