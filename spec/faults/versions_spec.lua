-- The main job, kills and faults of the server on other major versions of PostgreSQL than the
-- installed one.

local concurrency = require "faults.concurrency"
local kill = require "faults.kill"
local outcomes = require "faults.outcomes"
local server = require "support.server"
local versions = require "support.versions"
local world = require "faults.world"

local kills = outcomes.number("PGHOST_FAULTS_KILLS", 40) // 8

for _, major in ipairs(versions.majors) do
  describe(("on PostgreSQL %d"):format(major), function()
    local own, here, problem
    local section = ("PostgreSQL %d"):format(major)

    setup(function()
      local bin
      bin, problem = versions.bin(major)
      if bin then
        own = server.start(nil, bin)
        here = world.new(own)
      end
    end)

    teardown(function()
      if own then
        here:close()
        own:stop()
      end
    end)

    local function on_it(name, fn)
      it(name, function()
        if not own then
          return pending(problem)
        end
        fn()
      end)
    end

    on_it("the pipeline gives what the oracle computes, again and again", function()
      assert.equal(tostring(major), here:ask("SELECT current_setting('server_version')"):match "^%d+")
      for _, which in ipairs { "a", "b", "b", "a" } do
        here:must_run(which)
        here:assert_clean(which)
        here:assert_state(which)
      end
      outcomes.add(section, "none", "the pipeline gives what the oracle computes, again and again")
    end)

    on_it("a killed pipeline leaves nothing", function()
      kill.at_random(here, kills, section)
    end)

    on_it("one pipeline runs, the others say so", function()
      concurrency.while_one_runs(here, 3, section)
    end)

    on_it("an immediate restart publishes nothing", function()
      local old = here:state()
      local one <close> = here:start(here:other(old), { stop = "load" })
      here:reached(one)
      own:halt "immediate"
      own:resume()
      here:go(one)
      local code, err = one:wait()
      assert.equal(3, code, err)
      here:assert_state(old)
      here:must_run(here:other(old))
      here:assert_clean(here:other(old))
      outcomes.add(section, "immediate restart while loading",
        "exit code 3, the old tables stay; the next run succeeds")
    end)
  end)
end
