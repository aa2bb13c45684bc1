-- One load of a run after a transient error: retried by itself, over new connections, and nothing is there twice; the
-- whole run is retried where that is not enough.

local connection = require "pghost.connection"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local shown = require "support.shown"

local folder, dsn, db

-- The tables of a run get a trigger that fires at the last record; the sequence counts how often.
local opening = [[
local connection = require "pghost.connection"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local rules = r.table("item", { { "id", r.bigint():required() }, { "name", r.text() } }, { key = "id" })
local happens_to = %q
local run <close> = pipeline.start("job", { data = %q, table_created = function(conn, schema, name)
  if name == happens_to then
    conn:query("CREATE %%s ON " .. conn:quote_identifier(schema) .. "." .. name
      .. " %%s FOR EACH ROW WHEN (NEW.id::text = '2000') EXECUTE FUNCTION public.happen()")
  end
end, %s })
]]

local load_and_publish = [[
  run:load("item", "item.csv", rules, options)
  run:publish()
]]

-- SQL that ends the backend whose pid it is, for the first `times` times.
local function kill(times, pid)
  return ([[
    IF nextval('public.tries') <= %d THEN
      PERFORM pg_terminate_backend(%s);
      PERFORM pg_sleep(1);
    END IF;]]):format(times, pid or "pg_backend_pid()")
end

local rejects_backend = "(SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY pghost.rejects%'"
  .. " AND datname = current_database() AND pid <> pg_backend_pid() LIMIT 1)"

local function prepare(conn, what)
  conn:exec(([[
    DROP SCHEMA IF EXISTS pghost, pghost_build_1, pghost_build_2, pghost_build_3 CASCADE;
    DROP TABLE IF EXISTS item, item_raw; DROP SEQUENCE IF EXISTS tries CASCADE; CREATE SEQUENCE tries;
    CREATE OR REPLACE FUNCTION public.happen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN %s RETURN NEW; END $$]]):format(what))
end

---@param options { on?: string, config?: string, when?: string, words?: string[], dsn?: string }
local function run(text, options)
  options = options or {}
  local made = opening:format(options.on or "item", folder, options.config or "")
    :format(options.when and "CONSTRAINT TRIGGER happen AFTER INSERT" or "TRIGGER happen BEFORE INSERT",
      options.when or "")
  local path = pghost.write(folder .. "/job.lua", made
    .. text:gsub(", options%)", ", " .. (options.load or "{}") .. ")"))
  return pghost.run({ "--dsn", options.dsn or dsn, path, table.unpack(options.words or {}) }, { cd = folder })
end

local function ask(sql)
  return shown.text(db, sql)
end

local function history()
  return ask "SELECT state, attempt, retry_of FROM pghost.runs ORDER BY run_id"
end

