-- Each fuzz target over its corpus and some thousands of inputs on from there, the same ones each time in CI;
-- spec/fuzz/run goes on for longer.

local lfs = require "lfs"
local new_seed = require "support.seed"
local pghost = require "support.pghost"

local function inputs_of(target)
  local count = 0
  for name in lfs.dir(pghost.root .. "/spec/fuzz/corpus/" .. target) do
    count = count + (name:sub(1, 1) == "." and 0 or 1)
  end
  return count
end

-- A build of its own, with sanitizers in any case: once is enough.
if os.getenv("PGHOST_SPEC_SANITIZER") then
  return
end

local runs = {
  reader = 40000,
  source = 40000,
  decoder = 8000,
  type = 400000,
  format = 800000,
  program = 150000,
  sniff = 500,
}

describe("fuzzing", function()
  for target, count in pairs(runs) do
    it("breaks nothing: " .. target, function()
      local command = ("%s/spec/fuzz/run --runs %d --seed %d %s"):format(pghost.quote(pghost.root), count, new_seed(),
        target)
      local out, err, code = pghost.shell(command .. " 2>&1")
      assert.equal(0, code or 0, out .. err)
      local executions = tonumber(out:match("^" .. target .. ": (%d+) executions\n$"))
      assert(executions, out .. err)
      assert.is_true(executions > inputs_of(target), out)
    end)
  end
end)
