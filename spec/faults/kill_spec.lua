-- kill -9 of pghost at random moments: all or nothing, nothing left, and the next run succeeds.
--
-- PGHOST_FAULTS_KILLS: how many (60), PGHOST_FAULTS_SEED: where the random delays begin.

local outcomes = require "faults.outcomes"
local server = require "support.server"
local sys = require "pghost.native.sys"
local world = require "faults.world"

local kills = outcomes.number("PGHOST_FAULTS_KILLS", 60)
local seed = outcomes.number("PGHOST_FAULTS_SEED", os.time() % 100000)

local here

setup(function()
  here = world.new(server.get())
end)

teardown(function()
  here:close()
end)

-- Kills one run after `delay` seconds; returns what is published then and whether it had ended.
local function kill_once(old, delay)
  local new = here:other(old)
  local one <close> = here:start(new)
  sys.sleep(delay)
  one:signal(9)
  local code = one:wait(10)
  assert.equal("", one.left)
  here:assert_settled()
  return here:assert_state(old .. new), code ~= 137
end

local function length_of_a_run()
  local longest = 0
  for _, which in ipairs { "a", "b", "a", "b" } do
    longest = math.max(longest, here:must_run(which).seconds)
  end
  return longest
end

describe("a pipeline that is killed", function()
  it("has published everything or nothing, and the next one runs", function()
    math.randomseed(seed)
    local length = length_of_a_run()
    local seen = { old = 0, new = 0, ended = 0 }
    for i = 1, kills do
      local old = here:state()
      local delay = math.random() * length
      local context = ("kill %d after %.4f s, seed %d"):format(i, delay, seed)
      local ok, problem = pcall(function()
        local state, ended = kill_once(old, delay)
        local kind = ended and "ended" or state == old and "old" or "new"
        seen[kind] = seen[kind] + 1
        here:must_run(here:other(old))
        here:assert_clean(here:other(old))
        here:assert_state(here:other(old))
      end)
      assert(ok, context .. ": " .. tostring(problem))
    end
    assert.is_true(seen.old > kills / 3, "hardly a run was killed")
    outcomes.add("kill -9", ("of a pipeline at %d random moments of %.2f s"):format(kills, length),
      ("%d times the old state, %d times the new one, %d times it had ended before; "
        .. "every next run succeeded, nothing was left"):format(seen.old, seen.new, seen.ended))
  end)
end)
