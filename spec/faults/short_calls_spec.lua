-- Reads and writes that move a few bytes each and are interrupted again and again have no visible effect.

local pghost = require "support.pghost"
local under_faults = require "faults.under_faults"

local library <const> = pghost.path:match "^(.*)/" .. "/short_calls.so"

-- The sanitizers put functions of their own in the place of read and write, and want to be the first library.
if os.getenv "PGHOST_SPEC_SANITIZER" then
  return
end

describe("reads and writes of a few bytes, each fourth interrupted:", function()
  local here

  setup(function()
    here = under_faults.new()
  end)

  teardown(function()
    here:close()
  end)

  it("the library does that", function()
    here:begin "sniff"
    local trace = os.tmpname()
    local result = here:run({}, ("strace -f -o %s -e trace=read,pread64 -E LD_PRELOAD=%s -E PGHOST_SHORT_CALLS=7")
      :format(trace, library))
    local text = pghost.read(trace)
    os.remove(trace)
    assert(result.code == 0, result.err)
    assert.truthy(text:find '"id,name"%.*, 7' or text:find '"id,name", 7', text)
  end)

  for _, name in ipairs(under_faults.names) do
    it(name .. " does the same", function()
      here:begin(name)
      for _, most in ipairs { 7, 1021 } do
        local result = here:run { LD_PRELOAD = library, PGHOST_SHORT_CALLS = tostring(most) }
        assert(result.code == 0, result.err)
        local problem = here:problem(result)
        assert(not problem, problem)
      end
    end)
  end
end)
