-- Failures that pass: the run is done again and publishes once; and those that must not be repeated.

local connection = require "pghost.connection"
local pghost = require "support.pghost"
local proxies = require "support.proxies"
local server = require "support.server"
local shown = require "support.shown"

local folder, dsn, db, database

local opening = [[
local again = require "pghost.run.retry"
local attempt = require("pghost.native.host").attempt
local connection = require "pghost.connection"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local dsn = "%s"
local function admin(sql, ...)
  local conn <close> = connection.open { dsn = dsn }
  return conn:query(sql, ...)
end
local rules = r.table("item", { { "id", r.bigint():required() }, { "name", r.text() } }, { key = "id" })
]]

local function start_script(text, config)
  return pghost.write(folder .. "/job.lua", opening:format(dsn) .. ([[
    local run <close> = pipeline.start("job", { data = "%s", %s })
  ]]):format(folder, config or "") .. text)
end

local function run(text, options)
  options = options or {}
  local path = start_script(text, options.config)
  local words = { path }
  table.move(options.words or {}, 1, #(options.words or {}), 2, words)
  local url = options.dsn or dsn
  return pghost.run(words, { env = "DATABASE_URL=" .. pghost.quote(url), stdin = options.stdin })
end

local function ask(sql)
  return shown.text(db, sql)
end

local function history()
  return ask "SELECT state, attempt, retry_of FROM pghost.runs ORDER BY run_id"
end

local function assert_published_once()
  assert.equal("1", ask "SELECT count(*) FROM pghost.runs WHERE state = 'published'")
  assert.equal("2000|2001000|2000", ask "SELECT count(*), sum(id), (SELECT count(*) FROM item_raw) FROM item")
  assert.equal("0", ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
end

local load_and_publish = [[
  run:load("item", "item.csv", rules)
  run:publish()
]]

-- Starts a proxy; returns where it leads.
local function proxy(mode)
  return ("host=%s dbname=%s user=postgres"):format(proxies.start(mode), database)
end

local function empty_database()
  db:exec "DROP SCHEMA IF EXISTS pghost, pghost_build_1, pghost_build_2, pghost_build_3 CASCADE"
  db:exec "DROP TABLE IF EXISTS item, item_raw, answer"
end

local function make_database()
  folder = pghost.folder()
  dsn, database = server.get():database()
  db = connection.open { dsn = dsn }
  local lines = { "id,name" }
  for i = 1, 2000 do
    lines[#lines + 1] = i .. ",name " .. i
  end
  pghost.write(folder .. "/item.csv", table.concat(lines, "\n") .. "\n")
end

local function leave()
  db:close()
  pghost.remove(folder)
end

describe("a run that fails", function()
  setup(make_database)
  teardown(leave)
  before_each(empty_database)
  after_each(proxies.stop)

  it("for its connection is done again as a new run, and prints its answers once", function()
    pghost.write(folder .. "/answer.sql", "SELECT count(*) AS items FROM item")
    local out, err, code = run([[
      run:load("item", "item.csv", rules)
      run:analyse(]] .. ("%q"):format(folder) .. [[)
      if attempt == 1 then
        admin("SELECT pg_terminate_backend($1)", run.conn:pid())
      end
      run:publish()
    ]])
    os.remove(folder .. "/answer.sql")
    assert.equal(0, code, err)
    assert.matches("retry +job +warn: [^\n]*; attempt 2 of 3 in %d%.%d s", err)
    assert.equal("killed|1|\npublished|2|1", history())
    assert_published_once()
    assert.equal(1, select(2, out:gsub("answer\n", "")))
  end)

  it("is done again so often as it is told, then it is what it was", function()
    local text = [[
      admin("SELECT pg_terminate_backend($1)", run.conn:pid())
    ]] .. load_and_publish
    local _, err, code = run(text, { words = { "--retries", "0" } })
    assert.equal(3, code, err)
    assert.matches("\npghost: [^\n]+\n$", err)
    assert.equal("running|1|", history())
    _, err, code = run(text, { config = "retries = 1" })
    assert.equal(3, code, err)
    assert.matches("attempt 2 of 2 in ", err)
    assert.equal("killed|1|\nkilled|1|\nrunning|2|2", history())
  end)

  it("for what does not pass is not done again", function()
    for problem, expected in pairs { ["SELECT 1/0"] = 1, ["SELECT * FROM nowhere"] = 1 } do
      local _, err, code = run(("run:query %q"):format(problem))
      assert.equal(expected, code)
      assert.not_matches("attempt", err)
    end
    local _, err, code = run("", { dsn = "host=/nonexistent dbname=x" })
    assert.equal(3, code)
    assert.not_matches("attempt", err)
  end)

  it("and has read its standard input is not done again", function()
    local _, err, code = run([[
      run:load("item", "-", rules)
      admin("SELECT pg_terminate_backend($1)", run.conn:pid())
      run:publish()
    ]], { stdin = "id,name\n1,a\n" })
    assert.equal(3, code, err)
    assert.not_matches("attempt", err)
  end)

  it("is not done again when the script deals with the error", function()
    local out, err, code = run [[
      local done, problem = pcall(function()
        admin("SELECT pg_terminate_backend($1)", run.conn:pid())
        run:load("item", "item.csv", rules)
      end)
      print(done, problem.code)
    ]]
    assert.equal(0, code, err)
    assert.matches("^false\t", out)
    assert.not_matches("attempt", err)
  end)

  it("can be interrupted before it is done again", function()
    local path = start_script [[
      admin("SELECT pg_terminate_backend($1)", run.conn:pid())
      run:load("item", "item.csv", rules)
    ]]
    local out, err, code = pghost.shell(([[DATABASE_URL='%s' '%s' %s 2>%s/err & pid=$!
      for i in $(seq 200); do grep -q 'attempt 2 of' %s/err && break; sleep 0.02; done
      kill -INT $pid; wait $pid]]):format(dsn, pghost.path, path, folder, folder))
    assert.equal(130, code, out .. err)
    assert.equal("running|1|", history())
  end)

  it("because its server restarts waits for it", function()
    local own <close> = server.start()
    local restart = server.as_owner(("%s/pg_ctl -D %s/data -m immediate -w restart >/dev/null 2>&1")
      :format(own.bin, own.folder))
    local _, err, code = run(([[
      run:load("item", "item.csv", rules)
      if attempt == 1 then
        os.execute(%q)
      end
      run:publish()
    ]]):format("(" .. restart .. ") </dev/null &"):gsub("%%", "%%%%"), { dsn = own.dsn })
    assert.equal(0, code, err)
    assert.equal("published|2", own:psql "SELECT state, attempt FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
    assert.equal("2000", own:psql "SELECT count(*) FROM item")
  end)

  it("to connect to a server that starts up waits for it", function()
    local _, err, code = run(load_and_publish, { dsn = proxy "starting" })
    assert.equal(0, code, err)
    assert.matches("connect +job +warn: [^\n]*the database system is starting up [^\n]*; waiting up to 30 s", err)
    assert.equal("published|1|", history())
    _, err, code = run(load_and_publish, { dsn = proxy "starting", words = { "--retries=0" } })
    assert.equal(3, code, err)
  end)
end)

describe("a transaction that the server breaks off", function()
  setup(make_database)
  teardown(leave)
  before_each(empty_database)
  after_each(proxies.stop)

  it("by a deadlock is done again", function()
    db:exec [[
      DROP TABLE IF EXISTS a, b;
      CREATE TABLE a (n integer); CREATE TABLE b (n integer); INSERT INTO a VALUES (0); INSERT INTO b VALUES (0)]]
    local _, err, code = run([[
      local other <const> = "psql -X -q -d '" .. dsn .. "' -c \"set deadlock_timeout = '30s'\" "
        .. "-c 'begin' -c 'update a set n = n + 1' -c 'update b set n = n + 1' -c 'commit'"
      local calls = 0
      run.conn:query "SET deadlock_timeout = '100ms'"
      run:transaction(function(conn)
        calls = calls + 1
        conn:query "UPDATE b SET n = n + 10"
        if calls == 1 then
          os.execute("(" .. other .. ") >/dev/null 2>&1 </dev/null &")
          repeat
            require("pghost.native.sys").sleep(0.05)
          until #admin("SELECT FROM pg_stat_activity WHERE query LIKE 'update b%' AND wait_event_type = 'Lock' "
              .. "AND datname = current_database()") > 0
        end
        conn:query "UPDATE a SET n = n + 10"
      end)
      print(calls)
      run:load("item", "item.csv", rules)
      run:publish()
    ]])
    assert.equal(0, code, err)
    assert.matches("retry +job +warn: deadlock detected[^\n]*; rolled back, retrying", err)
    assert.equal("11|11", ask "SELECT a.n, b.n FROM a, b")
    db:exec "DROP TABLE a, b"
  end)

  it("while it publishes is done again, and if it never works the whole run", function()
    for failures, expected in pairs { [2] = "published|1|", [7] = "failed|1|\npublished|2|1" } do
      empty_database()
      local _, err, code = run(([[
        local publish = require "pghost.publish.swap"
        local swap, left = publish.swap, attempt == 1 and %d or 0
        publish.swap = function(conn, options)
          local result = swap(conn, options)
          left = left - 1
          if left >= 0 then
            conn:exec "DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$"
          end
          return result
        end
      ]]):format(failures) .. load_and_publish)
      assert.equal(0, code, err)
      assert.equal(expected, history())
      assert_published_once()
    end
  end)
end)

describe("a COMMIT whose answer is lost", function()
  setup(make_database)
  teardown(leave)
  before_each(empty_database)
  after_each(proxies.stop)

  it("and that the server has done is not done again", function()
    local _, err, code = run(load_and_publish, { dsn = proxy "lost" })
    assert.equal(0, code, err)
    assert.matches("publish +public +warn: [^\n]*; the server has committed", err)
    assert.equal("published|1|", history())
    assert_published_once()
  end)

  it("and that the server does later is waited for", function()
    local _, err, code = run(load_and_publish, { dsn = proxy "late" })
    assert.equal(0, code, err)
    assert.matches("the server has committed", err)
    assert.equal("published|1|", history())
    assert_published_once()
  end)

  it("and that never reached the server makes a new run", function()
    local _, err, code = run(load_and_publish, { dsn = proxy "cut" })
    assert.equal(0, code, err)
    assert.equal("killed|1|\npublished|2|1", history())
    assert_published_once()
  end)

  it("and that nobody can be asked about ends the run, which says so", function()
    local _, err, code = run("again.connect_patience = 0.5\n" .. load_and_publish, { dsn = proxy "gone" })
    assert.equal(3, code, err)
    assert.matches("pghost: [^\n]*; whether run 1 has published is not known %(nobody can be asked%): "
      .. "see its state in pghost.runs\n$", err)
    assert_published_once()
  end)
end)
