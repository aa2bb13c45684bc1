-- Which libraries a process loads: those of its work. libpq and libarchive bring forty, and take longer to load than
-- all else that a short command does.

local pghost = require "support.pghost"

describe("a process", function()
  local folder

  -- Prints which of the two a script has loaded after `before` and after `after`.
  local function loaded(before, after)
    pghost.write(folder .. "/script.lua", ([[
      local function show()
        local maps = io.open("/proc/self/maps"):read("a")
        print(maps:find("/libpq%%.so") ~= nil, maps:find("/libarchive%%.so") ~= nil)
      end
      %s show() %s show()]]):format(before, after))
    return pghost.run { folder .. "/script.lua" }
  end

  before_each(function()
    folder = pghost.folder()
    pghost.write(folder .. "/data.csv", "a,b\n1,2\n")
    os.execute(("gzip -k %s/data.csv && zstd -q -k %s/data.csv"):format(folder, folder))
  end)

  after_each(function()
    pghost.remove(folder)
  end)

  it("loads libarchive with the first file that needs it, and no libpq for files", function()
    local open = ("assert(csv.open '%s/data.csv%s'):close() "):format(folder, "%s")
    local out, err, code = loaded("local csv = require 'pghost.native.csv' require 'pghost.native.sniff' "
      .. "require 'pghost.native.rules' " .. open:format "" .. open:format ".gz", open:format ".zst")
    assert.same({ "false\tfalse\nfalse\ttrue\n", "", 0 }, { out, err, code })
  end)

  it("loads libpq for a connection", function()
    local out, err, code = loaded("require 'pghost.native.sys'", "require 'pghost.native.conn'")
    assert.same({ "false\tfalse\ntrue\tfalse\n", "", 0 }, { out, err, code })
  end)

  it("sniffs without libpq", function()
    local trace = folder .. "/trace"
    local _, _, code = pghost.shell(("strace -f -e trace=openat -o %s %s sniff %s/data.csv"):format(trace, pghost.path,
      folder))
    assert.equal(0, code)
    local opened = pghost.read(trace)
    assert.matches("pghost_native%.so", opened)
    assert.is_nil(opened:find("pghost_database", 1, true) or opened:find("libpq", 1, true))
  end)

  it("names the object that is missing", function()
    local build = pghost.path:match("^(.*)/")
    os.execute(("mkdir -p %s/home && cd %s/home && cp %s %s/pghost_native.so . && ln -s %s/scripts scripts"):format(
      folder, folder, pghost.path, build, pghost.root))
    local _, err, code = pghost.shell(("cd %s && home/pghost -e 'require \"pghost.native.conn\"'"):format(folder))
    assert.equal(1, code)
    assert.matches("could not load the native module: pghost_database%.so is not where this binary expects it", err)
    _, err, code = pghost.shell(("cd %s && home/pghost sniff data.csv.zst"):format(folder))
    assert.equal(1, code)
    assert.matches("could not load the module that decompresses files: %S*/home/pghost_archive%.so: ", err)
  end)
end)
