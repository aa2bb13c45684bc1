-- Streams of a connection: rows one by one, and how a stream ends.

local backends = require "support.backends"
local fixture = require "support.fixture"
local lfs = require "lfs"
local support = require "support.server"

local server = support.get()
local host = lfs.symlinkattributes("/proc/self/exe", "target")
local activity, becomes, fails = backends.activity, backends.becomes, backends.fails

describe("a connection's", function()
  local conn

  fixture.each(function(keep)
    conn = backends.connection(keep)
  end)

  describe("stream", function()
    it("gives all rows, with names, NULLs and parameters", function()
      local n, nulls = 0, 0
      local sql = "select i, case when i % 2 = 0 then 'x' end as even from generate_series(1, $1::int) i"
      for row in conn:stream(sql, 1000) do
        n = n + row.i
        nulls = nulls + (row.even == nil and 1 or 0)
        assert.equal(2, #row)
      end
      assert.equal(500500, n)
      assert.equal(500, nulls)
      assert.equal("idle", conn:status())
      for _ in conn:stream("select 1 where false") do
        error("there is no row")
      end
      assert.equal("idle", conn:status())
    end)

    it("takes constant memory", function()
      local name = os.tmpname()
      local file = assert(io.open(name, "w"))
      file:write([[
        local function peak()
          for line in io.lines("/proc/self/status") do
            local size = line:match("^VmHWM:%s*(%d+)")
            if size then return tonumber(size) end
          end
        end
        local conn <close> = assert(require "pghost.native.conn".connect(arg[1]))
        local before, bytes = nil, 0
        for row in conn:stream("select i, repeat('x', 1000) as t from generate_series(1, 100000) i") do
          bytes = bytes + #row.t
          if row.i == 5000 then before = peak() end
        end
        print(bytes, peak() - before)
      ]])
      file:close()
      local out = support.shell(("ASAN_OPTIONS=quarantine_size_mb=1 %s %s '%s'"):format(host, name, server.dsn))
      os.remove(name)
      local bytes, growth = out:match("(%d+)%s+(%d+)")
      assert.equal(100000000, tonumber(bytes))
      assert.is_true(tonumber(growth) < 8192, "grew by " .. growth .. " KiB")
    end)

    it("left by break is over on the server at once", function()
      for row in conn:stream("select generate_series(1, 1000000000)") do
        if row[1] == 3 then
          break
        end
      end
      assert.equal("idle", conn:status())
      assert.equal("idle", activity(conn:pid()))
      assert.equal(2, conn:query("select 2")[1][1])
    end)

    it("left by an error is over on the server at once", function()
      assert.has_error(function()
        for _ in conn:stream("select generate_series(1, 1000000000)") do
          error("left", 0)
        end
      end, "left")
      assert.equal("idle", activity(conn:pid()))
    end)

    it("left by break in a transaction does not fail it", function()
      assert(conn:transaction(function()
        assert(conn:exec("create table kept (i int)"))
        for row in conn:stream("select generate_series(1, 300000)") do
          if row[1] == 3 then
            break
          end
        end
        assert.equal("transaction", conn:status())
      end))
      assert.equal("kept", conn:query("select to_regclass('kept')")[1][1])
    end)

    it("that is forgotten is ended by the garbage collector", function()
      local function forget()
        local iterate, stream = conn:stream("select generate_series(1, 100000000)")
        iterate(stream)
      end
      forget()
      collectgarbage()
      collectgarbage()
      assert.equal("idle", conn:status())
    end)

    it("reports a failure in the middle", function()
      local iterate, stream = assert(conn:stream("select 10 / (3 - i) from generate_series(1, 5) i"))
      assert.equal(5, iterate(stream)[1])
      assert.equal(10, stream:next()[1])
      fails("22012", "^division by zero$", stream:next())
      assert.is_nil((stream:next()))
      assert.equal("idle", conn:status())
      local ok, message = pcall(function()
        for _ in conn:stream("select 1/0") do
          error("there is no row")
        end
      end)
      assert.is_false(ok)
      assert.matches("division by zero", message)
    end)

    it("keeps the connection for itself", function()
      local _, stream = assert(conn:stream("select 1 union all select 2"))
      assert.equal("active", conn:status())
      for _, call in ipairs {
        function() conn:query("select 1") end,
        function() conn:exec("select 1") end,
        function() conn:stream("select 1") end,
        function() conn:transaction(function() end) end,
      } do
        assert.error_matches(call, "the connection is busy with a stream: end that first, or use another connection")
      end
      stream:close()
      stream:close()
      assert.is_nil((stream:next()))
      assert.equal("idle", conn:status())
      assert.equal(1, conn:query("select 1")[1][1])
    end)

    it("ends with its connection", function()
      local _, stream = assert(conn:stream("select generate_series(1, 100000000)"))
      assert.equal(1, stream:next()[1])
      local pid = conn:pid()
      conn:close()
      assert.is_nil((stream:next()))
      stream:close()
      assert.is_true(becomes(pid, ""))
    end)

    it("can be cancelled", function()
      local _, stream = assert(conn:stream("select pg_sleep(30)"))
      assert.is_true(becomes(conn:pid(), "active")) -- a statement that has not arrived cannot be cancelled
      conn:cancel()
      fails("57014", "^canceling statement due to user request$", stream:next())
      assert.equal("idle", conn:status())
    end)
  end)
end)
