-- kill -9 at random moments, of the whole run or of its publish, for a server and for poolers before it.

local outcomes = require "faults.outcomes"
local sys = require "pghost.native.sys"
local new_seed = require "support.seed"

local M = {}

local seed = new_seed "PGHOST_FAULTS_SEED"

-- Kills a run that is under way; returns what is published then and whether it had ended.
local function kill_once(here, one, states)
  one:signal(9)
  local code = one:wait(10)
  assert(one.left == "", "temporary files are left: " .. one.left)
  here:assert_settled()
  return here:assert_state(states), code ~= 137
end

local function length_of_a_run(here)
  local longest = 0
  for _, which in ipairs { "a", "b", "a", "b" } do
    longest = math.max(longest, here:must_run(which).seconds)
  end
  return longest
end

-- Kills one run `delay` seconds behind the point where it stops, or its start, and runs it to its end.
local function kill_and_run(here, stop, delay, seen)
  local old = here:state()
  local new = here:other(old)
  local one <close> = here:start(new, { stop = stop })
  if stop then
    here:reached(one)
    here:go(one)
  end
  sys.sleep(delay)
  local state, ended = kill_once(here, one, old .. new)
  local kind = ended and "ended" or state == old and "old" or "new"
  seen[kind] = seen[kind] + 1
  here:must_run(new)
  here:assert_clean(new)
  here:assert_state(new)
end

local function kill_often(here, kills, stop, length)
  local seen = { old = 0, new = 0, ended = 0 }
  for i = 1, kills do
    local delay = math.random() * length
    local ok, problem = pcall(kill_and_run, here, stop, delay, seen)
    assert(ok, ("kill %d after %.4f s, seed %d: %s"):format(i, delay, seed, tostring(problem)))
  end
  return seen
end

local function outcome(seen)
  return ("%d times the old state, %d times the new one, %d times it had ended before; every next run succeeds, "
    .. "nothing is left"):format(seen.old, seen.new, seen.ended)
end

--- Kills runs of a pipeline, each at a random moment of its length, and runs it to its end after each.
function M.at_random(here, kills, section)
  math.randomseed(seed)
  local length = length_of_a_run(here)
  local seen = kill_often(here, kills, nil, length)
  assert(seen.old > kills / 4, "hardly a run was killed")
  outcomes.add(section, ("kill -9 at %d random moments of %.2f s"):format(kills, length), outcome(seen))
end

-- From where a run begins to publish to its end.
local function length_of_a_publish(here)
  local one <close> = here:start(here:other(here:state()), { stop = "publish" })
  here:reached(one)
  local start = sys.clock()
  here:go(one)
  assert(one:wait() == 0)
  return sys.clock() - start
end

--- The same, at random moments of the publish.
function M.in_publish(here, kills, section)
  math.randomseed(seed)
  local length = length_of_a_publish(here)
  local seen = kill_often(here, kills, "publish", length)
  outcomes.add(section, ("kill -9 at %d random moments of the publish, %.2f s"):format(kills, length), outcome(seen))
end

--- Kills a run that has published and has not ended: the new state, and a next run that succeeds.
function M.behind_publish(here, section)
  local old = here:state()
  local one <close> = here:start(here:other(old), { stop = "end" })
  here:reached(one)
  assert(not select(2, kill_once(here, one, here:other(old))))
  here:must_run(old)
  here:assert_clean(old)
  here:assert_state(old)
  outcomes.add(section, "kill -9 behind the publish, before the end",
    "the new state; the next run succeeds, nothing is left")
end

return M
