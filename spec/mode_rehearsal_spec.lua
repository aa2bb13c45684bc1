-- New rows that a published table refuses and only writing them shows: rejects, where the load allows some. The oracle
-- is the server: the same records inserted one by one, in the order of the files, and those that it refused.

local modes = require "support.modes"
local r = require "pghost.rules"

local world = modes.world()
local write, ask, publish, load, items = world:functions()

local keyed_by = {
  append = { rules = modes.plain }, merge = { rules = modes.keyed }, history = { rules = modes.keyed },
}

local raises <const> = [[CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF NEW.price < 5 THEN RAISE 'too cheap: %', NEW.price; END IF; RETURN NEW; END $$;]]

-- What the table gets beside its columns, and the rule of its rejects.
local kinds = {
  ["a trigger before"] = { raises .. "CREATE TRIGGER x BEFORE INSERT OR UPDATE ON item FOR EACH ROW "
    .. "EXECUTE FUNCTION refuse()", "trigger" },
  ["a trigger after"] = { raises .. "CREATE TRIGGER x AFTER INSERT OR UPDATE ON item FOR EACH ROW "
    .. "EXECUTE FUNCTION refuse()", "trigger", only = "merge" },
  ["a deferred constraint trigger"] = { raises .. "CREATE CONSTRAINT TRIGGER x AFTER INSERT OR UPDATE ON item "
    .. "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()", "trigger" },
  ["an exclusion"] = { "ALTER TABLE item ADD CONSTRAINT apart EXCLUDE USING gist "
    .. "(numrange(price, price + 10) WITH &&)", "exclusion" },
  ["a deferred exclusion"] = { "ALTER TABLE item ADD CONSTRAINT apart EXCLUDE USING gist "
    .. "(numrange(price, price + 10) WITH &&) DEFERRABLE INITIALLY DEFERRED", "exclusion", only = "append" },
  ["an index of an expression"] = { "CREATE UNIQUE INDEX lowered ON item (lower(name))", "unique" },
  ["a partial index"] = { "CREATE UNIQUE INDEX dear_names ON item (name) WHERE price > 15", "unique",
    only = "history" },
  ["a CHECK that is not valid yet"] = { "ALTER TABLE item ADD CONSTRAINT dear CHECK (price > 5) NOT VALID", "check",
    only = "append" },
  ["a CHECK that divides by zero"] = { "ALTER TABLE item ADD CONSTRAINT share CHECK (1 / (price - 4) < 100)", "type" },
}

local first_records = { "1,one,10.00", "2,two,20.00" }

