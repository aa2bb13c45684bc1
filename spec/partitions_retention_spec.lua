-- Old partitions: removed when a run publishes, if asked, and only those whose time is over.

local modes = require "support.modes"
local r = require "pghost.rules"
local world = modes.world()
local write, ask, publish = world:functions()

local function table_of(kind)
  return r.table("item", { { "id", r.bigint():required() }, { "day", kind }, { "v", r.text() } })
end

local function load(spec, partition, kind, config, mode)
  local given = { by = "month", column = "day" }
  for key, value in pairs(partition or {}) do
    given[key] = value
  end
  config = config or {}
  config.as_of = config.as_of or "2026-03-01"
  return publish(function(run)
    run:load("item", spec, table_of(kind or r.date()), { mode = mode or "append", partition = given })
  end, config)
end

local function names()
  return ask [[SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid::regclass::text) FROM pg_inherits
    WHERE inhparent = 'item'::regclass]]
end

describe("retention", function()
  world:use(setup, teardown, before_each, after_each)

  before_each(function()
    write("a.csv", "id,day,v\n1,2025-12-31,a\n2,2026-01-01,b\n3,2026-02-01,c\n4,2026-03-01,d\n")
    write("b.csv", "id,day,v\n5,2026-03-02,e\n")
  end)

  it("detaches what ended before, and keeps it as a table", function()
    load "a.csv"
    local log = load("b.csv", { keep = "1 month" })
    assert.equal("item_p2026_02 item_p2026_03", names())
    assert.truthy(log:find("2 partitions older than 1 month detached: item_p2025_12, item_p2026_01", 1, true), log)
    assert.equal("1", ask "SELECT id FROM item_p2025_12")
    assert.equal("3\n4\n5", ask "SELECT id FROM item ORDER BY 1")
  end)

  it("drops it if asked, to the moment", function()
    load "a.csv"
    load("b.csv", { keep = "2 months", old = "drop" }, nil, { as_of = "2026-02-28 23:59:59.999999" })
    assert.equal("item_p2025_12 item_p2026_01 item_p2026_02 item_p2026_03", names())
    write("c.csv", "id,day,v\n6,2026-03-02,e\n")
    load("c.csv", { keep = "2 months", old = "drop" })
    assert.equal("item_p2026_01 item_p2026_02 item_p2026_03", names())
    assert.equal("", ask "SELECT to_regclass('item_p2025_12')")
  end)

  it("of a timestamptz ends in UTC, whatever the time zone of the role", function()
    for _, zone in ipairs { "America/New_York", "Pacific/Kiritimati" } do
      world:clear()
      write("a.csv", "id,day,v\n1,2025-12-31 12:00Z,a\n2,2026-01-01 12:00Z,b\n")
      write("b.csv", "id,day,v\n5,2026-03-02 12:00Z,e\n")
      world.db:exec(("ALTER ROLE CURRENT_USER SET timezone = '%s'"):format(zone))
      load("a.csv", nil, r.timestamptz())
      load("b.csv", { keep = "1 month" }, r.timestamptz(), { as_of = "2026-01-31 23:59:59" })
      assert.equal("item_p2025_12 item_p2026_01 item_p2026_03", names())
      write("c.csv", "id,day,v\n6,2026-03-02 12:00Z,e\n")
      load("c.csv", { keep = "1 month" }, r.timestamptz(), { as_of = "2026-02-01" })
      world.db:exec "ALTER ROLE CURRENT_USER RESET timezone"
      assert.equal("item_p2026_01 item_p2026_03", names())
    end
  end)

  it("is told in a dry run, and does nothing then", function()
    load "a.csv"
    local log = load("b.csv", { keep = "1 month", old = "drop" }, nil, { dry_run = true })
    assert.truthy(log:find("2 partitions older than 1 month dropped: item_p2025_12, item_p2026_01", 1, true), log)
    assert.equal("item_p2025_12 item_p2026_01 item_p2026_02 item_p2026_03", names())
  end)

  it("also follows a replacement of partitions", function()
    load "a.csv"
    load("b.csv", { keep = "1 month", old = "drop" }, nil, {}, "partitions")
    assert.equal("item_p2026_02|3\nitem_p2026_03|5", ask "SELECT tableoid::regclass, id FROM item ORDER BY id")
  end)

  it("publishes nothing where a partition cannot go", function()
    load "a.csv"
    world.db:exec "CREATE VIEW seen AS SELECT id FROM item_p2025_12"
    modes.fails("cannot publish 'item': partition 'item_p2025_12': cannot drop table", load, "b.csv",
      { keep = "1 month", old = "drop" })
    assert.equal("4", ask "SELECT count(*) FROM item")
  end)

  it("refuses what is not a time", function()
    for _, case in ipairs {
      { { keep = "2 moons" }, "keep: a number of days, weeks, months or years expected, such as '24 months', got "
        .. "'2 moons'" },
      { { keep = "-1 day" }, "got '%-1 day'" },
      { { old = "drop" }, "old says what becomes of old partitions: it needs keep" },
      { { keep = "1 day", old = "burn" }, "old: 'detach' or 'drop' expected, got 'burn'" },
      { { keep = "1 day", by = "list", column = "v" }, "keep is about time, and by = 'list' is not" },
      { { kep = "1 day" }, "unknown key 'kep': did you mean 'keep'%?" },
    } do
      modes.fails(case[2], load, "a.csv", case[1])
    end
    modes.fails("keep cannot be combined with mode 'replace'", load, "a.csv", { keep = "1 day" }, nil, nil, "replace")
  end)
end)
