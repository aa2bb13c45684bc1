-- pghost load when what fails may pass: done again, and never loaded twice; and when it must not be.

local connection = require "pghost.connection"
local backends = require "support.backends"
local pghost = require "support.pghost"
local proxies = require "support.proxies"
local pooler = require "support.pooler"
local process = require "faults.process"
local server = require "support.server"
local shown = require "support.shown"
local sys = require "pghost.native.sys"

local shell = server.shell
local folder, dsn, db, database

local lines = { "id,name" }
for i = 1, 2000 do
  lines[#lines + 1] = i .. ",name " .. i
end

-- The 2,000 records with four among them that are no numbers.
local with_rejects = table.concat(lines, "\n"):gsub("\n(5[01]0?),", "\nx%1,") .. "\n"

local function make_database()
  folder = pghost.folder()
  dsn, database = server.get():database()
  db = connection.open { dsn = dsn }
  pghost.write(folder .. "/item.csv", table.concat(lines, "\n") .. "\n")
end

local function empty_database()
  db:exec [[
    DROP SCHEMA IF EXISTS pghost CASCADE; DROP TABLE IF EXISTS item; DROP SEQUENCE IF EXISTS tries;
    CREATE TABLE item (id bigint, name text); CREATE SEQUENCE tries]]
end

local function leave()
  db:close()
  pghost.remove(folder)
end

local function ask(sql)
  return shown.text(db, sql)
end

-- Something that happens in the server with the last record; `tries` counts it, whatever is rolled back.
local function on_last_record(what)
  db:exec(([[
    CREATE OR REPLACE FUNCTION happen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      %s
      RETURN NEW;
    END $$;
    CREATE TRIGGER happen BEFORE INSERT ON item FOR EACH ROW WHEN (NEW.id = 2000) EXECUTE FUNCTION happen()]])
    :format(what))
end

local terminate = [[
  IF nextval('tries') <= %d THEN
    PERFORM pg_terminate_backend(pg_backend_pid());
    PERFORM pg_sleep(1);
  END IF;]]

-- stderr and exit code of `pghost load item.csv --into item` with more words.
local function load(words, options)
  options = options or {}
  local all = { "--dsn", options.dsn or dsn, "load" }
  table.move(options.files or { "item.csv" }, 1, #(options.files or { "" }), 4, all)
  table.move({ "--into", "item" }, 1, 2, #all + 1, all)
  table.move(words or {}, 1, #(words or {}), #all + 1, all)
  local out, err, code = pghost.run(all, { cd = folder, stdin = options.stdin })
  assert.equal("", out)
  return err, code
end

local function assert_loaded_once()
  assert.equal("2000|2001000", ask "SELECT count(*), sum(id) FROM item")
end

local function through(place)
  return ("host=%s dbname=%s user=postgres"):format(place, database)
end

describe("a load that fails", function()
  setup(make_database)
  teardown(leave)
  before_each(empty_database)
  after_each(proxies.stop)

  it("for its connection is done again, and says so in one line", function()
    on_last_record(terminate:format(1))
    local err, code = load()
    assert.equal(0, code, err)
    assert.matches("^warn: item%.csv: terminating connection due to administrator command; attempt 2 of 3 in %d%.%d s\n"
      .. "loaded 2,000 records from 1 file into public%.item in [^\n]*\n$", err)
    assert_loaded_once()
  end)

  it("for a connection that ends in the middle of the COPY is done again", function()
    local err, code = load({}, { dsn = through(proxies.start "middle") })
    assert.equal(0, code, err)
    assert.matches("attempt 2 of 3", err)
    assert_loaded_once()
  end)

  it("for a deadlock or a serialization failure is done again", function()
    for code_of_server, name in pairs { ["40P01"] = "deadlock detected", ["40001"] = "could not serialize access" } do
      empty_database()
      on_last_record(([[IF nextval('tries') = 1 THEN RAISE EXCEPTION '%s' USING ERRCODE = '%s'; END IF;]])
        :format(name, code_of_server))
      local err, code = load()
      assert.equal(0, code, err)
      assert.matches(name .. "; attempt 2 of 3 in ", err)
      assert_loaded_once()
    end
  end)

  it("is done again so often as it is told, then it is what it was", function()
    on_last_record(terminate:format(100))
    for retries, attempts in pairs { [0] = 1, 2 } do
      db:exec "ALTER SEQUENCE tries RESTART"
      local err, code = load { "--retries", tostring(retries) }
      assert.equal(3, code, err)
      assert.matches("pghost: item%.csv: terminating connection due to administrator command\n", err)
      assert.equal(retries > 0, err:find("attempt 2 of 2", 1, true) ~= nil)
      assert.equal(tostring(attempts), ask "SELECT last_value FROM tries")
    end
    assert.equal("0", ask "SELECT count(*) FROM item")
  end)

  it("for what does not pass is not done again", function()
    on_last_record "PERFORM nextval('tries'), 1/0;"
    local err, code = load()
    assert.equal(1, code, err)
    assert.matches("division by zero", err)
    assert.not_matches("attempt", err)
    assert.equal("1", ask "SELECT last_value FROM tries")
    err, code = load({}, { dsn = "host=/nonexistent dbname=x" })
    assert.equal(3, code, err)
    assert.not_matches("attempt", err)
  end)

  it("because its server restarts waits for it", function()
    local own <close> = server.start()
    local admin = connection.open { dsn = own.dsn }
    local started = admin:query("SELECT pg_postmaster_start_time()::text AS started")[1].started
    admin:exec(([[
      CREATE TABLE item (id bigint, name text);
      CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF pg_postmaster_start_time()::text = '%s' THEN PERFORM pg_sleep(60); END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER wait BEFORE INSERT ON item FOR EACH ROW WHEN (NEW.id = 2000) EXECUTE FUNCTION wait()
    ]]):format(started))
    own:psql "CHECKPOINT"
    local one <close> = process.start { "--dsn", own.dsn, "load", folder .. "/item.csv", "--into", "item" }
    backends.until_true(admin, "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    own:halt "immediate"
    sys.sleep(2) -- longer than it waits before it tries again
    own:resume()
    local code, err = one:wait()
    assert.equal(0, code, err)
    assert.matches("attempt 2 of 3", err)
    assert.equal("2000", own:psql "SELECT count(*) FROM item")
  end)

  it("because its server is gone waits until the standby is promoted", function()
    local own <close> = server.start "wal_level = replica\n"
    own:psql [[
      CREATE TABLE item (id bigint, name text);
      CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF current_setting('cluster_name') = 'first' THEN PERFORM pg_sleep(60); END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER wait BEFORE INSERT ON item FOR EACH ROW WHEN (NEW.id = 2000) EXECUTE FUNCTION wait()]]
    local standby <close> = own:standby()
    own:halt "fast"
    server.shell(("echo \"cluster_name = 'first'\" >>%s/data/postgresql.conf"):format(own.folder))
    own:resume()
    local admin = connection.open { dsn = own.dsn }
    local one <close> = process.start { "--dsn", ("host=%s,%s dbname=postgres user=postgres"):format(own.socket,
      standby.socket), "load", folder .. "/item.csv", "--into", "item" }
    backends.until_true(admin, "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    own:halt "immediate"
    sys.sleep(2) -- longer than it waits before it tries again
    standby:psql "SELECT pg_promote()"
    local code, err = one:wait()
    own:resume()
    assert.equal(0, code, err)
    assert.matches("attempt 2 of 3", err)
    assert.equal("2000", standby:psql "SELECT count(*) FROM item")
  end)

  it("can be interrupted before it is done again", function()
    on_last_record(terminate:format(100))
    local out, err, code = pghost.shell(([['%s' --dsn '%s' load %s/item.csv --into item 2>%s/err & pid=$!
      for i in $(seq 200); do grep -q 'attempt 2 of' %s/err && break; sleep 0.02; done
      kill -INT $pid; wait $pid]]):format(pghost.path, dsn, folder, folder, folder))
    assert.equal(130, code, out .. err)
    assert.equal("0", ask "SELECT count(*) FROM item")
  end)
end)

describe("a load of what can be read only once", function()
  setup(make_database)
  teardown(leave)
  before_each(function()
    empty_database()
    on_last_record(terminate:format(1))
  end)

  local function assert_refused(err, code, why)
    assert.equal(3, code, err)
    assert.matches("terminating connection due to administrator command; not retried: " .. why, err)
    assert.not_matches("attempt", err)
    assert.equal("0", ask "SELECT count(*) FROM item")
    assert.equal("1", ask "SELECT last_value FROM tries")
  end

  it("is not done again: standard input", function()
    local err, code = load({}, { files = { "-" }, stdin = table.concat(lines, "\n") .. "\n" })
    assert_refused(err, code, "standard input can be read only once\n")
  end)

  it("is not done again: a named pipe among other files", function()
    shell(("cd %s && mkfifo pipe && ((timeout 20 cat item.csv >pipe) >/dev/null 2>&1 &)"):format(folder))
    local err, code = load({}, { files = { "item.csv", "pipe" } })
    os.remove(folder .. "/pipe")
    assert_refused(err, code, "'pipe' is a named pipe and can be read only once\n")
  end)

  it("is not done again: process substitution", function()
    local _, err, code = pghost.shell(("cd %s && bash -c \"'%s' --dsn '%s' load <(cat item.csv) --into item\"")
      :format(folder, pghost.path, dsn))
    assert_refused(err, code, "'/dev/fd/%d+' is a named pipe and can be read only once\n")
  end)

  it("is not done again once its rejects have gone to a pipe", function()
    db:exec "DROP TRIGGER happen ON item"
    pghost.write(folder .. "/mixed.csv", with_rejects)
    shell(("cd %s && mkfifo bad && ((timeout 20 cat bad >got) >/dev/null 2>&1 &)"):format(folder))
    local err, code = load({ "--max-rejects", "10", "--rejects", "bad" },
      { files = { "mixed.csv" }, dsn = through(proxies.start "cut") })
    proxies.stop()
    os.remove(folder .. "/bad")
    assert.equal(3, code, err)
    assert.matches("; not retried: rejects were written to 'bad'\n", err)
    assert.equal("0", ask "SELECT count(*) FROM item")
  end)
end)

describe("the rejects of a load that is done again", function()
  setup(make_database)
  teardown(leave)
  before_each(function()
    empty_database()
    pghost.write(folder .. "/mixed.csv", with_rejects)
  end)
  after_each(proxies.stop)

  local function load_mixed(mode, words)
    local err, code = load(words, { files = { "mixed.csv" }, dsn = through(proxies.start(mode)) })
    assert.equal(0, code, err)
    assert.matches(mode == "cut" and "attempt 2 of 3" or "the server has committed", err)
    assert.equal("1996", ask "SELECT count(DISTINCT id) FROM item")
    assert.equal("1996", ask "SELECT count(*) FROM item")
  end

  it("are in the file once", function()
    for _, mode in ipairs { "cut", "lost", "late" } do
      empty_database()
      os.remove(folder .. "/bad.csv")
      load_mixed(mode, { "--max-rejects", "10", "--rejects", "bad.csv" })
      local text = pghost.read(folder .. "/bad.csv")
      assert.equal(5, select(2, text:gsub("\n", "")), text)
      for _, bad in ipairs { "x50", "x51", "x500", "x510" } do
        assert.equal(1, select(2, text:gsub(bad .. ",name", "")), text)
      end
      assert.equal("", shell(("ls -A %s | grep tmp || true"):format(folder)))
    end
  end)

  it("do not take the place of the file that is loaded before that is done", function()
    load_mixed("cut", { "--max-rejects", "10", "--rejects", "mixed.csv" })
    assert.matches("x500,name 500", pghost.read(folder .. "/mixed.csv"))
  end)

  it("are in the table once, under one run", function()
    for _, mode in ipairs { "cut", "lost" } do
      empty_database()
      load_mixed(mode, { "--max-rejects", "10", "--rejects", "table" })
      assert.equal("4", ask "SELECT count(*) FROM pghost.rejects")
      assert.equal("published|" .. (mode == "cut" and 2 or 1), ask "SELECT state, attempt FROM pghost.runs")
    end
  end)

  it("are in the table once where there are too many", function()
    for _, mode in ipairs { "cut", "lost" } do
      empty_database()
      local err, code = load({ "--max-rejects", "1", "--rejects", "table" },
        { files = { "mixed.csv" }, dsn = through(proxies.start(mode)) })
      assert.equal(4, code, err)
      assert.matches("more rejected records than the 1 that", err)
      assert.equal("failed", ask "SELECT state FROM pghost.runs")
      assert.equal("1", ask "SELECT count(DISTINCT run_id) FROM pghost.rejects")
      assert.equal(ask "SELECT count(*) FROM pghost.rejects", ask "SELECT count(DISTINCT line) FROM pghost.rejects")
      assert.equal("0", ask "SELECT count(*) FROM item")
    end
  end)
end)

describe("a load's COMMIT whose answer is lost", function()
  setup(make_database)
  teardown(leave)
  before_each(empty_database)
  after_each(proxies.stop)

  it("and that the server has done, or does later, is not done again", function()
    for _, mode in ipairs { "lost", "late" } do
      for _, word in ipairs { "--truncate", "--create", "--no-analyze" } do
        empty_database()
        db:exec(word == "--create" and "DROP TABLE item" or "INSERT INTO item SELECT 1 WHERE " .. tostring(
          word == "--truncate"))
        local err, code = load({ word }, { dsn = through(proxies.start(mode)) })
        assert.equal(0, code, err)
        assert.matches("server closed the connection unexpectedly; the server has committed\n", err)
        assert.not_matches("attempt", err)
        assert.equal("2000", ask "SELECT count(*) FROM item")
      end
    end
  end)

  it("and that never reached the server is done again", function()
    db:exec "DROP TABLE item"
    local err, code = load({ "--create" }, { dsn = through(proxies.start "cut") })
    assert.equal(0, code, err)
    assert.matches("attempt 2 of 3", err)
    assert.equal("2000", ask "SELECT count(*) FROM item")
  end)

  it("is asked about also with --retries 0", function()
    local err, code = load({ "--retries", "0" }, { dsn = through(proxies.start "lost") })
    assert.equal(0, code, err)
    assert_loaded_once()
    empty_database()
    err, code = load({ "--retries", "0" }, { dsn = through(proxies.start "cut") })
    assert.equal(3, code, err)
    assert.equal("0", ask "SELECT count(*) FROM item")
  end)

  it("and that nobody can be asked about ends the load, which says so", function()
    pghost.write(folder .. "/mixed.csv", with_rejects)
    local err, code = load({ "--retries", "0", "--max-rejects", "10", "--rejects", "bad.csv" },
      { files = { "mixed.csv" }, dsn = through(proxies.start "gone") })
    assert.equal(3, code, err)
    assert.matches("pghost: server closed the connection unexpectedly; whether the load was committed is not known "
      .. "%(nobody can be asked%): check whether public%.item holds its 1,996 records before loading again; its "
      .. "rejects are in 'bad%.csv'\n$", err)
    assert.equal("1996", ask "SELECT count(*) FROM item")
    assert.matches("x500,name 500", pghost.read(folder .. "/bad.csv"))
  end)

  it("and that is asked about can be interrupted, which says so", function()
    local out, err, code = pghost.shell(([['%s' --dsn '%s' load %s/item.csv --into item 2>%s/err & pid=$!
      for i in $(seq 200); do grep -q 'waiting up to 30 s' %s/err && break; sleep 0.02; done
      kill -INT $pid; wait $pid]]):format(pghost.path, through(proxies.start "gone"), folder, folder, folder))
    assert.equal(130, code, out .. err)
    assert.matches("whether the load was committed is not known [^\n]*\npghost: interrupted\n$",
      pghost.read(folder .. "/err"))
  end)

  it("is right behind pgbouncer in transaction mode, which is before or behind what fails", function()
    for mode, expected in pairs { lost = "; the server has committed", late = "; the server has committed",
      cut = "; attempt 2 of 3", middle = "; attempt 2 of 3" } do
      for _, where in ipairs { "before", "behind" } do
        empty_database()
        local place = proxies.start(mode, where == "behind" and server.get().socket or nil)
        local front
        if where == "behind" then
          front = pooler.start({ socket = place }, "transaction")
        else
          front = pooler.start(server.get(), "transaction")
          proxies.stop()
          os.execute(("ln -s .s.PGSQL.6432 %s/.s.PGSQL.5432"):format(front.folder))
          place = proxies.start(mode, front.folder)
        end
        local err, code = load({}, { dsn = where == "behind" and front:through(dsn) or through(place) })
        front:stop()
        proxies.stop()
        assert.equal(0, code, mode .. " " .. where .. ": " .. err)
        assert.truthy(err:find(expected, 1, true), err)
        assert_loaded_once()
      end
    end
  end)
end)
