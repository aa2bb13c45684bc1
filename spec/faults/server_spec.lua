-- What a pipeline does when the server fails under it: one clear line, the right exit code, nothing
-- published, and the next run succeeds.

local native = require "pghost.native.conn"
local outcomes = require "faults.outcomes"
local pghost = require "support.pghost"
local process = require "faults.process"
local server = require "support.server"
local sys = require "pghost.native.sys"
local world = require "faults.world"

local shell = server.shell

local own, here

setup(function()
  own = server.start "max_connections = 20\nsuperuser_reserved_connections = 3\nwal_level = replica\n"
  here = world.new(own)
end)

teardown(function()
  here:close()
  own:stop()
end)

-- A message is one line, or a line and indented details of the server.
local function assert_clear(message, patterns)
  assert.truthy(message:find "%S", "no message")
  assert.is_nil(message:find("\n[^ ]"), message)
  assert.is_nil(message:find("stack traceback", 1, true), message)
  for _, pattern in ipairs(type(patterns) == "table" and patterns or { patterns }) do
    if message:find(pattern) then
      return
    end
  end
  error("another message than expected: " .. message, 3)
end

-- What must hold after a fault: exit code, message, old state, nothing held; then a run that ends well.
local function assert_survived(fault, one, expected_code, patterns)
  local code, err = one:wait(90)
  local message = process.message(err)
  assert.equal(expected_code, code, err)
  assert.equal("", one.left)
  assert_clear(message, patterns)
  local old = here:assert_state "ab"
  assert.equal(here.old, old, "published by a run that failed")
  here:assert_settled()
  here:must_run(here:other(old))
  here:assert_clean(here:other(old))
  here:assert_state(here:other(old))
  outcomes.add("server", fault, ("exit code %d, `%s`, the old tables stay; the next run succeeds"):format(code,
    message:match "^[^\n]*"))
end

-- Starts a run of the set that is not published, up to a point.
local function start_to(point, options)
  here.old = here:assert_state "ab"
  options = options or {}
  options.stop = point
  local one = here:start(here:other(here.old), options)
  here:reached(one)
  return one
end

local lost = { "terminating connection due to administrator command", "server closed the connection", "is lost",
  "terminating connection because of crash", "has gone away", "Connection reset", "Broken pipe",
  "the lock of this run is gone" }

-- The backend that does one part of a run.
local parts = {
  control = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%INSERT INTO pghost.files%'",
  lock = "SELECT pid FROM pg_locks WHERE locktype = 'advisory'",
  raw = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY %\"booking_raw\"%'",
  clean = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY %\"booking\"%'",
  rejects = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY pghost.rejects%'",
}

local run_again, load_again = "^1 %a+, 2 published$", "^1 published$"

-- With the default settings one load is retried, or the run is: published once, by the attempt of that number.
local function assert_repeated(fault, one, attempts)
  local code, err = one:wait(120)
  assert.equal(0, code, err)
  assert.equal("", one.left)
  assert.matches("attempt 2 of 3", err)
  local row = here:conn():query([[
    SELECT count(*) FILTER (WHERE state = 'published') AS published,
      string_agg(attempt || ' ' || state, ', ' ORDER BY run_id) AS attempts FROM pghost.runs WHERE run_id > $1]],
    here.last_run)[1]
  assert.equal(1, row.published, row.attempts)
  assert.matches(attempts, row.attempts)
  here:assert_clean(here:other(here.old))
  here:assert_state(here:other(here.old))
  outcomes.add("server, default retries", fault, ("exit code 0, `%s`, %spublished once: the new tables"):format(
    err:match "warn: ([^\n]*attempt 2 of 3)", attempts == load_again and "by the same run, " or ""))
end

describe("a pipeline with retries", function()
  before_each(function()
    here.last_run = here:ask "SELECT max(run_id) FROM pghost.runs"
  end)

  for part, attempts in pairs { control = run_again, lock = run_again, raw = load_again, rejects = load_again } do
    it("whose " .. part .. " connection is terminated is retried", function()
      local one <close> = start_to("load", { retries = 2 })
      local pid = assert(here:ask(parts[part] .. " AND pid <> pg_backend_pid()"), "no such backend")
      assert.is_true(here:ask("SELECT pg_terminate_backend($1::int)", pid))
      here:go(one)
      assert_repeated(("backend of the %s connection terminated while loading"):format(part), one, attempts)
    end)
  end

  for _, point in ipairs { "load", "check", "publish" } do
    it("whose server is restarted (immediate) at " .. point .. " runs again", function()
      local one <close> = start_to(point, { retries = 2 })
      own:halt "immediate"
      own:resume()
      here:go(one)
      assert_repeated("immediate restart at: " .. point, one, run_again)
    end)
  end
end)

