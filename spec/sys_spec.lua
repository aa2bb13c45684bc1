-- pghost.native.sys: temporary files that nothing leaves behind, and who we are.

local lfs = require "lfs"
local pghost = require "support.pghost"
local sys = require "pghost.native.sys"

describe("a temporary file", function()
  it("has no name, and can be opened once more while it is open", function()
    local file, path = assert(sys.temporary_file())
    assert.matches("deleted", lfs.symlinkattributes(path, "target"))
    local second = assert(io.open(path, "ab"))
    second:write("one\n\0two")
    second:close()
    assert.equal("one\n\0two", file:read("a"))
    assert.is_true(file:close())
    assert.is_nil(io.open(path, "rb"))
    assert.has_error(function()
      file:write("more")
    end)
  end)

  it("is in TMPDIR", function()
    local folder = pghost.folder()
    local script = [[local sys, lfs = require "pghost.native.sys", require "lfs"
      print(lfs.symlinkattributes(select(2, assert(sys.temporary_file())), "target"))]]
    local out, err, code = pghost.run({ "-e", script }, { env = "TMPDIR=" .. folder })
    assert.equal(0, code, err)
    assert.equal(1, (out:find(folder .. "/", 1, true)))
    out, err, code = pghost.run({ "-e", script }, { env = "TMPDIR=" .. folder .. "/none" })
    assert.equal(1, code, out)
    assert.truthy(err:find(("could not create a temporary file in '%s/none': No such file or directory"):format(folder),
      1, true), err)
    pghost.remove(folder)
  end)
end)

describe("the user", function()
  it("has the name that the system knows, whatever the environment says", function()
    local chunk = 'print(require "pghost.native.sys".user())'
    assert.equal((pghost.shell "id -un"), (pghost.run({ "-e", chunk }, { env = "USER=somebody LOGNAME=else" })))
    assert.equal((pghost.shell "id -un"), (pghost.run({ "-e", chunk }, { env = "env -u USER -u LOGNAME" })))
  end)
end)
