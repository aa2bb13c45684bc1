-- What a published table refuses of new rows: a reject where that is certain when they are loaded, and told with file
-- and line where only publishing shows it. The server's own refusal is the oracle: without the record the rest goes in.

local modes = require "support.modes"
local r = require "pghost.rules"

local world = modes.world()
local write, ask, publish, load, items = world:functions()

local keyed_by = {
  append = { rules = modes.plain }, merge = { rules = modes.keyed }, history = { rules = modes.keyed },
}

local function first(mode)
  write("a.csv", "id,name,price\n1,one,10.00\n2,two,20.00\n")
  load("a.csv", { mode = mode }, keyed_by[mode].rules)
end

local function rejects()
  return ask [[SELECT f.name, j.line, j.column_name, j.rule, j.reason
    FROM pghost.rejects AS j JOIN pghost.files AS f USING (file_id) ORDER BY 1, 2]]
end

-- The second record of three, on line 3, is refused.
local kinds = {
  check = { "ALTER TABLE item ADD CONSTRAINT dear CHECK (price > 5)", '4,"four\n",1.00', "price",
    "'1.00' breaks the CHECK 'dear' of the published table" },
  required = { "ALTER TABLE item ALTER price SET NOT NULL", '4,"four\n",', "price",
    "is required by the published table" },
  foreign_key = { "CREATE TABLE name (name text PRIMARY KEY);"
    .. "INSERT INTO name VALUES ('one'), ('two'), ('three'), ('five');"
    .. "ALTER TABLE item ADD CONSTRAINT known FOREIGN KEY (name) REFERENCES name", '4,"four\n",40.00', "name",
    "'four\n' is not in 'name' (foreign key 'known')" },
}