-- 2,000 good records and two rejects, each once, in the tables and in the accounts.
local function assert_loaded_once(run_id)
  assert.equal("2000|2001000|2002", ask "SELECT count(*), sum(id), (SELECT count(*) FROM item_raw) FROM item")
  assert.equal("x1|500\nx2|1000", ask(([[SELECT split_part(convert_from(original, 'UTF8'), ',', 1), line
    FROM pghost.rejects WHERE run_id = %d ORDER BY line]]):format(run_id or 1)))
  assert.equal("2002|2000|2|0|0", ask(([[SELECT sum(records), sum(loaded), sum(rejected), sum(filtered),
    sum(duplicates) FROM pghost.files WHERE run_id = %d]]):format(run_id or 1)))
  assert.equal("0", ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
end

local function assert_retried(err, reason)
  assert.matches(("retry +item +warn: could not load table 'item': %s; attempt 2 of 3 in %%d%%.%%d s\n")
    :format(reason or "terminating connection due to administrator command"), err)
end

local function write_items(path, from, to)
  local lines = { "id,name" }
  for i = from, to do
    lines[#lines + 1] = i .. ",name " .. i
    if i == 498 or i == 997 then
      lines[#lines + 1] = (i == 498 and "x1" or "x2") .. ",no number"
    end
  end
  pghost.write(path, table.concat(lines, "\n") .. "\n")
end

fixture.once(function(keep)
  folder = keep(pghost.folder())
  dsn = server.get():database()
  db = keep(connection.open { dsn = dsn })
  write_items(folder .. "/item.csv", 1, 2000)
end)

describe("a load of a run is retried by itself", function()
  for _, case in ipairs {
    { "clean", on = "item" }, { "raw", on = "item_raw" }, { "rejects", on = "item", pid = rejects_backend },
    { "clean, of several workers,", on = "item", load = "{ workers = 3 }" },
  } do
    it("when its " .. case[1] .. " connection is ended in the middle of the COPY", function()
      prepare(db, kill(1, case.pid))
      local _, err, code = run(load_and_publish, { on = case.on, load = case.load })
      assert.equal(0, code, err)
      assert_retried(err)
      assert.equal("published|1|", history())
      assert_loaded_once()
    end)
  end

  it("after a deadlock", function()
    prepare(db, [[IF nextval('public.tries') = 1 THEN
      RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;]])
    local _, err, code = run(load_and_publish)
    assert.equal(0, code, err)
    assert_retried(err, "deadlock detected")
    assert.equal("published|1|", history())
    assert_loaded_once()
  end)

  it("where it adds to a published table", function()
    prepare(db, kill(1))
    write_items(folder .. "/first.csv", 3001, 3010)
    local append = [[
      run:load("item", "first.csv", rules, { mode = "append" })
      run:publish()]]
    assert.equal(0, select(3, run(append)))
    local _, err, code = run(load_and_publish, { on = "item_new", load = '{ mode = "append" }' })
    assert.equal(0, code, err)
    assert_retried(err)
    assert.equal("published|1|\npublished|1|", history())
    assert.equal("2010|2012", ask "SELECT count(*), (SELECT count(*) FROM item_raw) FROM item")
    assert.equal("2", ask "SELECT count(*) FROM pghost.rejects")
  end)

  it("where rules are run over a raw table: what run:stage has rejected stays", function()
    prepare(db, kill(1))
    pghost.write(folder .. "/odd.csv", "id,name\n1,a\n2,b,c\nx,d\n2000,e\n")
    local _, err, code = run [[
      run:stage("item", "odd.csv")
      run:clean("item", rules)
      run:publish()]]
    assert.equal(0, code, err)
    assert_retried(err)
    assert.equal("1\n2000", ask "SELECT id FROM item ORDER BY id")
    assert.equal("3\n4", ask "SELECT line FROM pghost.rejects ORDER BY line")
  end)

  it("from what is committed already, in a run that can be resumed", function()
    prepare(db, kill(1))
    write_items(folder .. "/part1.csv", 1, 1200)
    write_items(folder .. "/part2.csv", 1201, 2000)
    local _, err, code = run([[
      run:load("item", "part*.csv", rules)
      run:publish()]], { config = "resume = true, checkpoint = 1" })
    assert.equal(0, code, err)
    assert_retried(err)
    assert.equal("published|1|", history())
    assert_loaded_once()
  end)

  it("as often as the setting says, and the run is not retried then", function()
    prepare(db, kill(100))
    local _, err, code = run(load_and_publish, { words = { "--retries", "1" } })
    assert.equal(3, code, err)
    assert.matches("attempt 2 of 2 in ", err)
    assert.matches("\npghost: could not load table 'item': terminating connection due to administrator command\n", err)
    assert.equal("2", ask "SELECT last_value FROM tries")
    assert.equal("failed|1|", history())
    _, err, code = run(load_and_publish, { words = { "--retries", "0" } })
    assert.equal(3, code, err)
    assert.not_matches("attempt", err)
  end)
end)

describe("a load of a run is not retried by itself", function()
  it("when it reads what can be read only once, and says so", function()
    prepare(db, kill(1))
    server.shell(("cd %s && rm -f pipe && mkfifo pipe && ((timeout 20 cat item.csv >pipe) >/dev/null 2>&1 &)")
      :format(folder))
    local _, err, code = run [[run:load("item", "pipe", rules)]]
    os.remove(folder .. "/pipe")
    assert.equal(3, code, err)
    assert.matches("\npghost: could not load table 'item': terminating connection due to administrator command; "
      .. "not retried: '[^\n]*pipe' is a named pipe and can be read only once\n", err)
    assert.not_matches("attempt", err)
    assert.equal("1", ask "SELECT last_value FROM tries")
  end)

  it("for an error that is not transient", function()
    prepare(db, "PERFORM nextval('public.tries'), 1/0;")
    local _, err, code = run(load_and_publish)
    assert.equal(1, code, err)
    assert.matches("division by zero", err)
    assert.not_matches("attempt", err)
    assert.equal("1", ask "SELECT last_value FROM tries")
  end)

  it("once its COMMIT is sent: the run is", function()
    prepare(db, kill(1))
    local _, err, code = run(load_and_publish, { when = "DEFERRABLE INITIALLY DEFERRED" })
    assert.equal(0, code, err)
    assert.matches("retry +job +warn: [^\n]*; attempt 2 of 3 in ", err)
    assert.equal("failed|1|\npublished|2|1", history())
    assert_loaded_once(2)
  end)

  it("when the run has lost its own connection: the run is", function()
    prepare(db, kill(1, [[(SELECT pid FROM pg_stat_activity WHERE datname = current_database()
      AND pid = (SELECT backend_pid FROM pghost.runs ORDER BY run_id DESC LIMIT 1))]]) .. kill(2))
    local _, err, code = run(load_and_publish)
    assert.equal(0, code, err)
    assert.matches("retry +job +warn: [^\n]*; attempt 2 of 3 in ", err)
    assert.equal("killed|1|\npublished|2|1", history())
    assert_loaded_once(2)
  end)

  it("when its server restarts: the run waits for it and is retried", function()
    local own <close> = server.start()
    local admin = connection.open { dsn = own.dsn }
    prepare(admin, ("IF pg_postmaster_start_time()::text = '%s' THEN PERFORM pg_sleep(60); END IF;")
      :format(shown.text(admin, "SELECT pg_postmaster_start_time()")))
    local restart = server.as_owner(("%s/pg_ctl -D %s/data -m immediate -w restart >/dev/null 2>&1")
      :format(own.bin, own.folder))
    local watcher = ([[for i in $(seq 400); do
      psql -X -A -t -d "%s" -c "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'" | grep -q 1 && break
      sleep 0.05; done; %s]]):format(own.dsn, restart)
    local _, err, code = run(([[
      if require("pghost.native.host").attempt == 1 then
        os.execute(%q)
      end]]):format("(" .. watcher .. ") >/dev/null 2>&1 </dev/null &"):gsub("%%", "%%%%") .. load_and_publish,
      { dsn = own.dsn })
    assert.equal(0, code, err)
    assert.matches("retry +job +warn: [^\n]*; attempt 2 of 3 in ", err)
    local own_db = connection.open { dsn = own.dsn }
    assert.equal("published|2", shown.text(own_db, [[
      SELECT state, attempt FROM pghost.runs ORDER BY run_id DESC LIMIT 1]]))
    assert.equal("2000|2002|2", shown.text(own_db, [[SELECT count(*), (SELECT count(*) FROM item_raw),
      (SELECT count(*) FROM pghost.rejects WHERE run_id = (SELECT max(run_id) FROM pghost.runs)) FROM item]]))
    own_db:close()
    admin:close()
  end)
end)
