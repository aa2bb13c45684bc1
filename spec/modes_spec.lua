-- Loads that add to what is published: append, merge, history. What is expected comes from a model in plain Lua.

local modes = require "support.modes"
local r = require "pghost.rules"
local new_seed = require "support.seed"
local keyed, fails = modes.keyed, modes.fails
local world = modes.world()
local write, ask, publish, load, items = world:functions()

describe("the modes of a load", function()
  world:use(setup, teardown, before_each, after_each)

  describe("append", function()

    it("rejects records whose key is published, and shows checks and analytics the whole table", function()
      write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
      load("a.csv", { mode = "append" })
      write("b.csv", "id,name,price\n2,again,9\n3,three,3\n3,thrice,4\n")
      local log = publish(function(run)
        run:load("item", "b.csv", keyed, { mode = "append" })
        assert.equal(3, run:query("SELECT count(*) AS n FROM item")[1].n)
        assert.equal(5, run:query("SELECT count(*) AS n FROM item_raw")[1].n)
        assert.equal("1|one\n2|two", ask "SELECT id, name FROM item ORDER BY id") -- others see the old one
      end)
      assert.matches("2 duplicates of id rejected, what was there stays", log)
      assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00", items())
      assert.equal("2|duplicate of id '2' in the published table\n4|duplicate of id '3' at b.csv:3",
        ask "SELECT line, reason FROM pghost.rejects ORDER BY line")
      assert.equal("3|1|2", ask "SELECT records, loaded, duplicates FROM pghost.files WHERE name = 'b.csv'")
    end)

    it("keeps what others added to the published table, and adds raw columns that files bring", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      load("a.csv", { mode = "append" })
      world.db:exec "CREATE VIEW cheap AS SELECT id FROM item WHERE price < 5; CREATE INDEX ON item (name)"
      local before = ask "SELECT 'item'::regclass::oid"
      write("b.csv", "id,name,price,color\n2,two,2,red\n")
      load("b.csv", { mode = "append" })
      assert.equal(before, ask "SELECT 'item'::regclass::oid")
      assert.equal("1\n2", ask "SELECT id FROM cheap ORDER BY id")
      assert.equal("1|\n2|red", ask "SELECT id, color FROM item_raw ORDER BY id")
    end)

    it("refuses a published table with other columns", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      load("a.csv", { mode = "append" })
      write("b.csv", "id,name,price\n2,two,2\n")
      fails("table 'public.item' has 'price' as numeric%(10,2%), the rules as bigint: alter it", load, "b.csv",
        { mode = "append" }, r.table("item", { { "id", r.bigint() }, { "price", r.bigint() } }))
      write("c.csv", "id,more\n2,3\n")
      fails("table 'public.item' has no column 'more'", load, "c.csv",
        { mode = "append" }, r.table("item", { { "id", r.bigint() }, { "more", r.bigint() } }))
    end)

    it("works for stage and clean as for load", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      local function both(name)
        publish(function(run)
          run:stage("item", name, keyed, { mode = "append" })
          run:clean("item", keyed, { mode = "append" })
        end)
      end
      both "a.csv"
      write("b.csv", "id,name,price\n2,two,2\n")
      both "b.csv"
      assert.equal("1|one|1.00\n2|two|2.00", items())
      assert.equal("2", ask "SELECT count(*) FROM item_raw")
      fails("nothing new in 'item_raw'", publish, function(run)
        run:clean("item", keyed, { mode = "append" })
      end)
    end)

    it("takes a foreign key to a table that the same run replaces", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      write("u1.csv", "uid\n1\n")
      local users = r.table("users", { { "uid", r.bigint():required() } }, { key = "uid" })
      local function both(items_file, users_file)
        publish(function(run)
          run:load("users", users_file, users)
          run:load("item", items_file, keyed, { mode = "append" })
        end)
      end
      both("a.csv", "u1.csv")
      world.db:exec "ALTER TABLE item ADD FOREIGN KEY (id) REFERENCES users"
      write("b.csv", "id,name,price\n2,two,2\n")
      write("u2.csv", "uid\n1\n2\n")
      both("b.csv", "u2.csv")
      assert.equal("1\n2", ask "SELECT id FROM item ORDER BY id")
    end)
  end)

  describe("misuse", function()
    it("is refused before anything is loaded", function()
      write("a.csv", "id,name,price\n1,one,1\n")
      fails("mode must be one of 'append', 'history', 'merge', 'partitions', 'replace', got 'upsert'", load, "a.csv",
        { mode = "upsert" })
      fails("missing must be one of 'delete', 'keep', 'mark' in mode 'merge', got 'close'", load, "a.csv",
        { mode = "merge", missing = "close" })
      fails("mode 'merge' needs a key", load, "a.csv", { mode = "merge" }, r.table("item", { { "id", r.bigint() } }))
      assert.equal("0", ask "SELECT count(*) FROM pghost.files")
    end)
  end)

  -- The model: what each mode makes of a sequence of files.

  local model = {}

  function model.append(state, records)
    for _, record in ipairs(records) do
      state[record.id] = state[record.id] or record
    end
  end

  function model.merge(state, records, missing)
    local seen = {}
    for _, record in ipairs(records) do
      seen[record.id] = record
    end
    for id, record in pairs(seen) do
      state[id] = record
    end
    for id in pairs(missing == "delete" and state or {}) do
      if not seen[id] then
        state[id] = nil
      end
    end
  end

  local function random_records(random, count)
    local records = {}
    for i = 1, count do
      local id = random(1, 30)
      records[i] = { id = id, name = random(1, 4) == 1 and "" or "name " .. random(1, 3), price = random(1, 3) }
    end
    return records
  end

  local function csv_of(records)
    local lines = { "id,name,price" }
    for _, record in ipairs(records) do
      lines[#lines + 1] = ("%d,%s,%d"):format(record.id, record.name, record.price)
    end
    return table.concat(lines, "\n") .. "\n"
  end

  local function text_of(state)
    local ids, lines = {}, {}
    for id in pairs(state) do
      ids[#ids + 1] = id
    end
    table.sort(ids)
    for i, id in ipairs(ids) do
      lines[i] = ("%d|%s|%d.00"):format(id, state[id].name, state[id].price)
    end
    return table.concat(lines, "\n")
  end

  for _, case in ipairs { { "append" }, { "merge" }, { "merge", "delete" } } do
    local mode, missing = case[1], case[2]
    it(("%s%s does what the model does, whatever comes, and once"):format(mode, missing and " with " .. missing or ""),
      function()
        local seed = new_seed()
        math.randomseed(seed)
        local state = {}
        for step = 1, 6 do
          local records = random_records(math.random, math.random(1, 25))
          write(step .. ".csv", csv_of(records))
          model[mode](state, records, missing)
          load(step .. ".csv", { mode = mode, missing = missing })
          assert.equal(text_of(state), items(), "seed " .. seed .. " step " .. step)
          assert.matches("nothing new", load(step .. ".csv", { mode = mode, missing = missing }))
          assert.equal(text_of(state), items(), "seed " .. seed .. " again at step " .. step)
        end
      end)
  end

  it("merge counts what it changed, and marks what is missing", function()
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n3,three,3\n")
    load("a.csv", { mode = "merge", missing = "mark" })
    write("b.csv", "id,name,price\n1,one,1\n2,zwei,2\n4,four,4\n")
    local log = publish(function(run)
      run:load("item", "b.csv", keyed, { mode = "merge", missing = "mark" })
      assert.equal(1, run:query("SELECT count(*) AS n FROM item WHERE _deleted_at = :run_started")[1].n)
    end)
    assert.matches("publish%s+item%s+1 added, 1 changed, 1 removed", log)
    assert.equal("1|one|t\n2|zwei|t\n3|three|f\n4|four|t",
      ask "SELECT id, name, _deleted_at IS NULL FROM item ORDER BY id")
    write("c.csv", "id,name,price\n1,one,1\n2,zwei,2\n3,three,3\n4,four,4\n")
    load("c.csv", { mode = "merge", missing = "mark" })
    assert.equal("4", ask "SELECT count(*) FROM item WHERE _deleted_at IS NULL")
  end)

  it("refuses tables of which it may not see every record", function()
    world.db:query "DO $$ BEGIN CREATE ROLE modes_owner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    world.db:query(("GRANT CREATE ON DATABASE %s TO modes_owner"):format(ask "SELECT current_database()"))
    world.db:query "GRANT ALL ON SCHEMA public TO modes_owner"
    world.dsn = world.dsn:gsub("user=postgres", "user=modes_owner")
    local _ <close> = setmetatable({}, { __close = function()
      world.dsn = world.dsn
    end })
    write("a.csv", "id,name,price\n1,one,1\n2,two,2\n")
    write("b.csv", "id,name,price\n1,one,1\n2,zwei,2\n")
    for _, mode in ipairs { "history", "merge", "append" } do
      load("a.csv", { mode = mode })
      for _, name in ipairs { "item", "item_raw" } do
        world.db:query(("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"):format(name))
        world.db:query(("CREATE POLICY first ON %s USING (id::text = '1') WITH CHECK (true)"):format(name))
      end
      fails("table '[publicitem_raw.]*' has row%-level security, which may hide records from role 'modes_owner'", load,
        "b.csv", { mode = mode })
      fails("table '[publicitem_raw.]*' has row%-level security, which may hide", publish, function(run)
        run:clean("item", keyed)
      end)
      world.db:query "ALTER TABLE item NO FORCE ROW LEVEL SECURITY"
      world.db:query "ALTER TABLE item_raw NO FORCE ROW LEVEL SECURITY"
      load("b.csv", { mode = mode })
      world.db:query "DROP TABLE item, item_raw"
      world.db:query "DROP SCHEMA pghost CASCADE"
    end
  end)
end)
