-- The same through pgbouncer: kills and pipelines at once, in session and in transaction mode.

local concurrency = require "faults.concurrency"
local kill = require "faults.kill"
local outcomes = require "faults.outcomes"
local pooler = require "support.pooler"
local server = require "support.server"
local world = require "faults.world"

local kills = outcomes.number("PGHOST_FAULTS_KILLS", 40) // 4

for _, mode in ipairs { "session", "transaction" } do
  describe(("through pgbouncer in %s mode"):format(mode), function()
    local here, front
    local section = "pgbouncer, " .. mode .. " mode"

    setup(function()
      front = pooler.start(server.get(), mode)
      here = world.new(server.get())
      here.dsn = front:through(here.direct)
    end)

    teardown(function()
      here:close()
      front:stop()
    end)

    it("a pipeline publishes what it should", function()
      here:must_run "a"
      here:assert_clean "a"
      here:assert_state "a"
      outcomes.add(section, "none", "the same tables as without it")
    end)

    it("a killed pipeline leaves nothing", function()
      kill.at_random(here, kills, section)
    end)

    it("one pipeline runs, the others say so", function()
      concurrency.while_one_runs(here, 10, section)
      concurrency.all_at_once(here, 10, section)
      concurrency.all_wait(here, 4, section)
    end)
  end)
end
