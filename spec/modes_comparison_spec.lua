-- What counts as a change: what is stored, where the type's own = says equal. The stored text is what psql shows.

local modes = require "support.modes"
local r = require "pghost.rules"
local fails = modes.fails
local world = modes.world()
local write, ask, _, load = world:functions()

describe("what a merge takes for a change", function()
  world:use(setup, teardown, before_each, after_each)

  -- Values that are equal for the server's = (or have none), and are stored as another text.
  local kinds = {
    { "interval", r.interval(), "1 mon", "30 days" },
    { "numeric", r.numeric(), "1.0", "1.00" },
    { "double precision", r.double(), "-0", "0" },
    { "real", r.real(), "0", "-0" },
    { "json", r.json(), '"{""a"":1}"', '"{""a"": 1}"' },
    { "jsonb", r.jsonb(), '"[1.0]"', '"[1.00]"' },
    { "numeric[]", r.array(r.numeric()), "{1.0}", "{1.00}" },
    { "interval[]", r.array(r.interval()), "{24:00:00}", "{1 day}" },
    { "time with time zone", r.timetz(), "10:00:00+00", "11:00:00+01" },
    { "citext", r.type("citext"), "Ann", "ANN" },
    { "point", r.type("point"), '"(1,2)"', '"(1,3)"' },
  }

  for _, kind in ipairs(kinds) do
    for _, mode in ipairs { "merge", "history" } do
      it(("sees %s in mode %s"):format(kind[1], mode), function()
        world.db:exec "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public"
        local rules = r.table("item", { { "id", r.bigint() }, { "v", kind[2] } }, { key = "id" })
        local function stored()
          return ask("SELECT v FROM item" .. (mode == "history" and " WHERE _valid_to IS NULL" or ""))
        end
        write("a.csv", "id,v\n1," .. kind[3] .. "\n")
        load("a.csv", { mode = mode }, rules)
        local first = stored()
        write("b.csv", "id,v\n1," .. kind[4] .. "\n")
        assert.matches(mode == "merge" and "0 added, 1 changed" or "1 added, 1 changed", load("b.csv", { mode = mode },
          rules))
        local literal = kind[4]:match('^"(.*)"$') and kind[4]:match('^"(.*)"$'):gsub('""', '"') or kind[4]
        assert.equal(ask(("SELECT '%s'::%s"):format(literal, kind[1])), stored())
        assert.not_equal(first, stored())
        write("c.csv", "id,v\n1," .. kind[4] .. "\n2,\n")
        assert.matches("1 added, 0 changed", load("c.csv", { mode = mode }, rules))
      end)
    end
  end

  it("leaves alone what is stored alike: NaN, NULL, time zones, padding, long texts", function()
    local rules = r.table("item", { { "id", r.bigint() }, { "f", r.double() }, { "n", r.numeric() },
      { "t", r.timestamptz() }, { "c", r.char(5) }, { "s", r.text() }, { "a", r.array(r.integer()) } }, { key = "id" })
    local long = ("long text "):rep(5000)
    write("a.csv", "id,f,n,t,c,s,a\n1,NaN,NaN,2020-01-01 00:00:00+00,ab," .. long .. ",\"{1,2}\"\n2,,,,,,\n")
    write("b.csv", "id,f,n,t,c,s,a\n1,nan,nan,2020-01-01 01:00:00+01,ab   ," .. long .. ",\"{1, 2}\"\n2,,,,,,\n")
    load("a.csv", { mode = "history" }, rules)
    assert.matches("0 added, 0 changed, 0 removed", load("b.csv", { mode = "history" }, rules))
  end)

  it("compares keys by their own equality, and text as a collation of the published table has it", function()
    local rules = r.table("item", { { "id", r.text() }, { "v", r.text() } }, { key = "id" })
    write("a.csv", "id,v\nann,1\nbob,2\n")
    load("a.csv", { mode = "merge" }, rules)
    world.db:exec [[
      CREATE COLLATION plain (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      ALTER TABLE item ALTER COLUMN id TYPE text COLLATE plain, ALTER COLUMN v TYPE text COLLATE plain]]
    write("b.csv", "id,v\nANN,1\ncid,x\n")
    assert.matches("1 added, 1 changed", load("b.csv", { mode = "merge" }, rules))
    assert.equal("ANN|1\nbob|2\ncid|x", ask "SELECT id, v FROM item ORDER BY id")
    write("c.csv", "id,v\nann,1\ncid,X\n")
    assert.matches("0 added, 2 changed", load("c.csv", { mode = "merge" }, rules))
    assert.equal("ann|1\nbob|2\ncid|X", ask "SELECT id, v FROM item ORDER BY id")
    write("d.csv", "id,v\nCID,y\ncid,z\n") -- two keys for the rules, one for the table
    fails("table 'public.item': 'CID' and 'cid' are the same key there and different ones in the files", load, "d.csv",
      { mode = "merge" }, rules)
    assert.equal("ann|1\nbob|2\ncid|X", ask "SELECT id, v FROM item ORDER BY id")
  end)

  it("compares keys of every kind by the operator of their index", function()
    world.db:exec [[
      CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
      CREATE TYPE mood AS ENUM ('ok', 'bad');
      CREATE DOMAIN code AS varchar(9); CREATE DOMAIN code2 AS code]]
    local keys = { { r.varchar(9), "a" }, { r.char(4), "ab" }, { r.type("citext"), "Ann" }, { r.uuid(),
      "00000000-0000-0000-0000-000000000001" }, { r.enum("mood", { "ok", "bad" }), "ok" }, { r.array(r.integer()),
      '"{1,2}"' }, { r.domain("code2", r.varchar(9)), "x" }, { r.numeric(), "1.0" }, { r.interval(), "1 mon" },
      { r.inet(), "1.2.3.4" }, { r.date(), "2020-01-01" }, { r.boolean(), "true" }, { r.bytea(), "\\x01" } }
    for _, one in ipairs(keys) do
      local rules = r.table("item", { { "k", one[1] }, { "v", r.text() } }, { key = "k" })
      for step, value in ipairs { "one", "two", "three" } do
        write(step .. ".csv", "k,v\n" .. one[2] .. "," .. value .. "\n")
        load(step .. ".csv", { mode = "merge", missing = "mark" }, rules)
      end
      assert.equal("three", ask "SELECT v FROM item WHERE _deleted_at IS NULL")
      assert.equal("1", ask "SELECT count(*) FROM item")
      world.db:exec "DROP TABLE item, item_raw; DROP SCHEMA pghost CASCADE"
    end
  end)

  it("is not changed by operators and functions of others", function()
    world.db:exec [[
      CREATE FUNCTION public.yes(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true';
      CREATE FUNCTION public.yes(varchar, varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true';
      CREATE OPERATOR public.= (FUNCTION = public.yes, LEFTARG = varchar, RIGHTARG = varchar);
      CREATE FUNCTION public.record_image_ne(a record, b record) RETURNS boolean LANGUAGE plpgsql
        AS 'BEGIN RETURN false; END']]
    local rules = r.table("item", { { "k", r.varchar(9) }, { "v", r.varchar(9) } }, { key = "k" })
    write("a.csv", "k,v\na,1\nb,2\n")
    load("a.csv", { mode = "merge" }, rules)
    write("b.csv", "k,v\nb,3\nc,4\n")
    assert.matches("1 added, 1 changed, 1 removed", load("b.csv", { mode = "merge", missing = "delete" }, rules))
    assert.equal("b|3\nc|4", ask "SELECT k, v FROM item ORDER BY k COLLATE \"C\"")
  end)
end)
