-- What a load does when the server fails under it: a clear error soon, no hang, nothing half loaded,
-- and a connection that says what it is.

local native = require "pghost.native.conn"
local csv = require "pghost.native.csv"
local load = require "pghost.native.load"
local server = require "support.server"
local sys = require "pghost.native.sys"

local COPY <const> = "copy thing_raw from stdin (format binary)"
local TABLE <const> = "thing_raw (id text, name text, _file_id bigint, _line bigint)"
local RECORDS <const> = 2000000

-- A source that the server is busy with for some seconds, whatever the machine.
local function big_source()
  local block = {}
  for i = 1, 1000 do
    block[i] = i .. ",some name that takes room\n"
  end
  return assert(csv.open_string("id,name\n" .. table.concat(block):rep(RECORDS // 1000)))
end

local function begin(dsn)
  local conn = assert(native.connect(dsn))
  assert(conn:exec("begin"))
  return conn
end

-- Loads until `fault` has been called in the middle and the load has ended one way or the other.
local function load_with(conn, fault)
  local handle <close> = assert(load.open { raw = { conn = conn, copy = COPY } })
  local source <close> = big_source()
  local done, at = false, nil
  local counts, message, code = handle:file(source, {
    raw_map = { 1, 2 },
    progress = function()
      if not done then
        done, at = true, sys.clock()
        fault()
      end
    end,
  })
  if counts then
    counts, message, code = handle:finish()
  end
  assert.is_true(done, "the load was over before the fault")
  return counts, message, code, sys.clock() - at
end

describe("a load whose server", function()
  local own

  before_each(function()
    own = server.start()
    own:psql("create table " .. TABLE)
  end)

  after_each(function()
    own:stop()
  end)

  it("is stopped in the middle ends within 30 s", function()
    local conn <close> = begin(own.dsn)
    local pids = server.shell(("pgrep -f -- '%s'; pgrep -P $(head -n 1 %s/data/postmaster.pid)")
      :format("-D " .. own.folder, own.folder)):gsub("%s+", " ")
    local counts, message, code, seconds = load_with(conn, function()
      os.execute("kill -STOP " .. pids .. " 2>/dev/null")
    end)
    local asked = sys.clock()
    local answer, problem = conn:query("select 1")
    os.execute("kill -CONT " .. pids .. " 2>/dev/null")
    assert.is_nil(counts)
    assert.equal("08006", code, message)
    assert.is_true(seconds < 30, seconds)
    assert.is_nil(answer)
    assert.truthy(problem)
    assert.is_true(sys.clock() - asked < 5)
    assert.equal("lost", conn:status())
    assert.equal("0", own:psql("select count(*) from thing_raw"))
  end)

  it("loses one backend to SIGSTOP ends within 30 s", function()
    local conn <close> = begin(own.dsn)
    local pid = conn:pid()
    local counts, message, code, seconds = load_with(conn, function()
      os.execute("kill -STOP " .. pid)
    end)
    os.execute("kill -CONT " .. pid)
    assert.is_nil(counts)
    assert.equal("08006", code, message)
    assert.is_true(seconds < 30, seconds)
    assert.equal("0", own:psql("select count(*) from thing_raw"))
  end)

  it("is shut down at once says so", function()
    local conn <close> = begin(own.dsn)
    local counts, message, code = load_with(conn, function()
      server.shell(server.as_owner(("%s/pg_ctl -D %s/data -m immediate -w stop"):format(own.bin, own.folder)))
    end)
    server.shell(server.as_owner(("%s/pg_ctl -D %s/data -l %s/log -w start >/dev/null")
      :format(own.bin, own.folder, own.folder)))
    assert.is_nil(counts)
    assert.truthy(code == "57P01" or code == "57P02" or code:find("^08"), message)
    assert.equal("0", own:psql("select count(*) from thing_raw"))
  end)

  it("has no room left says so and loads nothing", function()
    if server.shell("id -u") ~= "0" then
      pending("only root can mount a small file system")
    end
    local mount = own.folder .. "/full"
    server.shell(("mkdir %s && mount -t tmpfs -o size=16m tmpfs %s && chown postgres %s"):format(mount, mount, mount))
    local _ <close> = setmetatable({}, { __close = function()
      own:psql("drop table if exists thing_raw; drop tablespace if exists full_disk")
      server.shell("umount " .. mount)
    end })
    own:psql(("drop table thing_raw; create tablespace full_disk location '%s'"):format(mount))
    own:psql("create table " .. TABLE .. " tablespace full_disk")
    local conn <close> = begin(own.dsn)
    local counts, message, code = load_with(conn, function() end)
    assert.is_nil(counts)
    assert.equal("53100", code)
    assert.truthy(message:find("No space left on device", 1, true) or message:find "wrote only %d+ of %d+ bytes",
      message)
    assert(conn:exec("rollback"))
    assert.equal("0", own:psql("select count(*) from thing_raw"))
    assert.equal("idle", conn:status())
  end)
end)
