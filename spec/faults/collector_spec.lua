-- Each command while Lua collects all garbage again and again, in the middle of anything: it does the same.
--
-- PGHOST_FAULTS_COLLECTIONS: about how many collections there are in a command (60; "all": one at each allocation,
-- which takes minutes for each), PGHOST_FAULTS_SEED: which allocations (1), PGHOST_FAULTS_COMMAND: that command alone.

local outcomes = require "faults.outcomes"
local pghost = require "support.pghost"
local under_faults = require "faults.under_faults"

local library <const> = pghost.path:match "^(.*)/" .. "/collect_often.so"
local wanted <const> = os.getenv "PGHOST_FAULTS_COLLECTIONS" == "all" and math.maxinteger
  or outcomes.number("PGHOST_FAULTS_COLLECTIONS", 60)
local only <const> = os.getenv "PGHOST_FAULTS_COMMAND"
local options <const> = (os.getenv "ASAN_OPTIONS" or "") .. ":verify_asan_link_order=0"
local many <const> = 200 -- allocations between collections that only count

describe("with collections in the middle of anything,", function()
  local here

  setup(function()
    here = under_faults.new()
    under_faults.patience = wanted > 1000 and 1800 or under_faults.patience
    math.randomseed(outcomes.number("PGHOST_FAULTS_SEED", 1))
  end)

  teardown(function()
    under_faults.patience = 30
    here:close()
  end)

  -- How many collections there were.
  local function run(every, mode)
    local count = os.tmpname()
    local result = here:run { LD_PRELOAD = library, ASAN_OPTIONS = options, PGHOST_COLLECT_EVERY = every,
      PGHOST_COLLECT_MODE = mode, PGHOST_COLLECT_COUNT = count }
    local collections = tonumber(pghost.read(count))
    os.remove(count)
    assert(result.code == 0, ("exit code %d: %s"):format(result.code, result.err))
    local problem = here:problem(result)
    assert(not problem, problem)
    return assert(collections, "it did not count")
  end

  for _, name in ipairs(only and { only } or under_faults.names) do
    it(name .. " does the same", function()
      if os.getenv "PGHOST_SPEC_SANITIZER" == "tsan" then
        pending "a single thread has Lua"
      end
      here:begin(name)
      local every = math.max(1, run(tostring(many), "generational") * many // wanted)
      for _, mode in ipairs { "generational", "incremental" } do
        local collections = run(("%d+%d"):format(every, math.random(every)), mode)
        assert(collections >= math.min(wanted, 20) // 2, "too few collections")
        outcomes.add("collector", ("%s: %d collections, %s"):format(name, collections, mode), "the same result")
      end
    end)
  end
end)
