-- ANALYZE after `pghost load`: within a tenth of the load's time, after the COMMIT, and never the end of a load.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local statistics = require "pghost.load.statistics"

describe("the statistics of a loaded table", function()
  local folder, dsn

  fixture.each(function(keep)
    folder, dsn = keep(pghost.folder()), server.get():database()
  end)

  local function psql(sql)
    local out, err, code = pghost.psql(dsn, sql)
    assert.equal(0, code, err)
    return (out:gsub("\n$", ""))
  end

  local function load(text)
    local path = pghost.write(folder .. "/t.csv", text)
    local _, err, code = pghost.run { "--dsn", dsn, "load", path, "--into", "public.t" }
    assert.equal(0, code, err)
    assert.equal("12000", psql "SELECT count(*) FROM public.t")
    return err
  end

  local function records(first, line)
    local lines = { first }
    for i = 1, 12000 do
      lines[i + 1] = line:format(i)
    end
    return table.concat(lines, "\n") .. "\n"
  end

  it("have a sample by what the load took and how wide the table is", function()
    assert.is_nil(statistics.target(1500, 1))
    assert.is_nil(statistics.target(1500, 80))
    assert.equal(11, statistics.target(1500, 100))
    assert.equal(166, statistics.target(10, 10))
    assert.equal(statistics.target(10, 1), statistics.target(10, 0.01))
    assert.equal(10000, statistics.target(1, 1000))
  end)

  it("are there after the load of a narrow table", function()
    psql "CREATE TABLE t (id int, name text)"
    load(records("id,name", "%d,abc"))
    assert.equal("2", psql "SELECT count(*) FROM pg_stats WHERE tablename = 't' AND schemaname = 'public'")
  end)

  it("are left to autovacuum for a wide table, and the load says so", function()
    local names, types = {}, {}
    for i = 1, 300 do
      names[i], types[i] = "c" .. i, ("c%d text"):format(i)
    end
    psql(("CREATE TABLE t (%s)"):format(table.concat(types, ", ")))
    local err = load(records(table.concat(names, ","), "%d" .. (",x"):rep(299)))
    assert.matches("public.t has 300 columns: its statistics are left to autovacuum, or run ANALYZE", err, 1, true)
    assert.equal("0", psql "SELECT count(*) FROM pg_stats WHERE tablename = 't'")
  end)

  it("of a wide table of a pipeline are of its key and some more columns", function()
    local names, rules = { "id" }, { '{ "id", r.bigint():required() }' }
    for i = 1, 300 do
      names[i + 1], rules[i + 1] = "c" .. i, ('{ "c%d", r.text() }'):format(i)
    end
    pghost.write(folder .. "/t.csv", records(table.concat(names, ","), "%d" .. (",x"):rep(300)))
    pghost.write(folder .. "/p.lua", ([[
      local pipeline, r = require "pghost.pipeline", require "pghost.rules"
      local run <close> = pipeline.start("wide", { data = ".", schema = "public" })
      run:load("t", "t.csv", r.table("t", { %s }, { key = "id" }))
      run:publish()]]):format(table.concat(rules, ", ")))
    local _, err, code = pghost.run({ "--dsn", dsn, "p.lua" }, { cd = folder })
    assert.equal(0, code, err)
    assert.equal("12000", psql "SELECT reltuples FROM pg_class WHERE oid = 'public.t'::regclass")
    for name in pairs { t = true, t_raw = true } do
      local count = tonumber(psql(("SELECT count(*) FROM pg_stats WHERE tablename = '%s'"):format(name)))
      assert.is_true(count > 5 and count < 100, count)
    end
    assert.equal("-1", psql "SELECT n_distinct FROM pg_stats WHERE tablename = 't' AND attname = 'id'")
  end)

  it("leave the setting as it was, inside of a transaction too", function()
    local conn <close> = require("pghost.connection").open { dsn = dsn }
    conn:query "CREATE TABLE t AS SELECT i AS a, i AS b FROM generate_series(1, 100) AS i"
    conn:transaction(function()
      statistics.analyse(conn, "public.t", 1, 7)
      assert.equal("100", conn:query("SHOW default_statistics_target")[1][1])
    end)
    assert.equal("2", psql "SELECT count(*) FROM pg_stats WHERE tablename = 't'")
  end)

  it("leave the records where they are when ANALYZE fails", function()
    psql [[
      CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
        IF pg_catalog.current_query() LIKE 'ANALYZE%' THEN RAISE 'not today'; END IF; RETURN $1; END$$;
      CREATE TABLE t (id int, name text);
      CREATE INDEX ON t (f(id))]]
    local err = load(records("id,name", "%d,abc"))
    assert.matches("public.t is loaded, but its statistics are not updated: .*not today", err)
  end)

  it("are those of a bounded ANALYZE, wherever the library asks for one", function()
    local found = pghost.shell(("cd %s/scripts/pghost && grep -rl '\"ANALYZE' --include=*.lua . | sort"):format(
      pghost.root))
    -- Of repeats.lua the table has the columns of a key, and rehearsal.lua asks for one column.
    assert.equal("./load/repeats.lua\n./load/statistics.lua\n./modes/rehearsal.lua\n", found)
  end)
end)
