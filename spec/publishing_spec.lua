-- Which tables a run publishes and when: together, or one by one.

local connection = require "pghost.connection"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local shown = require "support.shown"

local folder, dsn, db

local function run(fn, config)
  local log_out = shown.sink()
  config = config or { publish = "per_table" }
  config.data = folder
  local _, problem = pcall(function()
    local one <close> = pipeline.start("tables", config, {
      arguments = {}, dsn = dsn, log = { out = log_out, format = "text", quiet = false }, out = shown.sink(),
    })
    fn(one)
  end)
  return log_out.text, problem
end

local function ask(sql)
  return tostring(db:query(sql)[1][1])
end

local function counts()
  return ask [[SELECT string_agg(format('%s=%s', relname,
    (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I', relname), false, true, '')))[1]),
    ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r']]
end

local function load(one, name)
  one:load(name, name .. ".csv", r.table(name, { { "id", r.bigint() } }, { key = "id" }))
end

local fine = { { name = "fine", sql = "SELECT WHERE false" } }
local wrong = { { name = "wrong", sql = "SELECT 1 AS one" } }

describe("publishing per table", function()
  fixture.once(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    db = keep(connection.open { dsn = dsn })
    pghost.write(folder .. "/a.csv", "id\n1\n")
    pghost.write(folder .. "/b.csv", "id\n1\n2\n")
  end)

  before_each(function()
    db:exec "DROP TABLE IF EXISTS a, a_raw, b, b_raw"
  end)

  it("shows tables when their checks have passed, also if the run fails later", function()
    local log, problem = run(function(one)
      load(one, "a")
      assert.equal("nil", counts())
      one:check(fine)
      assert.equal("a=1 a_raw=1", counts())
      load(one, "b")
      one:check(wrong)
    end)
    assert.equal("check", problem.code)
    assert.equal("a=1 a_raw=1", counts())
    assert.matches("publish +a +2 tables", log)
    assert.matches("run %d+ failed, published before that: a, a_raw; until then 3 records: 3 loaded", log)
    assert.equal("failed {a,a_raw}",
      ask "SELECT concat_ws(' ', state, published_tables::text) FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
    assert.equal("0", ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
  end)

  it("shows the rest at the end, and the answers of SQL go over both", function()
    local _, problem = run(function(one)
      load(one, "a")
      one:check(fine)
      load(one, "b")
      assert.equal(3, one:query("SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) AS n")[1].n)
      one:publish()
    end)
    assert.is_nil(problem)
    assert.equal("a=1 a_raw=1 b=2 b_raw=2", counts())
    assert.equal("published {a,a_raw,b,b_raw}",
      ask "SELECT concat_ws(' ', state, published_tables::text) FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
    assert.equal("0", ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
  end)

  it("shows a clean table and its raw one together, which the ledger takes for one", function()
    local function append(one)
      one:load("a", "*.csv", r.table("a", { { "id", r.bigint() } }), { mode = "append" })
      one:publish()
    end
    local file = assert(io.open(folder .. "/c.csv", "w"))
    file:write("id\n7\n")
    file:close()
    assert.is_nil(select(2, run(function(one)
      one:load("a", "a.csv", r.table("a", { { "id", r.bigint() } }), { mode = "append" })
      one:publish()
    end)))
    db:query [[CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END']]
    db:query "CREATE TRIGGER no BEFORE INSERT ON a_raw FOR EACH ROW EXECUTE FUNCTION no()"
    local before = counts()
    assert.matches("not now", tostring(select(2, run(append))))
    assert.equal(before, counts())
    db:query "DROP TRIGGER no ON a_raw"
    assert.is_nil(select(2, run(append)))
    assert.equal(ask "SELECT string_agg(id::text, ' ' ORDER BY id) FROM a",
      ask "SELECT string_agg(id, ' ' ORDER BY id::bigint) FROM a_raw")
    assert.matches("7", ask "SELECT string_agg(id::text, ' ') FROM a")
  end)

  it("has nothing left to do at the end when all is checked", function()
    local _, problem = run(function(one)
      load(one, "a")
      one:check(fine)
      one:publish()
    end)
    assert.is_nil(problem)
    assert.equal("published", ask "SELECT state FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
    assert.equal("0", ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
  end)

  it("is not what happens unless asked for", function()
    local _, problem = run(function(one)
      load(one, "a")
      one:check(fine)
      assert.equal("nil", counts())
      load(one, "b")
      one:check(wrong)
    end, {})
    assert.equal("check", problem.code)
    assert.equal("nil", counts())
    local _, usage = run(function() end, { publish = "sometimes" })
    assert.equal("publish: together or per_table expected, got 'sometimes'", tostring(usage))
  end)
end)

describe("publishing with its output on a full device", function()
  it("ends with an error that says that the run has published", function()
    local place, into = pghost.folder(), server.get():database()
    pghost.write(place .. "/a.csv", "id\n1\n")
    os.execute("mkdir " .. place .. "/sql")
    pghost.write(place .. "/sql/numbers.sql", "select generate_series(1, 99) as n, repeat('x', 200) as x")
    pghost.write(place .. "/full.lua", ([[
      local pipeline, r = require "pghost.pipeline", require "pghost.rules"
      local run <close> = pipeline.start("full", { data = "%s" })
      run:load("a", "a.csv", r.table("a", { { "id", r.bigint() } }))
      run:analyse("%s/sql")
      run:publish()]]):format(place, place))
    for _, retries in ipairs { "0", "2" } do -- printed at once, or kept back until the end
      local _, err, code = pghost.shell(("DATABASE_URL=%s %s %s/full.lua --retries %s >/dev/full"):format(
        pghost.quote(into), pghost.quote(pghost.path), place, retries))
      assert.equal(1, code, err)
      assert.matches("run %d+ has published, but its answers could not be written: No space left on device", err)
      local conn <close> = connection.open { dsn = into }
      assert.equal("published", conn:query("SELECT state FROM pghost.runs ORDER BY run_id DESC LIMIT 1")[1][1])
    end
    pghost.remove(place)
  end)
end)
