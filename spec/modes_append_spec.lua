-- Which new records of an append have a key of the published table, and how that is found out. What must stay is what
-- the server says by a join.

local keys = require "pghost.modes.keys"
local modes = require "support.modes"
local r = require "pghost.rules"
local world = modes.world()
local write, ask, _, load = world:functions()

local appending = { mode = "append", max_rejects = "100%" }

local function rules(kind)
  return r.table("item", { { "k", kind }, { "v", r.text() } }, { key = "k" })
end

local function file(name, list)
  write(name, "k,v\n" .. table.concat(list, ",x\n") .. ",x\n")
end

describe("an append with a key", function()
  local published, joined = keys.published, nil

  world:use(setup, teardown, before_each, after_each)

  before_each(function()
    joined = 0
    keys.published = function(...)
      local from, where = published(...)
      joined = joined + (from and 1 or 0)
      return from, where
    end
  end)

  after_each(function()
    keys.published = published
  end)

  -- Appends `second` to `first`; what is new and what is rejected must be as the server has it.
  local function append(kind, first, second, between)
    file("a.csv", first)
    load("a.csv", appending, rules(kind))
    world.db:exec(between or "SELECT 1")
    world.db:exec "CREATE TABLE before AS SELECT * FROM item"
    file("b.csv", second)
    load("b.csv", appending, rules(kind))
    world.db:exec(([[CREATE TABLE second (k %s, v text); COPY second FROM '%s/b.csv' (FORMAT csv, HEADER)]]):format(
      ask "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum = 1",
      world.folder))
    local known = "EXISTS (SELECT FROM before AS b WHERE b.k = s.k)"
    assert.equal(ask("SELECT k FROM second AS s WHERE NOT " .. known .. " ORDER BY k"),
      ask "SELECT k FROM item AS s WHERE NOT EXISTS (SELECT FROM before AS b WHERE b.k = s.k) ORDER BY k")
    assert.equal(ask("SELECT count(*) FROM second AS s WHERE " .. known),
      ask "SELECT count(*) FROM pghost.rejects WHERE reason LIKE '%in the published table'")
  end

  before_each(function()
    os.execute("chmod 755 " .. world.folder)
  end)

  local apart = {
    { "numbers that grow", r.bigint(), { 1, 5, 9 }, { 10, 11 } },
    { "numbers before all others", r.bigint(), { 10, 11 }, { 1, 9 } },
    { "numbers in a gap", r.bigint(), { 1, 100 }, { 2, 50, 99 } },
    { "texts", r.text(), { "a", "b" }, { "c", "d" } },
    { "dates", r.date(), { "2024-01-01", "2024-01-31" }, { "2024-02-01" } },
    { "identifiers", r.uuid(), { "00000000-0000-0000-0000-000000000001" }, { "10000000-0000-0000-0000-000000000001" } },
  }
  for _, one in ipairs(apart) do
    it("looks once into the index for " .. one[1], function()
      append(one[2], one[3], one[4])
      assert.equal(0, joined)
    end)
  end

  local among = {
    { "the last one again", r.bigint(), { 1, 5, 9 }, { 9, 10 } },
    { "the first one again", r.bigint(), { 5, 9 }, { 1, 5 } },
    { "some between", r.bigint(), { 1, 5, 9 }, { 2, 10 } },
    { "all again", r.text(), { "a", "b" }, { "b", "a" } },
    { "NaN, which is after all numbers", r.double(), { 1, "NaN" }, { 2, "NaN" } },
  }
  for _, one in ipairs(among) do
    it("joins them for " .. one[1], function()
      append(one[2], one[3], one[4])
      assert.equal(1, joined)
    end)
  end

  it("joins them where the published table compares otherwise, or has no index", function()
    append(r.text(), { "a", "b" }, { "B", "c" }, [[
      CREATE COLLATION plain (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      ALTER TABLE item ALTER COLUMN k TYPE text COLLATE plain]])
    assert.equal(1, joined)
    world:clear()
    os.execute("chmod 755 " .. world.folder)
    append(r.bigint(), { 1, 5 }, { 6 }, "ALTER TABLE item DROP CONSTRAINT item_pkey")
    assert.equal(2, joined)
  end)

  it("still refuses what another unique index of the published table has", function()
    append(r.bigint(), { 1, 5 }, { 6 }, "CREATE UNIQUE INDEX other ON item ((v || k))")
    world.db:exec "CREATE UNIQUE INDEX whole ON item (k, v)"
    file("c.csv", { 6, 7 })
    load("c.csv", appending, rules(r.bigint()))
    assert.equal("1\n5\n6\n7", ask "SELECT k FROM item ORDER BY k")
  end)
end)