describe("what a published table refuses", function()
  world:use(setup, teardown, before_each, after_each)

  for rule, case in pairs(kinds) do
    for mode, given in pairs(keyed_by) do
      it(("by its %s is a reject of mode %s"):format(rule, mode), function()
        first(mode)
        for statement in case[1]:gmatch "[^;]+" do
          world.db:query(statement)
        end
        write("b.csv", "id,name,price\n3,three,30.00\n" .. case[2] .. "\n5,five,50.00\n")
        local log = load("b.csv", { mode = mode }, given.rules)
        assert.matches("3 records in 1 file: 2 loaded, 1 rejected", log, 1, true)
        assert.equal(("b.csv|3|%s|%s|%s"):format(case[3], rule, case[4]), rejects())
        assert.equal("1|one|10.00\n2|two|20.00\n3|three|30.00\n5|five|50.00", items())
        assert.equal("3|2|1", ask "SELECT records, loaded, rejected FROM pghost.files WHERE name = 'b.csv'")
      end)
    end
  end

  for _, mode in ipairs { "append", "merge" } do
    it(("by a unique index is a reject of mode %s, also against earlier records"):format(mode), function()
      first(mode)
      world.db:query "CREATE UNIQUE INDEX named ON item (name)"
      write("b.csv", "id,name,price\n3,three,30.00\n4,two,40.00\n5,three,50.00\n6,,1.00\n7,,1.00\n")
      load("b.csv", { mode = mode }, keyed_by[mode].rules)
      assert.equal("b.csv|3|name|unique|'two' is there already (unique 'named')\n"
        .. "b.csv|4|name|unique|'three' is in an earlier record (unique 'named')", rejects())
      assert.equal("1|one|10.00\n2|two|20.00\n3|three|30.00\n6||1.00\n7||1.00", items())
    end)
  end

  it("by a unique index is no value that merging takes away from another row", function()
    first "merge"
    world.db:query "ALTER TABLE item ADD CONSTRAINT named UNIQUE (name) DEFERRABLE"
    write("b.csv", "id,name,price\n1,two,10.00\n2,one,20.00\n")
    load("b.csv", { mode = "merge" })
    assert.equal("", rejects())
    assert.equal("1|two|10.00\n2|one|20.00", items())
  end)

  it("ends a load that allows no rejects, with file, line and value", function()
    first "append"
    world.db:query "ALTER TABLE item ADD CONSTRAINT dear CHECK (price > 5)"
    write("b.csv", "id,name,price\n3,three,30.00\n4,four,1.00\n")
    local problem = modes.fails("b.csv:3: price: '1.00' breaks the CHECK 'dear'", load, "b.csv",
      { mode = "append", on_error = "stop" }, modes.plain)
    assert.equal("data", problem.code)
    modes.fails("its budget allows 0", load, "b.csv", { mode = "append", max_rejects = 0 }, modes.plain)
    assert.equal("1|one|10.00\n2|two|20.00", items())
  end)

  it("by a key to itself takes those with it that refer to what is refused", function()
    local rules = r.table("item", { { "id", r.bigint():required() }, { "up", r.bigint() } }, { key = "id" })
    write("a.csv", "id,up\n1,\n")
    load("a.csv", { mode = "append" }, rules)
    world.db:query "ALTER TABLE item ADD CONSTRAINT tree FOREIGN KEY (up) REFERENCES item"
    write("b.csv", "id,up\n2,3\n3,1\n4,9\n5,4\n6,2\n")
    load("b.csv", { mode = "append" }, rules)
    assert.equal("1|\n2|3\n3|1\n6|2", ask "SELECT id, up FROM item ORDER BY id")
    assert.equal("4|'9' is not in 'item' (foreign key 'tree')\n5|'4' is not in 'item' (foreign key 'tree')",
      ask "SELECT line, reason FROM pghost.rejects ORDER BY line")
  end)

  it("by a key to a table of the same run is decided by what that run has built", function()
    local parent = r.table("parent", { { "name", r.text():required() } }, { key = "name" })
    write("p.csv", "name\none\ntwo\n")
    write("a.csv", "id,name,price\n1,one,10.00\n")
    local function both(child, parents, order)
      publish(function(run)
        for _, name in ipairs(order) do
          local is_child = name == "item"
          run:load(name, is_child and child or parents, is_child and modes.keyed or parent, { mode = "append" })
        end
      end)
    end
    both("a.csv", "p.csv", { "parent", "item" })
    world.db:query "ALTER TABLE item ADD FOREIGN KEY (name) REFERENCES parent"
    write("q.csv", "name\nthree\n")
    write("b.csv", "id,name,price\n2,three,10.00\n3,four,10.00\n")
    both("b.csv", "q.csv", { "parent", "item" })
    assert.equal("1|one|10.00\n2|three|10.00", items())
    assert.matches("b.csv|3|name|foreign_key|'four' is not in 'parent'", rejects(), 1, true)
    write("r.csv", "name\nfive\n")
    write("c.csv", "id,name,price\n4,two,10.00\n5,six,10.00\n") -- the parent comes later
    modes.fails("c.csv:3: cannot publish 'item': .*Key %(name%)=%(six%) is not present", both, "c.csv", "r.csv",
      { "item", "parent" })
    assert.equal("1|one|10.00\n2|three|10.00", items())
  end)

  local told = {
    ["a trigger that raises"] = { [[CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF NEW.price < 5 THEN RAISE ''too cheap''; END IF; RETURN NEW; END';
      CREATE TRIGGER x BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION refuse()]], "too cheap" },
    ["an exclusion"] = { "ALTER TABLE item ADD CONSTRAINT apart EXCLUDE (price WITH =)",
      "exclusion constraint \"apart\"",
      price = "30.00" },
    ["an index of an expression"] = { "CREATE UNIQUE INDEX lowered ON item (pg_catalog.lower(name))",
      "unique constraint \"lowered\"", name = "THREE" },
    ["a deferred constraint trigger"] = { [[CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF NEW.price < 5 THEN RAISE ''too cheap''; END IF; RETURN NEW; END';
      CREATE CONSTRAINT TRIGGER x AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION refuse()]], "too cheap" },
    ["a CHECK that is not valid yet"] = { "ALTER TABLE item ADD CONSTRAINT dear CHECK (price > 5) NOT VALID",
      "check constraint \"dear\"" },
  }

  for kind, case in pairs(told) do
    for mode, given in pairs(keyed_by) do
      it(("by %s is told with file and line in mode %s where none is allowed"):format(kind, mode), function()
        first(mode)
        for statement in (case[1] .. ";"):gmatch "(.-);%s*%f[C\0]" do
          world.db:query(statement)
        end
        local lines = { "id,name,price", "3,three,30.00" }
        for i = 4, 40 do
          lines[#lines + 1] = i == 23 and ("%d,%s,%s"):format(i, case.name or "n23", case.price or "1.00")
            or ("%d,n%d,%d.00"):format(i, i, i * 10 + 100)
        end
        write("b.csv", table.concat(lines, "\n") .. "\n")
        modes.fails("b.csv:22: cannot publish 'item': .*" .. case[2]:gsub("%p", "%%%0"), load, "b.csv",
          { mode = mode, max_rejects = 0 }, given.rules)
        assert.equal("1|one|10.00\n2|two|20.00", items())
      end)
    end
  end
end)
