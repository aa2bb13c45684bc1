-- kill -9 of pghost at random moments: all or nothing, nothing left, and the next run succeeds.
--
-- PGHOST_FAULTS_KILLS: how many (40), PGHOST_FAULTS_SEED: where the random delays begin.

local connection = require "pghost.connection"
local kill = require "faults.kill"
local outcomes = require "faults.outcomes"
local pghost = require "support.pghost"
local process = require "faults.process"
local server = require "support.server"
local sys = require "pghost.native.sys"
local world = require "faults.world"

local kills = outcomes.number("PGHOST_FAULTS_KILLS", 40)

describe("kill -9", function()
  it("of a pipeline: it has published everything or nothing, and the next one runs", function()
    local here <close> = world.new(server.get())
    kill.at_random(here, kills, "kill")
    kill.in_publish(here, kills // 2, "kill")
    kill.behind_publish(here, "kill")
  end)

  it("of pghost load: it has loaded everything or nothing", function()
    local dsn = server.get():database()
    local folder = pghost.folder()
    local lines = {}
    for i = 1, 100000 do
      lines[i] = i .. ",name " .. i
    end
    local path = pghost.write(folder .. "/thing.csv", "id,name\n" .. table.concat(lines, "\n") .. "\n")
    local db <close> = connection.open { dsn = dsn }
    db:exec "CREATE TABLE thing (id bigint, name text)"
    local words = { "-q", "--dsn", dsn, "load", path, "--into", "thing" }
    local first <close> = process.start(words)
    assert.equal(0, (first:wait()))
    local count, whole = 100000, 0
    for _ = 1, kills // 2 do
      local one <close> = process.start(words)
      sys.sleep(math.random() * first.seconds)
      one:signal(9)
      one:wait()
      local deadline = sys.clock() + 5
      repeat
        local busy = db:query([[SELECT count(*) AS n FROM pg_stat_activity
          WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()]])[1].n
        sys.sleep(0.005)
      until busy == 0 or sys.clock() > deadline
      local now = db:query("SELECT count(*) AS n FROM thing")[1].n
      assert.is_true(now == count or now == count + 100000, now)
      whole = whole + (now > count and 1 or 0)
      count = now
    end
    pghost.remove(folder)
    outcomes.add("kill", ("kill -9 of `pghost load` at %d random moments"):format(kills // 2),
      ("%d times everything was loaded, else nothing"):format(whole))
  end)
end)
