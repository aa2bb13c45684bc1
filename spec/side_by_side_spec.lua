-- Tasks of a run over several connections, and answers of analytics that are computed side by side: the outcome is that
-- of one after the other.

local connection = require "pghost.connection"
local fixture = require "support.fixture"
local lanes = require "pghost.run.lanes"
local projects = require "support.project"
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
