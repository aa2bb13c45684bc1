local files = require "pghost.input.files"
local lfs = require "lfs"
local paths = require "pghost.lib.paths"
local server = require "support.server"

local folder

local function touch(path)
  assert(io.open(folder .. "/" .. path, "w")):close()
end

local function names(spec, base)
  local out = {}
  for i, file in ipairs(files.resolve(spec, base or folder)) do
    out[i] = file.path:sub(#folder + 2)
  end
  return out
end

local function message(...)
  local _, problem = pcall(files.resolve, ...)
  return tostring(problem), problem.code
end

describe("pghost.files", function()
  setup(function()
    folder = server.shell("mktemp -d")
    server.shell(("mkdir %s/sub %s/empty %s/'b?x'"):format(folder, folder, folder))
    for _, path in ipairs { "b2.csv", "b10.csv", "a.csv", "c.CSV", "notes.txt", ".hidden.csv", "sub/a.csv", "x-1.csv",
      "odd[1].csv" } do
      touch(path)
    end
  end)

  teardown(function()
    server.shell("rm -rf " .. folder)
  end)

  it("takes a path, with its name and size", function()
    local one = files.resolve("a.csv", folder)
    assert.same({ { path = folder .. "/a.csv", name = "a.csv", size = 0 } }, one)
  end)

  it("sorts a glob by name, byte by byte", function()
    assert.same({ "b10.csv", "b2.csv" }, names("b*.csv"))
    assert.same({ "b2.csv" }, names("b?.csv"))
    assert.same({ "a.csv", "b10.csv", "b2.csv" }, names("[ab]*.csv"))
    assert.same({ "x-1.csv" }, names("x-*.csv"))
    assert.same({ "sub/a.csv" }, names("s*/*.csv"))
  end)

  it("takes the same files as the shell for what stands in brackets", function()
    local base = server.shell("mktemp -d")
    local _ <close> = setmetatable({}, { __close = function()
      server.shell("rm -r " .. base)
    end })
    for _, name in ipairs { "b-", "b0", "b1", "b5", "bC", "b]", "b^", "b!", "b%", "b[", "b[1-", "bz" } do
      assert(io.open(("%s/%s.csv"):format(base, name), "w")):close()
    end
    for _, glob in ipairs { "b[0-9].csv", "b[!0-9].csv", "b[^0-9a-z].csv", "b[-0].csv", "b[0-].csv", "b[]1].csv",
      "b[!]1].csv", "b[%1].csv", "b[1^].csv", "b[0-1A-Zz].csv", "b[[]*.csv", "b[1-*", "b%*" } do
      local expected = {}
      for path in server.shell(("cd %s && LC_ALL=C bash -c 'ls -d %s'"):format(base, glob)):gmatch "[^\n]+" do
        expected[#expected + 1] = path
      end
      local found = {}
      for i, file in ipairs(files.resolve(glob, base)) do
        found[i] = file.name
      end
      assert.same(expected, found, glob)
    end
  end)

  it("takes a name with glob characters as it is when it exists", function()
    assert.same({ "odd[1].csv" }, names("odd[1].csv"))
  end)

  it("takes the .csv files of a folder, hidden ones left out", function()
    assert.same({ "a.csv", "b10.csv", "b2.csv", "c.CSV", "odd[1].csv", "x-1.csv" }, names("."))
  end)

  it("takes a list, each file once", function()
    assert.same({ "a.csv", "sub/a.csv", "b2.csv" }, names { "b2.csv", "sub/a.csv", "a.csv", "a.*" })
  end)

  it("leaves absolute paths and standard input alone", function()
    assert.equal(folder .. "/a.csv", paths.join("/else", folder .. "/a.csv"))
    assert.equal("-", files.resolve("-", folder)[1].path)
  end)

  it("says what is missing", function()
    assert.equal(("no such file '%s/x.csv'"):format(folder), (message("x.csv", folder)))
    assert.equal("ENOENT", select(2, message("x.csv", folder)))
    assert.equal("no such file '/nowhere/x.csv': there is no folder '/nowhere'", (message("x.csv", "/nowhere")))
    assert.equal(("no file matches '%s/z*.csv'"):format(folder), (message("z*.csv", folder)))
    assert.equal(("no .csv file in folder '%s/empty'"):format(folder), (message("empty", folder)))
  end)

  it("says why what is there cannot be read", function()
    server.shell(("ln -s loop %s/loop"):format(folder))
    assert.equal(("could not open '%s/loop': too many levels of symbolic links"):format(folder),
      (message("loop", folder)))
    os.remove(folder .. "/loop")
    local closed = stub(lfs, "dir", function(path)
      error(("cannot open %s: Permission denied"):format(path), 0)
    end)
    local text, code = message("sub", folder)
    local of_glob = message("s*/a.csv", folder)
    closed:revert()
    assert.equal(("could not open '%s/sub': permission denied"):format(folder), text)
    assert.equal("EACCES", code)
    assert.matches("permission denied$", of_glob)
  end)

  it("lists files by extension", function()
    assert.same({ folder .. "/notes.txt" }, paths.list(folder, "txt"))
    local _, problem = pcall(paths.list, "/nowhere", "sql")
    assert.equal("no such folder '/nowhere'", tostring(problem))
  end)
end)
