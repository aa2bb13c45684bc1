-- Rows sent against rows stored: what triggers and rules of the published table do to the rows of a load.

local modes = require "support.modes"

local keyed, plain, fails = modes.keyed, modes.plain, modes.fails
local world = modes.world()
local write, ask, publish, load, items = world:functions()

describe("rows that the published table does not store as they were sent", function()
  world:use(setup, teardown, before_each, after_each)

  -- Each of these swallows the row of key 3, in its own way.
  local swallowing = {
    ["a trigger that returns NULL"] = [[
      CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF new.id = 3 THEN RETURN NULL; END IF; RETURN new; END $$;
      CREATE TRIGGER swallow BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION swallow()]],
    ["a trigger that deletes afterwards"] = [[
      CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN DELETE FROM item WHERE id = 3; RETURN NULL; END $$;
      CREATE TRIGGER swallow AFTER INSERT ON item EXECUTE FUNCTION swallow()]],
    ["a rule that does nothing instead"] = [[
      CREATE RULE swallow AS ON INSERT TO item WHERE new.id = 3 DO INSTEAD NOTHING]],
    ["a rule that inserts elsewhere instead"] = [[
      CREATE TABLE elsewhere (LIKE item);
      CREATE RULE swallow AS ON INSERT TO item DO INSTEAD INSERT INTO elsewhere SELECT new.*]],
  }

  for how, sql in pairs(swallowing) do
    local cases = { { "append", plain }, { "merge", keyed } }
    if how:find "returns NULL" then
      cases[3], cases[4] = { "append", keyed }, { "history", keyed }
    end
    for _, case in ipairs(cases) do
      local mode, rules = case[1], case[2]
      it(("end a load by %s: mode %s%s"):format(how, mode, rules == plain and " without a key" or ""), function()
        write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
        load("a.csv", { mode = mode }, rules)
        world.db:exec(sql)
        write("b.csv", "id,name,price\n3,three,3\n4,four,4\n")
        fails("cannot publish 'item': %d rows? sent w%a+ not stored as sent: the table has %a+ 'swallow'",
          load, "b.csv", { mode = mode }, rules)
        assert.equal("1\n2", ask "SELECT id FROM item ORDER BY id")
        assert.equal("0", ask "SELECT count(*) FROM pghost.files WHERE name = 'b.csv' AND published_at IS NOT NULL")
        assert.equal("2", ask "SELECT count(*) FROM item_raw")
        assert.matches("publish%s+item%s+warn: %d rows? w%a+ not stored as sent", load("b.csv",
          { mode = mode, allow_dropped = true }, rules))
        assert.equal("0", ask "SELECT count(*) FROM item WHERE id = 3")
      end)
    end
  end

  it("end a load whose updates or deletes a trigger refuses", function()
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n3,three,3\n")
    load("a.csv", { mode = "merge", missing = "delete" })
    world.db:exec [[
      CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER keep BEFORE UPDATE ON item FOR EACH ROW WHEN (old.id = 1) EXECUTE FUNCTION keep()]]
    write("b.csv", "id,name,price\n1,eins,1\n2,zwei,2\n3,three,3\n")
    fails("'item': 1 row sent was not stored as sent: the table has trigger 'keep'", load, "b.csv", { mode = "merge" })
    assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00", items())
    load("b.csv", { mode = "merge", allow_dropped = true })
    assert.equal("1|one|1.00\n2|zwei|2.00\n3|three|3.00", items())
    world.db:exec [[
      DROP TRIGGER keep ON item; CREATE TRIGGER keep BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION keep()]]
    write("c.csv", "id,name,price\n1,one,1\n2,zwei,2\n")
    fails("'item': 1 row sent was not stored as sent", load, "c.csv", { mode = "merge", missing = "delete" })
    world.db:exec "DROP TRIGGER keep ON item"
    load("c.csv", { mode = "merge", missing = "delete" })
    assert.equal("1|one|1.00\n2|zwei|2.00", items())
  end)

  it("end a load into history whose updates a trigger refuses", function()
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    load("a.csv", { mode = "history" })
    world.db:exec [[
      CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER keep BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION keep()]]
    write("b.csv", "id,name,price\n1,eins,1\n2,two,2\n")
    fails("'item': 1 row sent was not stored as sent", load, "b.csv", { mode = "history" })
    fails("'item': 1 row sent was not stored as sent", load, "b.csv", { mode = "history", missing = "close" })
    assert.equal("2", ask "SELECT count(*) FROM item")
  end)

  it("do not come from triggers that store each row, whatever they make of it or where they put it", function()
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    load("a.csv", { mode = "merge" })
    world.db:exec [[
      ALTER TABLE item ADD COLUMN seen timestamptz;
      CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN new.name := upper(new.name); new.seen := clock_timestamp(); RETURN new; END $$;
      CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION tidy();
      CREATE TABLE log (id bigint);
      CREATE RULE also AS ON INSERT TO item DO ALSO INSERT INTO log SELECT new.id]]
    write("b.csv", "id,name,price\n1,eins,1\n3,drei,2\n")
    assert.matches("1 added, 1 changed, 0 removed", load("b.csv", { mode = "merge" }))
    assert.equal("1|EINS|1.00\n2|two|2.00\n3|DREI|2.00", items())
    world.db:exec [[
      DROP RULE also ON item; DROP TRIGGER tidy ON item;
      CREATE TABLE item_4 (CHECK (id >= 4)) INHERITS (item);
      CREATE FUNCTION route() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO item_4 SELECT new.*; RETURN NULL; END $$;
      CREATE TRIGGER route BEFORE INSERT ON item FOR EACH ROW WHEN (new.id >= 4) EXECUTE FUNCTION route()]]
    write("c.csv", "id,name,price\n4,four,4\n5,five,5\n")
    assert.matches("2 added, 0 changed", load("c.csv", { mode = "append" }, plain))
    assert.equal("4\n5", ask "SELECT id FROM item_4 ORDER BY id")
  end)

  it("sees triggers of partitions, and takes what partitions route", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    load("a.csv", { mode = "merge" })
    world.db:exec [[
      DROP TABLE item;
      CREATE TABLE item (id bigint PRIMARY KEY, name text, price numeric(10, 2)) PARTITION BY RANGE (id);
      CREATE TABLE item_low PARTITION OF item FOR VALUES FROM (0) TO (10);
      CREATE TABLE item_high PARTITION OF item FOR VALUES FROM (10) TO (100)]]
    write("b.csv", "id,name,price\n1,eins,1\n12,twelve,2\n")
    assert.matches("2 added", load("b.csv", { mode = "merge" }))
    write("c.csv", "id,name,price\n1,uno,1\n12,twelve,2\n13,thirteen,3\n")
    assert.matches("1 added, 1 changed", load("c.csv", { mode = "merge" }))
    assert.equal("1|uno|1.00\n12|twelve|2.00\n13|thirteen|3.00", items())
    world.db:exec [[
      CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER swallow BEFORE INSERT ON item_high FOR EACH ROW EXECUTE FUNCTION swallow()]]
    write("d.csv", "id,name,price\n14,fourteen,1\n")
    fails("1 row sent was not stored as sent: the table has trigger 'swallow'", load, "d.csv", { mode = "merge" })
  end)

  it("ends a load where row-level security has come since it began", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    world.db:query "DO $$ BEGIN CREATE ROLE modes_stored LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    world.db:query(("GRANT CREATE ON DATABASE %s TO modes_stored"):format(ask "SELECT current_database()"))
    world.db:query "GRANT ALL ON SCHEMA public TO modes_stored"
    local own = world.dsn
    world.dsn = own:gsub("user=postgres", "user=modes_stored")
    local _ <close> = setmetatable({}, { __close = function()
      world.dsn = own
    end })
    load("a.csv", { mode = "merge" })
    write("b.csv", "id,name,price\n1,eins,1\n")
    fails("table '[publicitem.]*' has row%-level security, which may hide records", publish, function(run)
      run:load("item", "b.csv", keyed, { mode = "merge" })
      world.db:exec "ALTER TABLE item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
    end)
    assert.equal("1|one|1.00", items())
  end)

  it("refuses an allow_dropped that is no boolean", function()
    write("a.csv", "id,name,price\n1,one,1\n")
    fails("run:load 'item': allow_dropped: true or false expected, got 'yes'", load, "a.csv",
      { mode = "append", allow_dropped = "yes" })
    assert.equal("0", ask "SELECT count(*) FROM pghost.files")
  end)
end)
