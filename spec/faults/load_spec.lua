-- pghost load with its default retries: whenever the server fails, everything is loaded once.
--
-- PGHOST_FAULTS_KILLS: a quarter of it is how often each (40), PGHOST_FAULTS_SEED: where the delays begin.

local connection = require "pghost.connection"
local outcomes = require "faults.outcomes"
local pghost = require "support.pghost"
local pooler = require "support.pooler"
local process = require "faults.process"
local server = require "support.server"
local sys = require "pghost.native.sys"
local new_seed = require "support.seed"

local records = 100000
local kills = outcomes.number("PGHOST_FAULTS_KILLS", 40) // 4
local seed = new_seed "PGHOST_FAULTS_SEED"

local terminate = [[
  SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()]]

describe("pghost load with retries", function()
  local own, folder, path, length

  setup(function()
    math.randomseed(seed)
    -- What the server has confirmed is there after a crash of it.
    own = server.start "wal_level = replica\nsynchronous_commit = on\n"
    folder = pghost.folder()
    local lines = { "id,name" }
    for i = 1, records do
      lines[#lines + 1] = (i % 1000 == 0 and "x" or "") .. i .. ",name " .. i
    end
    path = pghost.write(folder .. "/thing.csv", table.concat(lines, "\n") .. "\n")
  end)

  teardown(function()
    pghost.remove(folder)
    own:stop()
  end)

  before_each(function()
    own:psql "DROP SCHEMA IF EXISTS pghost CASCADE; DROP TABLE IF EXISTS thing"
    own:psql "CREATE TABLE thing (id bigint, name text)"
  end)

  local function start(dsn)
    return process.start { "--dsn", dsn, "load", path, "--into", "thing", "--max-rejects", "1%", "--rejects", "table" }
  end

  -- Loads and fails the server at a random moment, over and over; returns how often it was tried again. A
  -- server that was never reached is not waited for.
  local function often(times, dsn, fault)
    local again, done = 0, 0
    for i = 1, times do
      local one <close> = start(dsn)
      sys.sleep(math.random() * length)
      fault()
      local code, err = one:wait(120)
      local where = ("time %d, seed %d: %s"):format(i, seed, err)
      if not err:find "^pghost: could not connect" then
        assert.equal(0, code, where)
        done = done + 1
      end
      again = again + (err:find("attempt 2 of 3", 1, true) and 1 or 0)
      local expected = done * (records - records // 1000)
      assert.equal(("%d|%d|%d"):format(expected, done, done * records // 1000), own:psql [[
        SELECT (SELECT count(*) FROM thing), (SELECT count(*) FROM pghost.runs WHERE state = 'published'),
          (SELECT count(*) FROM pghost.rejects)]], where)
    end
    return again, times - done
  end

  local function measure(dsn)
    local one <close> = start(dsn)
    assert.equal(0, (one:wait()))
    length = one.seconds
    own:psql "TRUNCATE thing, pghost.runs, pghost.rejects CASCADE" -- what is counted stays there
  end

  local function note(section, fault, times, again, refused)
    local outcome = ("exit code 0, %d times by another attempt; each time every record and every reject is there once")
      :format(again)
    if refused > 0 then
      outcome = ("%s; %d times the server was not yet reached: exit code 3, nothing loaded"):format(outcome, refused)
    end
    outcomes.add(section, ("%s at %d random moments of %.2f s"):format(fault, times, length), outcome)
  end

  it("is done again where its backend is terminated, also through a pooler", function()
    local front <close> = pooler.start(own, "transaction")
    for _, case in ipairs {
      { "load, default retries", own.dsn },
      { "load, default retries, pgbouncer, transaction mode", front:through(own.dsn) },
    } do
      local section, dsn = table.unpack(case)
      own:psql "DROP SCHEMA IF EXISTS pghost CASCADE; TRUNCATE thing"
      measure(dsn)
      local admin <close> = connection.open { dsn = own.dsn }
      note(section, "backends terminated", kills, often(kills, dsn, function()
        admin:query(terminate)
      end))
    end
  end)

  it("is done again where the server is restarted", function()
    measure(own.dsn)
    local times = math.max(3, kills // 3)
    note("load, default retries", "immediate restart", times, often(times, own.dsn, function()
      own:halt "immediate"
      own:resume()
    end))
  end)
end)
