-- kill -9 at random moments, for a server and for poolers before it.

local outcomes = require "faults.outcomes"
local sys = require "pghost.native.sys"

local M = {}

local seed = outcomes.number("PGHOST_FAULTS_SEED", os.time() % 100000)

-- Kills one run after `delay` seconds; returns what is published then and whether it had ended.
local function kill_once(here, old, delay)
  local new = here:other(old)
  local one <close> = here:start(new)
  sys.sleep(delay)
  one:signal(9)
  local code = one:wait(10)
  assert(one.left == "", "temporary files are left: " .. one.left)
  here:assert_settled()
  return here:assert_state(old .. new), code ~= 137
end

local function length_of_a_run(here)
  local longest = 0
  for _, which in ipairs { "a", "b", "a", "b" } do
    longest = math.max(longest, here:must_run(which).seconds)
  end
  return longest
end

local function kill_and_run(here, delay, seen)
  local old = here:state()
  local new = here:other(old)
  local state, ended = kill_once(here, old, delay)
  local kind = ended and "ended" or state == old and "old" or "new"
  seen[kind] = seen[kind] + 1
  here:must_run(new)
  here:assert_clean(new)
  here:assert_state(new)
end

--- Kills runs of a pipeline, each at a random moment of its length, and runs it to its end after each.
function M.at_random(here, kills, section)
  math.randomseed(seed)
  local length = length_of_a_run(here)
  local seen = { old = 0, new = 0, ended = 0 }
  for i = 1, kills do
    local delay = math.random() * length
    local ok, problem = pcall(kill_and_run, here, delay, seen)
    assert(ok, ("kill %d after %.4f s, seed %d: %s"):format(i, delay, seed, tostring(problem)))
  end
  assert(seen.old > kills / 4, "hardly a run was killed")
  outcomes.add(section, ("kill -9 at %d random moments of %.2f s"):format(kills, length),
    ("%d times the old state, %d times the new one, %d times it had ended before; every next run succeeds, "
      .. "nothing is left"):format(seen.old, seen.new, seen.ended))
end

return M
