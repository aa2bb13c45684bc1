-- Users of this machine (bindings/base/account.c): found with no memory to spare, as the name service of glibc is not.

local pghost = require "support.pghost"

local library <const> = pghost.path:match "^(.*)/" .. "/fault_memory.so"
local chunk <const> = 'local user = require("pghost.native.sys").user; print(user())'

local function run(place, counts)
  local env = ("LD_PRELOAD=%s PGHOST_FAIL_ALLOCATION=%s PGHOST_FAIL_COUNTS=%s"):format(library, place, counts or "")
  return pghost.run({ "-e", chunk }, { env = env })
end

-- Allocations of that chunk.
local function allocations()
  local path = pghost.write(os.tmpname(), ("\0"):rep(8 * 64))
  run("0", path)
  local count = string.unpack("<i8", pghost.read(path))
  os.remove(path)
  return count
end

describe("the name of the user", function()
  it("does not end the process when memory is short", function()
    if os.getenv "PGHOST_SPEC_SANITIZER" then
      pending "a sanitizer has an allocator of its own"
    end
    local last = allocations()
    for n = last - 60, last do
      for _, form in ipairs { "%d", "%d+" } do
        local out, err, code = run(form:format(n))
        assert(code < 128, ("%s: exit code %d: %s%s"):format(form:format(n), code, out, err)) -- no signal
      end
    end
  end)

  it("is the number of a user who has no name", function()
    if pghost.shell "id -u" ~= "0\n" then
      pending "needs root"
    end
    local out, err, code = pghost.shell(("setpriv --reuid 54321 --clear-groups %s -e %s"):format(
      pghost.quote(pghost.path), pghost.quote(chunk)))
    assert(code == 0, err)
    assert.equal("54321\n", out)
  end)
end)
