-- What a replay costs follows its rejects: published tables are added to, and not read. Where only a rebuilt table is
-- right, it is rebuilt.

local assert = require "luassert"
local corrections = require "pghost.rejects.corrections"
local fixture = require "support.fixture"
local project = require "support.project"
local sys = require "pghost.native.sys"

local here

local strict, lenient = "r.numeric(10, 2)", "r.numeric(10, 2):null_if('none')"

local function rules(price, more)
  here:write("rules.lua", ([[
    local r = require "pghost.rules"
    return r.table("item", { { "id", r.bigint() }, { "price", %s } }, { %s })
  ]]):format(price, more or 'key = "id"'))
end

local script = [[
  local pipeline = require "pghost.pipeline"
  local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
  run:load("item", "item.csv", require "rules", { mode = %q })
  run:publish()
]]

local function publish(csv, mode)
  here:write("pipeline.lua", script:format(mode or "replace"))
  here:write("item.csv", csv)
  here:must(0, "pipeline.lua")
end

-- Rows that the server has read one after the other from the tables, once it has counted what was added.
local function rows_read(added)
  for _ = 1, 100 do
    local row = here.conn:query([[
      SELECT sum(seq_tup_read)::bigint AS read, sum(n_tup_ins)::bigint AS added FROM pg_stat_user_tables
      WHERE schemaname = 'public' AND relname IN ('item', 'item_raw')]])[1]
    if row.added >= added then
      return row.read
    end
    sys.sleep(0.1)
    here.conn:query "SELECT pg_stat_clear_snapshot()"
  end
  error(("the server never counted %d rows"):format(added))
end

