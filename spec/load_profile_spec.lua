-- pghost load --profile: what was loaded, as the server counts it.

local fixture = require "support.fixture"
local projects = require "support.project"

local project

fixture.once(function(keep)
  project = keep(projects.new { ["one.csv"] = "id,name\n1,a\n2,\n3,größe\n", ["two.csv"] = "name\nb\nb\n" })
  project:ask "CREATE TABLE item (id bigint, name text, CHECK (id < 100))"
end)

local function load(...)
  return project:pghost("load", "--into", "item", ...)
end

describe("pghost load --profile", function()
  it("prints a profile of the records that were loaded, for each header", function()
    local out, err, code = load("--profile", "one.csv", "two.csv")
    assert.equal(0, code, err)
    assert.matches("item: 3 records, 2 columns\n\nid  bigint\n  values +no nulls, 3 distinct\n  range +1 to 3, mean 2",
      out, 1, false)
    assert.matches("name  text\n  values +1 null %(33.3 %%%), 2 distinct\n  range +'a' to 'größe', 1 to 5 characters",
      out)
    assert.matches("item: 2 records, 1 column\n\nname  text\n  values +no nulls, 1 distinct", out)
    assert.equal("5|2|3", project:ask "SELECT count(*), count(*) - count(id), count(DISTINCT name) FROM item")
  end)

  it("prints none of a load that failed, nor unless it is wanted", function()
    project:write("bad.csv", "id,name\n1,a\nx,b\n")
    local out, _, code = load("--profile", "bad.csv")
    assert.same({ 1, "" }, { code, out })
    out, _, code = load("one.csv")
    assert.same({ 0, "" }, { code, out })
  end)

  it("is stored with a load that is recorded, as the server counts it", function()
    project:ask "CREATE TABLE stored (id bigint, name text)"
    project:write("some.csv", "id,name\n1,a\nx,b\n7,\n4,a\n")
    local function profiles(...)
      local _, err, code = project:pghost("load", "--into", "stored", "--max-rejects", "1", "--rejects", "table", ...)
      assert.equal(0, code, err)
      return project:ask [[SELECT column_name, place, type, records, nulls, distinct_values, least, greatest, mean
        FROM pghost.profiles WHERE run_id = (SELECT max(run_id) FROM pghost.runs) AND table_name = 'stored'
        ORDER BY place]]
    end
    local expected = project:ask [[
      SELECT 'id', 1, 'bigint', count(*), count(*) - count(id), count(DISTINCT id), min(id)::text, max(id)::text,
        avg(id)::float
      FROM (VALUES (1, 'a'), (7, NULL), (4, 'a')) AS t (id, name) UNION ALL
      SELECT 'name', 2, 'text', count(*), count(*) - count(name), count(DISTINCT name), min(name), max(name), NULL
      FROM (VALUES (1, 'a'), (7, NULL), (4, 'a')) AS t (id, name)]]
    assert.equal(expected, profiles("--profile", "some.csv"))
    assert.equal("", profiles "some.csv")
    assert.equal("", profiles("--profile", "some.csv", "two.csv")) -- of two headers, neither is of all records
  end)

  it("leaves rejects out", function()
    local out, err, code = load("--profile", "--max-rejects", "1", "bad.csv")
    assert.equal(0, code, err)
    assert.matches("item: 1 record, 2 columns", out, 1, true)
  end)
end)