describe("a pipeline", function()
  for _, part in ipairs { "control", "lock", "raw", "clean", "rejects" } do
    it("whose " .. part .. " connection is terminated", function()
      local one <close> = start_to "load"
      local pid = assert(here:ask(parts[part] .. " AND pid <> pg_backend_pid()"), "no such backend")
      assert.is_true(here:ask("SELECT pg_terminate_backend($1::int)", pid))
      here:go(one)
      assert_survived(("backend of the %s connection terminated while loading"):format(part), one, 3, lost)
    end)
  end

  for _, mode in ipairs { "fast", "immediate" } do
    for _, point in ipairs { "start", "load", "check", "publish" } do
      it(("whose server is restarted (%s) at %s"):format(mode, point), function()
        local one <close> = start_to(point)
        own:halt(mode)
        own:resume()
        here:go(one)
        assert_survived(("%s restart at: %s"):format(mode, point), one, 3, lost)
      end)
    end
  end

  it("whose server is gone", function()
    here.old = here:assert_state "ab"
    own:halt "fast"
    local one <close> = here:start(here:other(here.old))
    local code, err = one:wait()
    own:resume()
    assert.equal(3, code, err)
    assert_survived("server not running", one, 3, "^could not connect to .*is the server running")
  end)

  it("whose server is stopped for 20 s", function()
    local one <close> = start_to "load"
    local pids = own:processes()
    os.execute("kill -STOP " .. pids)
    local _ <close> = setmetatable({}, { __close = function()
      os.execute("kill -CONT " .. pids .. " 2>/dev/null")
    end })
    here:go(one)
    local started = sys.clock()
    while one:running() and sys.clock() - started < 20 do
      sys.sleep(0.05)
    end
    os.execute("kill -CONT " .. pids)
    assert_survived("SIGSTOP of the whole server for 20 s while loading", one, 3,
      "^could not load table 'booking': the server did not answer for 1%d s$")
  end)

  it("whose disk is full", function()
    if shell "id -u" ~= "0" then
      return pending "only root can mount a small file system"
    end
    local mount = own.folder .. "/full"
    shell(("mkdir %s && mount -t tmpfs -o size=120k tmpfs %s && chown postgres %s"):format(mount, mount, mount))
    local _ <close> = setmetatable({}, { __close = function()
      shell(("umount -l %s"):format(mount))
    end })
    own:psql(("CREATE TABLESPACE small LOCATION '%s'"):format(mount))
    own:psql(("ALTER ROLE postgres IN DATABASE %s SET default_tablespace = small"):format(here.name))
    here.old = here:assert_state "ab"
    local one <close> = here:start(here:other(here.old))
    local code, err = one:wait()
    own:psql(("ALTER ROLE postgres IN DATABASE %s RESET default_tablespace"):format(here.name))
    assert.equal(1, code, err)
    assert_survived("disk full", one, 1, { "No space left on device", "wrote only %d+ of %d+ bytes" })
    own:psql "DROP TABLESPACE small"
  end)

  -- Takes all connections but `free`; to be closed.
  local function fill(free)
    local held = {}
    local conn = native.connect(here.direct)
    while conn do
      held[#held + 1] = conn
      conn = native.connect(here.direct)
    end
    for _ = 1, free do
      table.remove(held):close()
    end
    sys.sleep(0.2) -- until the server knows
    return setmetatable(held, { __close = function()
      for _, one in ipairs(held) do
        one:close()
      end
    end })
  end

  for free, what in pairs { [0] = "no connection is free", [2] = "two connections are free" } do
    it("for which " .. what, function()
      here.old = here:assert_state "ab"
      here:conn():close()
      local one
      do
        local _ <close> = fill(free)
        one = here:start(here:other(here.old))
        one:wait()
      end
      sys.sleep(0.2)
      assert_survived(what, one, 3, "too many clients already")
    end)
  end

  it("whose role has a statement_timeout", function()
    own:psql(("ALTER ROLE postgres IN DATABASE %s SET statement_timeout = '300ms'"):format(here.name))
    local one <close> = start_to "load"
    sys.sleep(0.6)
    here:go(one)
    one:wait()
    own:psql(("ALTER ROLE postgres IN DATABASE %s RESET statement_timeout"):format(here.name))
    here:conn():close()
    assert_survived("statement_timeout of the role exceeded while loading", one, 1,
      "canceling statement due to statement timeout")
  end)

  it("whose role has an idle_in_transaction_session_timeout keeps its lock", function()
    own:psql(("ALTER ROLE postgres IN DATABASE %s SET idle_in_transaction_session_timeout = '300ms'"):format(here.name))
    local one <close> = start_to "check"
    sys.sleep(0.6)
    here:go(one)
    local code, err = one:wait()
    own:psql(("ALTER ROLE postgres IN DATABASE %s RESET idle_in_transaction_session_timeout"):format(here.name))
    assert.equal(0, code, err)
    here:assert_clean(here:other(here.old))
    here:assert_state(here:other(here.old))
    outcomes.add("server", "idle_in_transaction_session_timeout of the role",
      "does not touch the lock of a run: it succeeds")
  end)

  it("whose tables a reader holds", function()
    here.old = here:assert_state "ab"
    local reader <close> = assert(native.connect(here.direct .. " application_name=report"))
    assert(reader:exec "BEGIN")
    assert(reader:query "LOCK TABLE public.booking IN ACCESS SHARE MODE")
    local one <close> = here:start(here:other(here.old), { words = { "--lock-wait", "1" } })
    one:wait()
    reader:close()
    assert_survived("a reader that holds its lock longer than lock_wait", one, 1,
      "cannot publish: 'public.booking' is in use and could not be locked in 1 s, "
        .. "by process %d+ of 'postgres' %(report%)")
  end)

  it("whose tables a reader holds for a while", function()
    here.old = here:assert_state "ab"
    local reader <close> = assert(native.connect(here.direct))
    assert(reader:exec "BEGIN")
    assert(reader:query "LOCK TABLE public.booking IN ACCESS SHARE MODE")
    local one <close> = start_to "publish"
    here:go(one)
    sys.sleep(0.7)
    assert.is_true(one:running())
    reader:close()
    local code, err = one:wait()
    assert.equal(0, code, err)
    here:assert_state(here:other(here.old))
    outcomes.add("server", "a reader that holds its lock for 0.7 s", "is waited for, then published")
  end)

  it("on a standby", function()
    local standby <close> = own:standby()
    local one <close> = process.start({ "--dsn", (here.direct:gsub("host=%S+", "host=" .. standby.socket)),
      pghost.root .. "/scripts/pipeline.lua", "--data", here.sets.a.data })
    here.old = here:assert_state "ab"
    one:wait()
    assert_survived("a standby", one, 3, "^the server is read%-only: it is a standby: connect to the primary")
  end)

  it("on a database that is read-only", function()
    own:psql(("ALTER DATABASE %s SET default_transaction_read_only = on"):format(here.name))
    here.old = here:assert_state "ab"
    local one <close> = here:start(here:other(here.old))
    one:wait()
    local load <close> = process.start {
      "--dsn", here.direct, "load", here.sets.a.data .. "/users.csv", "--into", "users",
    }
    local code, err = load:wait()
    assert.equal(3, code, err)
    assert.matches("^the server is read%-only for 'postgres'", process.message(err))
    own:psql(("ALTER DATABASE %s RESET default_transaction_read_only"):format(here.name))
    here:conn():close()
    assert_survived("default_transaction_read_only of the database", one, 3,
      "^the server is read%-only for 'postgres' in database '[%w_]+': default_transaction_read_only is on")
  end)

  it("of a role with settings of its own gives the same tables", function()
    for _, setting in ipairs { "datestyle = 'SQL, DMY'", "timezone = 'Asia/Kolkata'", "search_path = 'pg_catalog'",
      "bytea_output = 'escape'", "standard_conforming_strings = off", "intervalstyle = 'sql_standard'",
      "default_transaction_isolation = 'repeatable read'", "extra_float_digits = -2", "lc_monetary = 'C'",
      "quote_all_identifiers = on", "xmloption = document", "default_transaction_deferrable = on" } do
      own:psql(("SET standard_conforming_strings = on; ALTER ROLE postgres IN DATABASE %s SET %s"):format(here.name,
        setting))
    end
    here.old = here:assert_state "ab"
    local one <close> = here:start(here:other(here.old))
    local code, err = one:wait()
    own:psql(("ALTER ROLE postgres IN DATABASE %s RESET ALL"):format(here.name))
    here:conn():close()
    assert.equal(0, code, err)
    here:assert_clean(here:other(here.old))
    here:assert_state(here:other(here.old))
    outcomes.add("server", "a role with its own datestyle, time zone, search path, isolation level ...",
      "no difference: the same tables")
  end)
end)
