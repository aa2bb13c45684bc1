-- Each command with an allocation that fails: out of memory is an error like another, and leaves nothing behind.
--
-- PGHOST_FAULTS_PLACES: how many places of each command and way (10; "all": each one, which takes hours),
-- PGHOST_FAULTS_SEED: where the random ones begin (1), PGHOST_FAULTS_COMMAND: that command alone,
-- PGHOST_FAULTS_PLACE: and that place alone ("19650", "120+@1"), with a traceback.

local memory = require "faults.memory"
local outcomes = require "faults.outcomes"

local places = os.getenv "PGHOST_FAULTS_PLACES" == "all" and math.maxinteger
  or outcomes.number("PGHOST_FAULTS_PLACES", 10)
local seed = outcomes.number("PGHOST_FAULTS_SEED", 1) -- the same places each time; others crash (docs/TESTING.md)
local only, place = os.getenv "PGHOST_FAULTS_COMMAND", os.getenv "PGHOST_FAULTS_PLACE"

describe("without memory for one allocation, or from it on,", function()
  local here

  setup(function()
    if os.getenv "PGHOST_SPEC_SANITIZER" then
      return -- which has an allocator of its own
    end
    here = memory.new()
  end)

  teardown(function()
    if here then
      here:close()
    end
  end)

  for _, name in ipairs(only and { only } or memory.names) do
    it(name .. " ends well or says so", function()
      if not here then
        pending "a sanitizer has an allocator of its own"
      end
      if only and place then
        error(("%s\nexit code %d"):format(memory.one(here, name, place)), 0)
      end
      math.randomseed(seed)
      local _, problems = memory.try(here, name, places)
      assert(#problems == 0, ("seed %d:\n%s"):format(seed, table.concat(problems, "\n")))
    end)
  end
end)
