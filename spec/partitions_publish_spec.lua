-- What users gave to a partitioned table and to its partitions survives a replacement.

local modes = require "support.modes"
local r = require "pghost.rules"
local world = modes.world()
local write, ask, _, load = world:functions()

local keyed = r.table("item", { { "id", r.bigint():required() }, { "day", r.date() }, { "v", r.text() } },
  { key = { "id", "day" } })

local options = { partition = { by = "month", column = "day" } }

-- What the catalog says of the table and its partitions, without oids.
local function described()
  return ask [[
    SELECT * FROM (
      SELECT c.relname::text AS of, 'comment' AS what, obj_description(c.oid, 'pg_class') AS text FROM pg_class AS c
      UNION ALL SELECT c.relname, 'acl', array_to_string(coalesce(c.relacl, acldefault('r', relowner)), ' ')
        FROM pg_class AS c WHERE relkind IN ('r', 'p', 'v')
      UNION ALL SELECT c.relname, 'owner', pg_get_userbyid(c.relowner) FROM pg_class AS c
      UNION ALL SELECT tgrelid::regclass::text, 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
      UNION ALL SELECT indrelid::regclass::text, 'index', pg_get_indexdef(indexrelid) FROM pg_index
      UNION ALL SELECT conrelid::regclass::text, 'constraint', concat(conname, ' ', pg_get_constraintdef(oid))
        FROM pg_constraint WHERE contype <> 'n' AND (contype <> 'f' OR conparentid = 0)
      UNION ALL SELECT stxrelid::regclass::text, 'statistics', pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
      UNION ALL SELECT polrelid::regclass::text, 'policy', polname FROM pg_policy
      UNION ALL SELECT c.relname, 'view', pg_get_viewdef(c.oid) FROM pg_class AS c WHERE relkind = 'v'
      UNION ALL SELECT c.relname, 'bounds', pg_get_expr(c.relpartbound, c.oid) FROM pg_class AS c
      UNION ALL SELECT c.relname, 'options', c.reloptions::text FROM pg_class AS c WHERE relkind <> 'i'
    ) AS x
    WHERE split_part(of, '_', 1) IN ('item', 'other', 'seen') AND of NOT LIKE '%raw' AND text <> ''
    ORDER BY 1, 2, 3]]
end

describe("replacing a partitioned table", function()
  world:use(setup, teardown, before_each, after_each)

  before_each(function()
    write("a.csv", "id,day,v\n1,2026-01-05,a\n2,2026-02-01,b\n")
    write("b.csv", "id,day,v\n1,2026-01-05,a\n2,2026-02-01,c\n3,2026-03-31,d\n")
    load("a.csv", options, keyed)
  end)

  local given = [[
    CREATE INDEX item_day ON item (day);
    CREATE UNIQUE INDEX item_v_day ON item (v, day);
    ALTER TABLE item ADD CONSTRAINT short CHECK (length(v) < 10);
    COMMENT ON TABLE item IS 'all';
    COMMENT ON TABLE item_p2026_02 IS 'February';
    CREATE INDEX only_february ON item_p2026_02 (v) WHERE id > 1;
    ALTER TABLE item_p2026_02 ADD CONSTRAINT small CHECK (id < 100);
    ALTER TABLE item_p2026_02 SET (fillfactor = 70);
    GRANT SELECT ON item TO PUBLIC;
    GRANT INSERT ON item_p2026_01 TO PUBLIC;
    CREATE STATISTICS item_stats ON id, day FROM item;
    CREATE STATISTICS february_stats ON id, v FROM item_p2026_02;
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER each BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION nothing();
    CREATE TRIGGER each_february BEFORE INSERT ON item_p2026_02 FOR EACH ROW EXECUTE FUNCTION nothing();
    CREATE VIEW seen AS SELECT id, v FROM item;
    CREATE VIEW seen_february AS SELECT id, v FROM item_p2026_02;
    CREATE TABLE other (id bigint, day date, FOREIGN KEY (id, day) REFERENCES item (id, day));
    INSERT INTO other VALUES (1, '2026-01-05');
    CREATE POLICY mine ON item USING (true);
    ALTER TABLE item ENABLE ROW LEVEL SECURITY]]

  it("keeps what there was of it and of its partitions", function()
    world.db:exec(given)
    local before = described()
    load("a.csv", options, keyed)
    assert.equal(before, described())
    load("b.csv", options, keyed)
    assert.equal("1|a\n2|c\n3|d", ask "SELECT id, v FROM seen ORDER BY 1")
    assert.equal("2|c", ask "SELECT id, v FROM seen_february")
    world.db:exec "DROP TABLE other"
    load("a.csv", options, keyed)
    world.db:exec "CREATE TABLE other (id bigint, day date, FOREIGN KEY (id, day) REFERENCES item (id, day))"
    assert.equal(before, described())
  end)

  it("divides a table that was not, and keeps what there was of it", function()
    world.db:exec "DROP TABLE item, item_raw"
    load("a.csv", {}, keyed)
    world.db:exec((given:gsub("[^;]*february[^;]*;", ""):gsub("[^;]*item_p2026[^;]*;", "")))
    local before = described()
    load("a.csv", options, keyed)
    local after = {}
    for line in (described() .. "\n"):gmatch "([^\n]*)\n" do
      after[#after + 1] = not line:find "item_p2026" and line:gsub("ON ONLY", "ON") or nil
    end
    assert.equal(before, table.concat(after, "\n"))
    assert.equal("item_p2026_01\nitem_p2026_02", ask [[
      SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'item'::regclass ORDER BY 1]])
  end)

  it("is refused where a partition's name is taken", function()
    world.db:exec "CREATE TABLE item_p2026_03 (mine int)"
    modes.fails("its partition needs the name public.item_p2026_03, which exists and is not a partition of it: rename "
      .. "that", load, "b.csv", options, keyed)
    assert.equal("2", ask "SELECT count(*) FROM item")
  end)

  it("is refused without the option", function()
    modes.fails("'public.item': it is a partitioned table: load it with the option partition", load, "b.csv", {}, keyed)
    assert.equal("2", ask "SELECT count(*) FROM item")
  end)

  it("is refused where a view reads a partition that there would not be", function()
    world.db:exec "CREATE VIEW seen_january AS SELECT id FROM item_p2026_01"
    write("c.csv", "id,day,v\n2,2026-02-01,c\n")
    modes.fails("seen_january", load, "c.csv", options, keyed)
    assert.equal("2", ask "SELECT count(*) FROM item")
  end)
end)
