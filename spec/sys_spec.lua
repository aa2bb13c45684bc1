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
    assert.truthy(err:find(("could not create a temporary file in '%s/none': no such file or directory"):format(folder),
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

describe("a file that is created", function()
  local folder

  before_each(function()
    folder = pghost.folder()
  end)

  after_each(function()
    pghost.remove(folder)
  end)

  it("is new: neither a file nor a link, even to nothing, is written to", function()
    local file <close> = assert(sys.create(folder .. "/new"))
    assert(file:write "x")
    pghost.write(folder .. "/there", "mine")
    pghost.shell(("ln -s %s/there %s/link && ln -s %s/none %s/dangling"):format(folder, folder, folder, folder))
    for _, name in ipairs { "there", "link", "dangling" } do
      local none, message, number = sys.create(folder .. "/" .. name)
      assert.same({ nil, ("%s/%s: File exists"):format(folder, name), 17 }, { none, message, number })
    end
    assert.equal("mine", pghost.read(folder .. "/there"))
    assert.is_nil(lfs.attributes(folder .. "/none"))
  end)

  -- The name under which a file is written until it is complete can be foreseen: that of the process is in it.
  it("is what commands write, though a link has been put where they write", function()
    local dsn = require("support.server").get():database()
    pghost.write(folder .. "/f.csv", "a\n1\nx\n")
    pghost.write(folder .. "/p.lua", [[local run <close> = require("pghost.pipeline").start("p", { data = "." })
      local r = require "pghost.rules"
      run:load("t", "f.csv", r.table("t", { { "a", r.bigint() } })) run:publish()]])
    pghost.write(folder .. "/victim", "mine")
    local lines = { "p.lua", "report -o r.html", "rejects --csv bad.csv", "export t -o t.csv" }
    for _, words in ipairs(lines) do
      local target = words:match "%S+$"
      local _, err, code = pghost.shell(([[cd %s && sh -c 'for end in tmp part; do ln -s victim %s.$$.$end; done
        exec %s --quiet --dsn "%s" %s']]):format(folder, target, pghost.path, dsn, words))
      assert.equal("mine", pghost.read(folder .. "/victim"), words .. tostring(err) .. tostring(code))
    end
    assert.matches("<html", pghost.read(folder .. "/r.html"), 1, true)
    assert.matches("_reject", pghost.read(folder .. "/bad.csv"), 1, true)
  end)
end)
