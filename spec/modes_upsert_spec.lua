-- A merge as one INSERT ... ON CONFLICT: when it is one, and that it does the same as an UPDATE and an INSERT. What
-- comes out is held against what psql makes of the same file by hand.

local modes = require "support.modes"
local r = require "pghost.rules"
local upsert = require "pghost.modes.upsert"
local world = modes.world()
local write, ask, _, load = world:functions()

local records <const> = 12000

local rules = r.table("item", { { "id", r.bigint() }, { "v", r.text() }, { "n", r.numeric() } }, { key = "id" })

-- A file of the records first..last, with a value that a second one does not have where `changed` says so.
local function file(name, first, last, changed)
  local lines = { "id,v,n" }
  for id = first, last do
    local value = changed(id) and "changed" or "v" .. id
    lines[#lines + 1] = ("%d,%s,%s"):format(id, value, id % 3 == 0 and "" or id .. ".50")
  end
  write(name, table.concat(lines, "\n") .. "\n")
end

local function never()
  return false
end

local function always()
  return true
end

-- What the server makes of the files by itself.
local function by_hand(...)
  world.db:exec [[DROP SCHEMA IF EXISTS hand CASCADE; CREATE SCHEMA hand;
    CREATE TABLE hand.item (id bigint PRIMARY KEY, v text, n numeric)]]
  for _, name in ipairs { ... } do
    world.db:exec(([[CREATE TABLE hand.new (id bigint, v text, n numeric);
      COPY hand.new FROM '%s/%s' (FORMAT csv, HEADER);
      INSERT INTO hand.item SELECT * FROM hand.new ON CONFLICT (id) DO UPDATE SET v = excluded.v, n = excluded.n;
      DROP TABLE hand.new]]):format(world.folder, name))
  end
end

local function assert_as_by_hand()
  assert.equal("0", ask [[SELECT count(*) FROM (
    (SELECT id, v, n::text FROM item EXCEPT SELECT id, v, n::text FROM hand.item)
    UNION ALL (SELECT id, v, n::text FROM hand.item EXCEPT SELECT id, v, n::text FROM item)) AS d]])
  assert.equal(ask "SELECT count(*) FROM hand.item", ask "SELECT count(*) FROM item")
end

describe("a merge as one statement", function()
  local statement, used = upsert.statement, 0

  world:use(setup, teardown, before_each, after_each)

  before_each(function()
    used = 0
    upsert.statement = function(change)
      used = used + 1
      return statement(change)
    end
    os.execute("chmod 755 " .. world.folder)
    file("a.csv", 1, records, never)
    load("a.csv", { mode = "merge" }, rules)
  end)

  after_each(function()
    upsert.statement = statement
  end)

  it("changes what the file changes, adds what it adds, and counts both", function()
    file("b.csv", records // 2 + 1, records + 1000, always)
    assert.matches("publish +item +1,000 added, 6,000 changed, 0 removed", load("b.csv", { mode = "merge" }, rules))
    assert.equal(1, used)
    by_hand("a.csv", "b.csv")
    assert_as_by_hand()
  end)

  it("counts rows that stay as they are by none", function()
    file("b.csv", 1, 6000, function(id)
      return id % 50 ~= 0
    end)
    assert.matches("publish +item +0 added, 5,880 changed, 0 removed", load("b.csv", { mode = "merge" }, rules))
    assert.equal(1, used)
    by_hand("a.csv", "b.csv")
    assert_as_by_hand()
  end)

  it("is two where most stays as it is: those rows are not touched", function()
    file("b.csv", 1, records, function(id)
      return id % 2 == 0
    end)
    local locked = "SELECT count(*) FROM item WHERE xmax <> '0'"
    assert.equal("0", ask(locked))
    assert.matches("0 added, 6,000 changed, 0 removed", load("b.csv", { mode = "merge" }, rules))
    assert.equal(0, used)
    assert.equal("0", ask(locked))
  end)

  it("brings back what was marked as deleted, and removes what is missing", function()
    world.db:exec "ALTER TABLE item ADD COLUMN _deleted_at timestamptz"
    file("b.csv", 1, 6000, always)
    local marking = { mode = "merge", missing = "mark" }
    assert.matches("0 added, 6,000 changed, 6,000 removed", load("b.csv", marking, rules))
    file("c.csv", 1, records, always)
    assert.matches("0 added, 6,000 changed, 0 removed", load("c.csv", marking, rules))
    file("d.csv", 5000, records, never)
    assert.matches("0 added, 7,001 changed, 4,999 removed", load("d.csv", { mode = "merge", missing = "delete" },
      rules))
    assert.equal(2, used) -- of c.csv half stays as it is
    by_hand "d.csv"
    assert_as_by_hand()
  end)

  local others = {
    ["another unique index, which may let a row in only after another has changed"] = {
      "CREATE UNIQUE INDEX other ON item (n)" },
    ["a column that the files do not have"] = { "ALTER TABLE item ADD COLUMN seen bigserial" },
    ["a trigger"] = { [[CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER same BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION same()]] },
    ["a constraint that is not valid"] = { "ALTER TABLE item ADD CHECK (v <> 'v1') NOT VALID" },
    ["a key that is checked at the end"] = {
      "ALTER TABLE item DROP CONSTRAINT item_pkey, ADD PRIMARY KEY (id) DEFERRABLE" },
    ["a table that inherits"] = { "CREATE TABLE younger () INHERITS (item)" },
  }

  for what, one in pairs(others) do
    it("is two beside " .. what, function()
      world.db:exec(one[1])
      file("b.csv", records // 2 + 1, records + 1000, always)
      assert.matches("publish +item +1,000 added, 6,000 changed, 0 removed", load("b.csv", { mode = "merge" }, rules))
      assert.equal(0, used)
      by_hand("a.csv", "b.csv")
      assert_as_by_hand()
    end)
  end
end)