local function big_csv(records)
  local lines = { "id,price" }
  for i = 1, records do
    lines[i + 1] = i % (records // 10) == 0 and i .. ",none" or i .. ",1"
  end
  lines[#lines + 1] = (records + 1) .. "\n"
  return table.concat(lines, "\n")
end

describe("the cost of a replay", function()
  fixture.each(function(keep)
    here = keep(project.new())
    rules(strict)
  end)

  for _, mode in ipairs { "replace", "append", "merge", "history" } do
    it("is that of its rejects, mode " .. mode, function()
      publish(big_csv(20000), mode)
      assert.equal("19990|20000", here:ask "SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM item_raw)")
      rules(lenient)
      local before = rows_read(19990 + 20000)
      local oid = here:ask "SELECT 'item'::regclass::oid, 'item_raw'::regclass::oid"
      local _, err, code = here:pghost("replay", "1")
      assert.equal(0, code, err)
      assert.truthy(rows_read(19990 + 20000 + 10) - before < 1000, err)
      assert.equal(oid, here:ask "SELECT 'item'::regclass::oid, 'item_raw'::regclass::oid")
      assert.equal("20000|20000", here:ask "SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM item_raw)")
    end)
  end

  it("is that of the corrections for a fix", function()
    publish(big_csv(20000))
    here:must(0, "rejects", "1", "--csv", "bad.csv")
    here:write("bad.csv", (here:read("bad.csv"):gsub(",none,", ",7,")))
    local before = rows_read(19990 + 20000)
    local _, err = here:pghost("fix", "1", "bad.csv")
    assert.truthy(rows_read(19990 + 20000 + 10) - before < 1000, err)
    assert.equal("20000|10", here:ask "SELECT count(*), count(*) FILTER (WHERE price = 7) FROM item")
  end)
end)

describe("keeping corrections", function()
  fixture.each(function(keep)
    here = keep(project.new())
    rules(strict)
  end)

  it("reads what became of the rejects once, however many there are", function()
    local lines, count = { "id,price", "0,1" }, 3000
    for i = 1, count do
      lines[i + 2] = i .. ",none"
    end
    publish(table.concat(lines, "\n") .. "\n")
    here.conn:exec [[CREATE TABLE noted (reject_id bigint PRIMARY KEY, state text, note text);
      INSERT INTO noted SELECT reject_id, 'corrected' FROM pghost.rejects]]
    local fixes = {}
    for row in here.conn:query("SELECT reject_id FROM noted"):rows() do
      fixes[row.reject_id] = { reject_id = row.reject_id, columns = { "id", "price" }, fields = { "1", "2" } }
    end
    local query = "SELECT pg_stat_get_xact_tuples_returned('noted'::regclass) AS read"
    here.conn:transaction(function(conn)
      local before = conn:query(query)[1].read
      corrections.keep({ conn = conn, target = "public", id = 1 }, fixes, "noted")
      assert.equal(count, conn:query(query)[1].read - before)
    end)
    assert.equal(tostring(count), here:ask "SELECT count(*) FROM pghost.corrections")
  end)
end)

describe("a replay into a table that loads replace", function()
  fixture.each(function(keep)
    here = keep(project.new())
    rules(strict)
  end)

  local function rebuilt(why)
    rules(lenient)
    local oid = here:ask "SELECT 'item'::regclass::oid"
    local err = here:must(0, "replay", "1")
    assert.truthy(err:find("is rebuilt, not added to: " .. why, 1, true), err)
    assert.not_equal(oid, here:ask "SELECT 'item'::regclass::oid")
    assert.equal("1|1.00\n2|", here:ask "SELECT * FROM item ORDER BY id")
  end

  it("refreshes materialized views over it", function()
    publish "id,price\n1,1\n2,none\n"
    here:ask "CREATE VIEW shown AS SELECT * FROM item"
    here:ask "CREATE MATERIALIZED VIEW items AS SELECT count(*) AS items FROM shown"
    rebuilt "materialized view 'items' is refreshed"
    assert.equal("2", here:ask "SELECT items FROM items")
  end)

  it("fires none of its triggers", function()
    publish "id,price\n1,1\n2,none\n"
    here:ask [[CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''fired''; END']]
    here:ask "CREATE TRIGGER refuse BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION refuse()"
    rebuilt "trigger 'refuse' is not to fire"
  end)

  it("gives it the key that the rules have now", function()
    rules(strict, "")
    publish "id,price\n1,1\n2,none\n"
    rebuilt "its primary key is not that of the rules"
    assert.equal("item_pkey", here:ask "SELECT conname FROM pg_constraint WHERE conrelid = 'item'::regclass")
  end)

  it("takes NULL where the rules no longer require a value, and for no other reason", function()
    rules(strict .. ":required()")
    publish "id,price\n1,1\n2,none\n"
    rules(lenient)
    local oid = here:ask "SELECT 'item'::regclass::oid"
    here:must(0, "replay", "1")
    assert.equal(oid, here:ask "SELECT 'item'::regclass::oid")
    assert.equal("1|1.00\n2|", here:ask "SELECT * FROM item ORDER BY id")
    assert.equal("{id}", here:ask "SELECT not_null FROM pghost.published WHERE table_name = 'item'")
  end)

  it("keeps a NOT NULL that somebody has added", function()
    publish "id,price\n1,1\n2,none\n"
    here:ask "ALTER TABLE item ALTER COLUMN price SET NOT NULL"
    rules(lenient)
    here:must(0, "replay", "1")
    assert.equal("1|1.00", here:ask "SELECT * FROM item")
    assert.matches('^open|in run 2: null value in column "price"',
      here:ask "SELECT state, note FROM pghost.rejects")
  end)

  it("is rebuilt where many records need a column without NOT NULL: the lock for that is short", function()
    rules(strict .. ":required()")
    local lines = { "id,price", "1,1" }
    for i = 2, 2100 do
      lines[#lines + 1] = i .. ",none"
    end
    publish(table.concat(lines, "\n") .. "\n")
    rules(lenient)
    local err = here:must(0, "replay", "1")
    assert.truthy(err:find("is rebuilt, not added to: 'price' is no longer required", 1, true), err)
    assert.equal("2100|1", here:ask "SELECT count(*), count(price) FROM item")
  end)

  it("puts a record that can be read now into the raw table, and others not twice", function()
    publish(big_csv(20))
    rules(lenient)
    here:write("pipeline.lua", (script:format("replace"):gsub('"replace"', '%0, too_few = "pad"')))
    here:must(0, "replay", "1")
    assert.equal("21|21|21", here:ask [[SELECT (SELECT count(*) FROM item), count(*), count(DISTINCT _line)
      FROM item_raw]])
  end)
end)
