-- Mode `partitions`: exactly the partitions that the files touch are replaced, and nothing else moves.

local check = require "pghost.check"
local modes = require "support.modes"
local r = require "pghost.rules"
local world = modes.world()
local write, ask, publish, load = world:functions()

local keyed = r.table("item", { { "id", r.bigint():required() }, { "day", r.date() }, { "v", r.text() } },
  { key = { "id", "day" } })

local function options(more)
  local given = { partition = { by = "month", column = "day" }, mode = "partitions", max_rejects = "100%" }
  for key, value in pairs(more or {}) do
    given[key] = value
  end
  return given
end

-- After a.csv and then b.csv.
local of_both = "item_p2026_01|1|a\nitem_p2026_02|2|b\nitem_p2026_03|3|C\nitem_p2026_03|5|e\nitem_p2026_05|6|f"

-- Files, records and transactions of each partition: what is not replaced has the same.
local function physical(only)
  return ask(("SELECT inhrelid::regclass, pg_relation_filenode(inhrelid) FROM pg_inherits "
    .. "WHERE inhparent = 'item'::regclass AND inhrelid::regclass::text ~ '%s' ORDER BY 1"):format(only))
end

local function records(only)
  return ask(("SELECT ctid, xmin, * FROM item WHERE tableoid::regclass::text ~ '%s' ORDER BY id"):format(only))
end

local function held()
  return ask "SELECT tableoid::regclass, id, v FROM item ORDER BY id"
end

