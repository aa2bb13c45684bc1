-- Loads that add to a published partitioned table: what it holds afterwards is what plain SQL makes of the same files,
-- and it has got the partitions that they need.

local modes = require "support.modes"
local r = require "pghost.rules"
local world = modes.world()
local write, ask, publish, load = world:functions()

local by_month = { by = "month", column = "day" }

local keyed = r.table("item", { { "id", r.bigint():required() }, { "day", r.date() }, { "v", r.text() } },
  { key = { "id", "day" } })
local plain = r.table("item", { { "id", r.bigint():required() }, { "day", r.date() }, { "v", r.text() } })

local function options(mode, more)
  local given = { partition = by_month, mode = mode, max_rejects = "100%" }
  for key, value in pairs(more or {}) do
    given[key] = value
  end
  return given
end

local function names()
  return ask [[SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid::regclass::text) FROM pg_inherits
    WHERE inhparent = 'item'::regclass]]
end

-- What a table holds, with the partition of each record.
local function held(columns)
  return ask(("SELECT tableoid::regclass, %s FROM item ORDER BY id, day, v"):format(columns or "id, day, v"))
end

describe("adding to a partitioned table", function()
  world:use(setup, teardown, before_each, after_each)

  before_each(function()
    write("a.csv", "id,day,v\n1,2026-01-05,a\n2,2026-02-01,b\n")
    write("b.csv", "id,day,v\n2,2026-02-01,c\n3,2026-02-28,d\n4,2026-04-30,e\n")
  end)

  it("appends, and makes the partitions that the new records need", function()
    load("a.csv", options "append", plain)
    assert.equal("item_p2026_01 item_p2026_02", names())
    local log = load("b.csv", options "append", plain)
    assert.truthy(log:find("1 new partition: item_p2026_04", 1, true), log)
    assert.equal("item_p2026_01|1|2026-01-05|a\nitem_p2026_02|2|2026-02-01|b\nitem_p2026_02|2|2026-02-01|c\n"
      .. "item_p2026_02|3|2026-02-28|d\nitem_p2026_04|4|2026-04-30|e", held())
  end)

  it("appends with a key: what has a published key is a duplicate", function()
    load("a.csv", options "append", keyed)
    load("b.csv", options "append", keyed)
    assert.equal("item_p2026_01|1|2026-01-05|a\nitem_p2026_02|2|2026-02-01|b\nitem_p2026_02|3|2026-02-28|d\n"
      .. "item_p2026_04|4|2026-04-30|e", held())
    assert.equal("item_p2026_04_pkey", ask [[SELECT indexrelid::regclass FROM pg_index
      WHERE indrelid = 'item_p2026_04'::regclass]])
    assert.equal("1", ask "SELECT count(*) FROM pghost.rejects WHERE rule = 'key'")
  end)

  it("merges, and keeps the history", function()
    load("a.csv", options("merge", { missing = "mark" }), keyed)
    load("b.csv", options("merge", { missing = "mark" }), keyed)
    assert.equal("item_p2026_01|1|a|t\nitem_p2026_02|2|c|f\nitem_p2026_02|3|d|f\nitem_p2026_04|4|e|f",
      held "id, v, _deleted_at IS NOT NULL")
    world.db:exec "DROP TABLE item, item_raw"
    load("a.csv", options("history", { force = true }), keyed)
    load("b.csv", options("history", { force = true }), keyed)
    assert.equal("item_p2026_01|1|a|t\nitem_p2026_02|2|b|f\nitem_p2026_02|2|c|t\nitem_p2026_02|3|d|t\n"
      .. "item_p2026_04|4|e|t", held "id, v, _valid_to IS NULL")
  end)

  it("rejects records that have no partition", function()
    load("a.csv", options "append", plain)
    write("c.csv", "id,day,v\n5,,x\n6,infinity,y\n7,2026-01-31,z\n")
    load("c.csv", options "append", plain)
    assert.equal("2|no partition for null\n3|no partition by month for 'infinity'",
      ask "SELECT line, reason FROM pghost.rejects WHERE rule = 'partition' ORDER BY line")
    assert.equal("7", ask "SELECT id FROM item WHERE id > 2")
  end)

  it("uses partitions that were made by hand, whatever they hold", function()
    world.db:exec [[CREATE TABLE item (id bigint NOT NULL, day date, v text) PARTITION BY RANGE (day);
      CREATE TABLE quarter PARTITION OF item FOR VALUES FROM ('2026-01-01') TO ('2026-04-01');
      CREATE TABLE item_raw (id text, day text, v text, _file_id bigint, _line bigint,
        _loaded_at timestamptz)]]
    load("b.csv", options "append", plain)
    assert.equal("quarter|2|2026-02-01|c\nquarter|3|2026-02-28|d\nitem_p2026_04|4|2026-04-30|e", held())
  end)

  it("makes no reader wait for a new partition", function()
    load("a.csv", options "append", plain)
    local reader <close> = require("pghost.connection").open { dsn = world.dsn }
    reader:query "BEGIN"
    reader:query "SELECT count(*) FROM item"
    load("b.csv", options "append", plain)
    reader:query "COMMIT"
    assert.equal("5", ask "SELECT count(*) FROM item")
  end)

  it("refuses a table that is divided otherwise, before it reads a record", function()
    load("a.csv", { mode = "append" }, plain)
    modes.fails([["public"%."item" is not partitioned: change the options, or load once with mode = 'replace']], load,
      "b.csv", options "append", plain)
    load("a.csv", { partition = { by = "list", column = "v" } }, plain)
    modes.fails("is partitioned by LIST %(v%), the options say RANGE %(day%)", load, "b.csv", options "append", plain)
    assert.equal("2", ask "SELECT count(*) FROM item")
  end)

  it("says in a dry run what it would make", function()
    load("a.csv", options "append", plain)
    local log = publish(function(run)
      run:load("item", "b.csv", plain, options "append")
    end, { dry_run = true })
    assert.truthy(log:find("item_p2026_04", 1, true), log)
    assert.equal("item_p2026_01 item_p2026_02", names())
  end)
end)
