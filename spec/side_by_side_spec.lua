-- Tasks of a run over several connections, and answers of analytics that are computed side by side: the outcome is that
-- of one after the other.

local connection = require "pghost.connection"
local fixture = require "support.fixture"
local lanes = require "pghost.run.lanes"
local projects = require "support.project"
local support = require "support.pghost"
local Run = require "pghost.run"

local project

fixture.each(function(keep)
  project = keep(projects.new())
end)

describe("tasks", function()
  local run

  before_each(function()
    run = Run.new("shop", { schema = "public", workers = 2, retries = 0 }, { dsn = project.dsn, log = {}, out = {} })
    run.conn, run.build = connection.open { dsn = project.dsn }, "public"
  end)

  after_each(function()
    run:drop_connections()
    run.conn:close()
  end)

  local function list_of(calls)
    local tasks, results = {}, {}
    for i, call in ipairs(calls) do
      tasks[i] = { call = call, needs = calls.needs and calls.needs[i] }
    end
    local good, problem = pcall(lanes.run, run, tasks, function(i, result)
      results[i] = result
    end)
    return results, not good and problem or nil
  end

  local function ask(text)
    return function(view)
      return view.conn:query("SELECT " .. text .. " AS v")[1].v
    end
  end

  local function running()
    return project:ask "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()"
  end

  it("run at once: one waits for what a later one releases", function()
    project.conn:query "SELECT pg_advisory_lock(1)"
    run.conn:exec "SET statement_timeout = '20s'"
    run:connection("lane1"):exec "SET statement_timeout = '20s'"
    local results, problem = list_of {
      ask "pg_advisory_lock_shared(1)::text || 'waited'",
      function(view)
        view.conn:query "SELECT 1"
        project.conn:query "SELECT pg_advisory_unlock(1)"
        return "released"
      end,
    }
    assert.is_nil(problem)
    assert.same({ "waited", "released" }, results)
  end)

  it("run after those that they need, whatever lane is free", function()
    local order = {}
    local function note(name, text)
      return function(view)
        view.conn:query(text)
        order[#order + 1] = name
      end
    end
    list_of { needs = { [2] = { [1] = true } }, note("first", "SELECT pg_sleep(0.3)"), note("second", "SELECT 1"),
      note("third", "SELECT 1") }
    assert.same({ "third", "first", "second" }, order)
  end)

  it("raise the first error in their order, after the tasks before it, and cancel the later ones", function()
    local results, problem = list_of { ask "pg_sleep(0.4)::text || 'done'", function(view)
      view:transaction(function(conn)
        conn:query "CREATE TABLE public.half (a int)"
        conn:query "SELECT 1 / 0"
      end)
    end, ask "pg_sleep(60)" }
    assert.same({ "done" }, results)
    assert.equal("22012", problem.code)
    assert.equal("0", running())
    assert.equal("", project:ask "SELECT to_regclass('public.half')")
    run.settings.workers = 3
    results, problem = list_of { ask "pg_sleep(0.4) IS NULL OR 1 / 0 = 1", ask "1 / 0", ask "pg_sleep(60)" }
    assert.same({}, results)
    assert.matches("division by zero", problem.message)
    assert.equal("0", running())
  end)

  it("end with an error of a connection that is lost, and leave nothing running", function()
    local _, problem = list_of { function(view)
      view.conn:query("SELECT pg_terminate_backend(pg_backend_pid())")
    end, ask "pg_sleep(60)" }
    assert.equal("57P01", problem.code)
    assert.equal("0", running())
  end)

  it("are one after the other with one worker, in a transaction, and where the session is not like others", function()
    local function pids()
      local results = list_of { ask "pg_backend_pid()", ask "pg_backend_pid()" }
      return results[1] == results[2] and 1 or 2
    end
    local function is_one(statement, undo)
      run.conn:query(statement)
      assert.equal(1, pids(), statement)
      if undo then
        run.conn:query(undo)
        assert.equal(2, pids(), undo)
      end
    end
    run.settings.workers = 1
    assert.equal(1, pids())
    run.settings.workers = 2
    assert.equal(2, pids())
    is_one("BEGIN", "ROLLBACK")
    is_one("SET DateStyle = 'SQL, DMY'", "RESET DateStyle")
    is_one("SET ROLE pg_monitor", "RESET ROLE")
    is_one("CREATE TEMP TABLE own (a int)")
  end)
end)

-- Each says whether it can be beside others.
local answers <const> = {
  { "a_plain", "SELECT a, count(*) AS n FROM item WHERE at < :as_of GROUP BY a ORDER BY a", true },
  { "b_reads_a", "SELECT sum(n) AS n, string_agg(a, ',' ORDER BY a) AS l FROM a_plain", true },
  { "c_other", "SELECT i.id, j.a FROM item AS i JOIN item_raw AS j ON j.id = i.id::text ORDER BY 1", true },
  { "d_reads_by_name", "SELECT public.rows_of('b_reads_a') AS n", false },
  { "e_view", "SELECT * FROM public.other_view", false },
  { "f_random", "SELECT random() >= 0 AS v", false },
  { "g_setting", "SELECT current_setting('search_path') LIKE '%public%' AS v", false },
  { "h_catalog", "SELECT count(*) > 0 AS v FROM pg_class", false },
  { "i_own", "SELECT count(*) >= 8 AS v FROM pghost.answers", false },
  { "j_locks", "SELECT a FROM item ORDER BY id LIMIT 1 FOR UPDATE", false },
  { "k_xml", "SELECT query_to_xml('SELECT n FROM b_reads_a', false, true, '')::text AS v", false },
  { "l_domain", "SELECT id::public.small AS v FROM item WHERE id = 1", false },
  { "m_window", "SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM item ORDER BY 1", true },
  { "n_reads_d", "SELECT n + 1 AS n FROM d_reads_by_name", true },
}

local setup <const> = [[
  CREATE FUNCTION public.rows_of(name text) RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
    DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM ' || name INTO n; RETURN n; END $$;
  CREATE VIEW public.other_view AS SELECT 1 AS one;
  CREATE DOMAIN public.small AS bigint CHECK (public.rows_of('pg_class') > VALUE);]]

describe("answers side by side", function()
  local script <const> = [[
    local r = require "pghost.rules"
    local lanes, run_lanes = require "pghost.run.lanes", require("pghost.run.lanes").run
    lanes.run = function(run, tasks, done)
      if #tasks > 0 then
        print("side by side: " .. #tasks)
      end
      return run_lanes(run, tasks, done)
    end
    local run <close> = require("pghost.pipeline").start("shop", { data = ".", as_of = "2024-06-30 00:00:00",
      retries = 0 })
    run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "a", r.text() }, { "at", r.timestamp() } }))
    SCRIPT
    run:analyse("sql")
    run:publish()]]

  local function make(list, more)
    project:write("item.csv", "id,a,at\n1,x,2024-01-01\n2,y,2024-02-03\n3,x,2024-07-01\n")
    project:write("pipeline.lua", (script:gsub("SCRIPT", function()
      return more or ""
    end)))
    os.execute("mkdir -p " .. project.folder .. "/sql")
    for _, answer in ipairs(list) do
      project:write("sql/" .. answer[1] .. ".sql", answer[2])
    end
  end

  local function run(workers)
    local out, err, code = project:pghost("pipeline.lua", "--workers", workers)
    local waves = {}
    out = out:gsub("side by side: (%d+)\n", function(count)
      waves[#waves + 1] = count
      return ""
    end)
    return out, (err:gsub("%([%d.]+ s%)", ""):gsub("run %d+", "run N"):gsub("in '?[%d.]+ s", "")), code, waves
  end

  it("are what they are one after the other, in the same order", function()
    project.conn:exec(setup)
    make(answers)
    local out, err, code, waves = run "1"
    assert.equal(0, code, err)
    assert.same({}, waves)
    local beside, beside_err, beside_code, beside_waves = run "4"
    assert.equal(0, beside_code, beside_err)
    assert.equal(out, beside)
    assert.equal(err, beside_err)
    assert.same({ "3", "2" }, beside_waves)
    assert.equal("2||table|public|item", (project:ask [[
      SELECT count(*), column_name, source_kind, source_schema, source_name FROM pghost.v_lineage
      WHERE table_name = 'a_plain' AND how = 'filter' GROUP BY 2, 3, 4, 5]])) -- of both runs
  end)

  it("end with the error that is the first in their order, and publish nothing", function()
    for _, case in ipairs {
      { "SELECT 1 / (id - 1) AS v FROM item", "SELECT count(*) / (SELECT 0 FROM item LIMIT 1) AS v FROM item" },
      { "SELECT 1 / (id - id) AS v FROM item WHERE id < 100", "SELECT nope FROM item" },
      { "SELECT a::int AS v FROM item", "SELECT random() AS v" },
    } do
      make { { "a_good", "SELECT count(*) AS n FROM item" }, { "b_bad", case[1] }, { "c_bad", case[2] },
        { "d_good", "SELECT max(id) AS v FROM item" } }
      local out, err, code = run "1"
      assert.matches("sql/b_bad.sql", err, 1, true)
      local beside, beside_err, beside_code = run "4"
      assert.equal(out, beside)
      assert.equal(err, beside_err)
      assert.equal(code, beside_code)
      assert.equal("|0", project:ask [[
        SELECT to_regclass('public.item'), count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%']])
    end
  end)

  it("see what the script has said to its session", function()
    make({ { "a", "SELECT max(at)::date::text AS v FROM item" }, { "b", "SELECT min(at)::date::text AS v FROM item" } },
      [[run.conn:exec "SET DateStyle = 'German'"]])
    local out, err, code, waves = run "4"
    assert.equal(0, code, err)
    assert.matches("01.07.2024", out, 1, true)
    assert.same({}, waves)
  end)

  it("wait for a table that a hook has given a trigger", function()
    make({ { "a", "SELECT 1 AS v FROM item" }, { "b", "SELECT 2 AS v FROM item" }, { "c", "SELECT 3 AS v FROM item" } },
      [[run.settings.table_created = function(conn, schema, name)
        if name == "b" then
          conn:query(("CREATE TRIGGER t BEFORE INSERT ON %s.b EXECUTE FUNCTION "
            .. "pg_catalog.suppress_redundant_updates_trigger()"):format(schema))
        end
      end]])
    local _, err, _, waves = run "4"
    assert.same({ "1" }, waves)
    assert.matches("sql/b.sql", err, 1, true)
  end)

  it("stop when a signal arrives, and leave nothing running or built", function()
    local heavy = "SELECT count(*) AS n FROM item, generate_series(1, 100000) AS s, generate_series(1, 100000) AS t "
      .. "WHERE (s + t) %% %d = id" -- hours, and no big temporary file, which takes long to remove
    make { { "a", heavy:format(7) }, { "b", heavy:format(5) } }
    local running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT%series%'"
    project:write("sh", ([[cd %s; set -m; %s --dsn '%s' pipeline.lua --workers 2 >out 2>&1 & pid=$!
      n=0; until [ "$(%s --dsn '%s' -e 'print(require("pghost.connection").open():query([=[%s]=])[1].count)')" = 2 ]; do
        n=$((n + 1)); [ $n -lt 100 ] || break; sleep 0.1; done
      kill -INT $pid; wait $pid; echo $?]]):format(project.folder, support.path, project.dsn, support.path, project.dsn,
      running))
    local out = support.shell("bash " .. project.folder .. "/sh")
    assert.equal("130\n", out)
    for _ = 1, 200 do -- a backend that was cancelled takes a moment to say so
      if project:ask(running) == "0" then
        break
      end
      os.execute "sleep 0.1"
    end
    assert.equal("0", project:ask(running))
    assert.equal("0", project:ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
  end)
end)