describe("mode partitions", function()
  world:use(setup, teardown, before_each, after_each)

  before_each(function()
    write("a.csv", "id,day,v\n1,2026-01-05,a\n2,2026-02-01,b\n3,2026-03-01,c\n4,2026-03-31,d\n")
    write("b.csv", "id,day,v\n3,2026-03-01,C\n5,2026-03-15,e\n6,2026-05-01,f\n")
    load("a.csv", options(), keyed)
  end)

  it("replaces what the files touch, and nothing else moves", function()
    local before, rows = physical "_0[12]$", records "_0[12]$"
    local march = physical "_03$"
    local log = load("b.csv", options(), keyed)
    assert.equal(before, physical "_0[12]$")
    assert.equal(rows, records "_0[12]$")
    assert.not_equal(march, physical "_03$")
    assert.equal(of_both, held())
    assert.truthy(log:find("1 partition replaced, 1 new: item_p2026_03, item_p2026_05 (3 records)", 1, true), log)
    assert.equal("0", ask "SELECT count(*) FROM pg_constraint WHERE conname = 'pghost_bounds'")
    assert.equal("0", ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
  end)

  it("does so again and again, also with the same file", function()
    load("b.csv", options(), keyed)
    local before = held()
    load("b.csv", options(), keyed)
    assert.equal(before, held())
    load("a.csv", options(), keyed)
    assert.equal("item_p2026_01|1|a\nitem_p2026_02|2|b\nitem_p2026_03|3|c\nitem_p2026_03|4|d\nitem_p2026_05|6|f",
      held())
  end)

  it("has indexes, keys, triggers and rights as before, and all indexes are attached", function()
    world.db:exec [[
      CREATE TABLE parent (v text PRIMARY KEY);
      INSERT INTO parent VALUES ('a'), ('b'), ('c'), ('d'), ('C'), ('e'), ('f');
      ALTER TABLE item ADD CONSTRAINT item_parent FOREIGN KEY (v) REFERENCES parent (v);
      CREATE INDEX item_v ON item (v);
      CREATE INDEX march_v ON item_p2026_03 (v) WHERE id > 3;
      ALTER TABLE item ADD CONSTRAINT short CHECK (length(v) < 10);
      ALTER TABLE item_p2026_03 ADD CONSTRAINT small CHECK (id < 100);
      COMMENT ON TABLE item_p2026_03 IS 'March';
      ALTER TABLE item_p2026_03 SET (fillfactor = 70);
      ALTER TABLE item_p2026_03 ALTER COLUMN v SET STATISTICS 17;
      GRANT SELECT ON item_p2026_03 TO PUBLIC;
      CREATE STATISTICS march_stats ON id, v FROM item_p2026_03;
      CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER each AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION nothing();
      CREATE TRIGGER each_march AFTER INSERT ON item_p2026_03 FOR EACH ROW EXECUTE FUNCTION nothing();
      CREATE VIEW seen AS SELECT id FROM item_p2026_03]]
    local described = [[
      SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), (SELECT inhparent::regclass::text
          FROM pg_inherits WHERE inhrelid = indexrelid) FROM pg_index WHERE indrelid = 'item_p2026_03'::regclass
      UNION ALL SELECT conname, pg_get_constraintdef(oid), format('%s %s %s', conparentid <> 0, coninhcount,
          convalidated) FROM pg_constraint WHERE conrelid = 'item_p2026_03'::regclass
      UNION ALL SELECT tgname, pg_get_triggerdef(oid), NULL FROM pg_trigger
        WHERE tgrelid = 'item_p2026_03'::regclass AND NOT tgisinternal
      UNION ALL SELECT obj_description(oid, 'pg_class'), relacl::text, reloptions::text FROM pg_class
        WHERE oid = 'item_p2026_03'::regclass
      UNION ALL SELECT stxname, pg_get_statisticsobjdef(oid), NULL FROM pg_statistic_ext
      UNION ALL SELECT 'v', attstattarget::text, NULL FROM pg_attribute
        WHERE attrelid = 'item_p2026_03'::regclass AND attname = 'v'
      ORDER BY 1, 2]]
    local before = ask(described)
    load("b.csv", options(), keyed)
    assert.equal(before, ask(described))
    assert.equal("3\n5", ask "SELECT id FROM seen ORDER BY 1")
    assert.equal("item_p2026_05_pkey|t\nitem_p2026_05_v_idx|t", ask [[
      SELECT indexrelid::regclass, EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid) FROM pg_index
      WHERE indrelid = 'item_p2026_05'::regclass ORDER BY 1]])
    modes.fails("violates foreign key", world.db.query, world.db,
      "INSERT INTO item VALUES (9, '2026-05-01', 'unknown')")
  end)

  it("shows checks the table as it will be", function()
    local function checked(count)
      publish(function(run)
        run:load("item", "b.csv", keyed, options())
        run:check { check.sql("five", "SELECT count(*) AS n FROM item HAVING count(*) <> " .. count) }
      end)
    end
    modes.fails("1 check failed", checked, 4)
    assert.equal("4", ask "SELECT count(*) FROM item")
    checked(5)
    assert.equal("5", ask "SELECT count(*) FROM item")
  end)

  it("rejects records without a partition, also where there is a default one", function()
    world.db:exec "CREATE TABLE item_rest PARTITION OF item DEFAULT"
    write("c.csv", "id,day,v\n7,infinity,x\n8,2026-03-03,y\n")
    load("c.csv", options { partition = { by = "month", column = "day", default = true } }, keyed)
    assert.equal("2|no partition by month for 'infinity'", ask "SELECT line, reason FROM pghost.rejects")
    assert.equal("item_p2026_01|1|a\nitem_p2026_02|2|b\nitem_p2026_03|8|y", held())
  end)

  it("says in a dry run what it would replace", function()
    local before = held()
    local log = publish(function(run)
      run:load("item", "b.csv", keyed, options())
    end, { dry_run = true })
    assert.truthy(log:find("1 partition replaced, 1 new: item_p2026_03, item_p2026_05 (3 records)", 1, true), log)
    assert.equal(before, held())
  end)

  it("is one transaction with the rest of the run, also with a table that the partitions refer to", function()
    write("p.csv", "v\na\nb\nc\nd\nC\ne\nf\n")
    local parents = r.table("parent", { { "v", r.text() } }, { key = "v" })
    local function both(spec, name)
      return publish(function(run)
        run:load("item", spec, keyed, options())
        run:load("parent", name, parents)
      end)
    end
    both("a.csv", "p.csv")
    world.db:exec "ALTER TABLE item ADD CONSTRAINT item_parent FOREIGN KEY (v) REFERENCES parent (v)"
    both("b.csv", "p.csv")
    assert.equal(of_both, held())
    assert.equal("t", ask "SELECT bool_and(convalidated) FROM pg_constraint WHERE contype = 'f'")
    write("p.csv", "v\na\n")
    modes.fails("would refer to no record", both, "b.csv", "p.csv")
    assert.equal("7", ask "SELECT count(*) FROM parent")
  end)

  it("refuses what is not sure", function()
    modes.fails("mode 'partitions' needs the option partition", load, "b.csv", { mode = "partitions" }, keyed)
    modes.fails("cannot be combined with by = 'hash'", load, "b.csv",
      options { partition = { by = "hash", column = "id", count = 2 } }, keyed)
    world.db:exec "CREATE TABLE other (id bigint, day date, CONSTRAINT to_item FOREIGN KEY (id, day) REFERENCES item)"
    modes.fails("drop foreign key 'to_item' of 'other'", load, "b.csv", options(), keyed)
    world.db:exec "DROP TABLE other; DELETE FROM pghost.published WHERE table_name = 'item'"
    modes.fails("table 'public.item' was not published by pghost", load, "b.csv", options(), keyed)
    world.db:exec [[DROP TABLE item; CREATE TABLE item (id bigint NOT NULL, day date NOT NULL, v text,
        PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      CREATE TABLE quarter PARTITION OF item FOR VALUES FROM ('2026-01-01') TO ('2026-04-01')]]
    modes.fails("partition 'quarter' %(FOR VALUES FROM %('2026%-01%-01'%) TO %('2026%-04%-01'%)%) holds more or less "
      .. "than", load, "b.csv", options { adopt = true }, keyed)
  end)

  it("replaces partitions that were made by hand with the same bounds, under their names", function()
    world.db:exec "ALTER TABLE item_p2026_03 RENAME TO march"
    load("b.csv", options(), keyed)
    assert.equal("item_p2026_01|1|a\nitem_p2026_02|2|b\nmarch|3|C\nmarch|5|e\nitem_p2026_05|6|f", held())
  end)
end)
