-- Each fuzz target over its corpus and a few seconds on from there; spec/fuzz/run goes on for longer.

local lfs = require "lfs"
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

describe("fuzzing", function()
  for _, target in ipairs { "reader", "source", "decoder", "type", "format", "program", "sniff" } do
    it("breaks nothing: " .. target, function()
      local command = ("%s/spec/fuzz/run --seconds 5 %s"):format(pghost.quote(pghost.root), target)
      local out, err, code = pghost.shell(command .. " 2>&1")
      assert.equal(0, code or 0, out .. err)
      local executions = tonumber(out:match("^" .. target .. ": (%d+) executions\n$"))
      assert(executions, out .. err)
      assert.is_true(executions > inputs_of(target), out)
    end)
  end
end)