-- Some are refused by each of the kinds, of some that follow each other the first, of others the last.
local function second_records()
  local list = {}
  for i = 3, 42 do
    list[#list + 1] = ("%d,n%d,%d.00"):format(i, i, i * 20)
  end
  for _, place in ipairs { 4, 5, 19, 40 } do
    list[place] = list[place]:gsub("%d+%.00", "4.00")
  end
  list[7], list[8], list[9] = "9,TWO,300.00", "10,Two,309.00", "11,two,318.00"
  list[30] = "32,n33,1000.00"
  return list
end

local function as_file(records)
  return "id,name,price\n" .. table.concat(records, "\n") .. "\n"
end

-- Inserts records one by one into a table made like the published one; returns the lines of those refused.
local function oracle(made)
  local db = world.db
  db:exec "CREATE SCHEMA model; SET search_path = model, public"
  db:exec("CREATE TABLE model.item (id bigint, name text, price numeric(10, 2));" .. made)
  local refused = {}
  for i, list in ipairs { first_records, second_records() } do
    for n, record in ipairs(list) do
      local id, name, price = record:match "([^,]*),([^,]*),([^,]*)"
      local good = pcall(db.query, db, "INSERT INTO model.item VALUES ($1, $2, $3)", id, name, price)
      assert.is_true(good or i == 2)
      refused[#refused + 1] = not good and tostring(n + 1) or nil
    end
  end
  local left = ask "SELECT id, name, price FROM model.item ORDER BY id"
  db:exec "SET search_path = public; DROP SCHEMA model CASCADE"
  return table.concat(refused, "\n"), left
end

local function assert_accounts()
  assert.equal("t", ask [[SELECT bool_and(records = loaded + corrected + rejected + waived + filtered + duplicates)
    FROM pghost.files]])
end

local function open_lines()
  return ask "SELECT line FROM pghost.rejects WHERE state = 'open' ORDER BY line"
end

describe("rows that a published table refuses only when they are written", function()
  world:use(setup, teardown, before_each, after_each)

  for kind, case in pairs(kinds) do
    for mode, given in pairs(case.only and { [case.only] = keyed_by[case.only] } or keyed_by) do
      it(("by %s are rejects in mode %s"):format(kind, mode), function()
        local made = case[1]
        local lines, left = oracle(made)
        assert.is_true(#lines > 0)
        write("a.csv", as_file(first_records))
        load("a.csv", { mode = mode }, given.rules)
        world.db:exec(made)
        write("b.csv", as_file(second_records()))
        load("b.csv", { mode = mode }, given.rules)
        assert.equal(lines, open_lines())
        assert.equal(left, items())
        assert.equal(case[2], ask "SELECT DISTINCT rule FROM pghost.rejects")
        assert_accounts()
      end)
    end
  end

  it("are told with the server's reason, and count against the budget", function()
    write("a.csv", as_file(first_records))
    load("a.csv", { mode = "append" }, modes.plain)
    world.db:exec "CREATE UNIQUE INDEX lowered ON item (lower(name))"
    write("b.csv", "id,name,price\n3,three,1\n4,THREE,2\n5,Two,3\n6,x,\n")
    modes.fails("table 'item': 2 of 4 records rejected, its budget allows 1", load, "b.csv",
      { mode = "append", max_rejects = 1 }, modes.plain)
    assert.equal("1|one|10.00\n2|two|20.00", items())
    load("b.csv", { mode = "append", max_rejects = 2 }, modes.plain)
    assert.equal([[b.csv|3|unique|duplicate key value violates unique constraint "lowered": ]]
      .. "Key (lower(name))=(three) already exists.|4,THREE,2\n"
      .. [[b.csv|4|unique|duplicate key value violates unique constraint "lowered": ]]
      .. "Key (lower(name))=(two) already exists.|5,Two,3",
      ask [[SELECT f.name, j.line, j.rule, j.reason, convert_from(j.original, 'UTF8') FROM pghost.rejects AS j
        JOIN pghost.files AS f USING (file_id) WHERE j.run_id = (SELECT max(run_id) FROM pghost.runs) ORDER BY 2]])
  end)

  it("leave the rest of a merge that changes and removes rows", function()
    write("a.csv", "id,name,price\n1,one,10\n2,two,20\n3,three,30\n")
    load("a.csv", { mode = "merge", missing = "delete" })
    world.db:exec "CREATE UNIQUE INDEX lowered ON item (lower(name))"
    write("a.csv", "id,name,price\n1,eins,11\n4,THREE,40\n5,EINS,50\n2,two,21\n") -- 3 goes, and with it its name
    load("a.csv", { mode = "merge", missing = "delete" })
    assert.equal("4", open_lines())
    assert.equal("1|eins|11.00\n2|two|21.00\n4|THREE|40.00", items())
    assert_accounts()
  end)

  it("that a trigger judges by tables that are loaded later are left to publishing", function()
    local line = r.table("line", { { "item", r.bigint():required() } })
    local function both(items_file, lines_file)
      publish(function(run)
        run:load("item", items_file, modes.plain, { mode = "append" })
        run:load("line", lines_file, line, { mode = "append" })
      end)
    end
    write("a.csv", "id,name,price\n1,one,1\n")
    write("l.csv", "item\n1\n")
    both("a.csv", "l.csv")
    world.db:exec [[CREATE FUNCTION has_lines() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NOT EXISTS (SELECT FROM public.line WHERE item = NEW.id) THEN RAISE 'no lines'; END IF; RETURN NEW; END $$;
      CREATE CONSTRAINT TRIGGER x AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION has_lines()]]
    write("b.csv", "id,name,price\n2,two,2\n")
    write("m.csv", "item\n2\n")
    both("b.csv", "m.csv")
    assert.equal("", open_lines())
    assert.equal("1|one|1.00\n2|two|2.00", items())
  end)

  it("are found beside a key to what the run adds to another table", function()
    local parent = r.table("parent", { { "name", r.text():required() } }, { key = "name" })
    local function both(items_file, parents)
      publish(function(run)
        run:load("parent", parents, parent, { mode = "append" })
        run:load("item", items_file, modes.keyed, { mode = "append" })
      end)
    end
    write("a.csv", "id,name,price\n1,one,1\n")
    write("p.csv", "name\none\n")
    both("a.csv", "p.csv")
    world.db:exec [[ALTER TABLE item ADD FOREIGN KEY (name) REFERENCES parent;
      CREATE UNIQUE INDEX rounded ON item (round(price))]]
    write("b.csv", "id,name,price\n2,two,2\n3,two,1.2\n4,one,4\n5,none,5\n")
    write("q.csv", "name\ntwo\n")
    both("b.csv", "q.csv")
    assert.equal("3|unique\n5|foreign_key", ask "SELECT line, rule FROM pghost.rejects ORDER BY line")
    assert.equal("1|one|1.00\n2|two|2.00\n4|one|4.00", items())
    assert_accounts()
  end)

  it("leave nothing of the attempts", function()
    write("a.csv", as_file(first_records))
    load("a.csv", { mode = "append" }, modes.plain)
    world.db:exec("CREATE TABLE seen (id bigint);" .. [[CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO public.seen VALUES (NEW.id); IF NEW.id = 4 THEN RAISE 'four'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER x AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note()]])
    write("b.csv", "id,name,price\n3,three,3\n4,four,4\n5,five,5\n")
    load("b.csv", { mode = "append" }, modes.plain)
    assert.equal("3\n5", ask "SELECT id FROM seen ORDER BY id")
    assert.equal("3", open_lines())
  end)
end)
