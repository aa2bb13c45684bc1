-- Transactions of a connection: how they end, whatever happens in them.

local backends = require "support.backends"
local fixture = require "support.fixture"

local activity, terminate, fails = backends.activity, backends.terminate, backends.fails

describe("a connection's", function()
  local conn

  fixture.each(function(keep)
    conn = backends.connection(keep)
  end)

  describe("transaction", function()
    before_each(function()
      assert(conn:exec("create table t (i int)"))
    end)

    local function count()
      return conn:query("select count(*) from t")[1][1]
    end

    it("commits and gives what the function gave", function()
      assert.same({ true, 1, nil, "x", n = 4 }, table.pack(conn:transaction(function()
        assert(conn:exec("insert into t values (1)"))
        assert.equal("transaction", conn:status())
        return 1, nil, "x"
      end)))
      assert.equal("idle", conn:status())
      assert.equal(1, count())
    end)

    it("rolls back on an error, and raises the same value", function()
      local value = setmetatable({}, {})
      local ok, raised = pcall(conn.transaction, conn, function()
        assert(conn:exec("insert into t values (1)"))
        error(value)
      end)
      assert.is_false(ok)
      assert.is_true(rawequal(value, raised))
      assert.equal("idle", activity(conn:pid()))
      assert.equal(0, count())
    end)

    it("tells of its COMMIT before it returns, whatever that does, and of no savepoint or failure", function()
      local told = 0
      local function committed()
        told = told + 1
        error "out of memory"
      end
      assert.same({ true, 1 }, { conn:transaction(function()
        assert(conn:transaction(function() assert(conn:exec("insert into t values (1)")) end, committed))
        assert.equal(0, told)
        return 1
      end, committed) })
      assert.equal(1, told)
      assert.is_false((pcall(conn.transaction, conn, error, committed)))
      assert.is_nil((conn:transaction(function() conn:query("select 1/0") end, committed)))
      assert.equal(1, told)
      assert.equal(1, count())
    end)

    it("nests as savepoints", function()
      assert(conn:transaction(function()
        assert(conn:exec("insert into t values (1)"))
        assert.is_false((pcall(conn.transaction, conn, function()
          assert(conn:exec("insert into t values (2)"))
          assert(conn:transaction(function() assert(conn:exec("insert into t values (3)")) end))
          assert.is_nil((conn:query("select 1/0")))
          assert.equal("failed", conn:status())
          error("undo the inner one")
        end)))
        assert.equal("transaction", conn:status())
        assert(conn:transaction(function() assert(conn:exec("insert into t values (4)")) end))
      end))
      assert.same("1,4", conn:query("select string_agg(i::text, ',' order by i) from t")[1][1])
    end)

    it("is a failure when a failed statement was overlooked", function()
      fails("25P02", "rolled back: a statement in it had failed", conn:transaction(function()
        conn:query("insert into t values (1)")
        conn:query("select 1/0")
      end))
      assert.equal("idle", conn:status())
      assert.equal(0, count())
    end)

    it("is a failure in the inner one alone", function()
      assert(conn:transaction(function()
        assert(conn:exec("insert into t values (1)"))
        fails("25P02", "rolled back", conn:transaction(function() conn:query("select 1/0") end))
        assert.equal("transaction", conn:status())
      end))
      assert.equal(1, count())
    end)

    it("reports a COMMIT that fails", function()
      assert(conn:exec([[create table p (i int primary key);
        create table f (i int references p deferrable initially deferred)]]))
      fails("23503", "violates foreign key constraint", conn:transaction(function()
        assert(conn:exec("insert into f values (1)"))
      end))
      assert.equal("idle", conn:status())
    end)

    it("notices that it was ended from inside", function()
      fails("25000", "ended from inside", conn:transaction(function() assert(conn:exec("commit")) end))
      fails("08003", "closed inside", conn:transaction(function() conn:close() end))
    end)

    it("does not stay open when a coroutine leaves", function()
      local co = coroutine.create(function()
        conn:transaction(function()
          assert(conn:exec("insert into t values (1)"))
          coroutine.yield()
        end)
      end)
      local ok, message = coroutine.resume(co)
      assert.is_false(ok)
      assert.matches("attempt to yield across a C%-call boundary", message)
      assert.equal("idle", activity(conn:pid()))
      assert.equal(0, count())
    end)

    it("ends a stream that was left in it", function()
      assert(conn:transaction(function()
        assert(conn:exec("insert into t values (1)"))
        local iterate, stream = conn:stream("select generate_series(1, 100000)")
        assert.equal(1, iterate(stream)[1])
      end))
      assert.equal(1, count())
      assert.is_false((pcall(conn.transaction, conn, function()
        local iterate, stream = conn:stream("select generate_series(1, 100000000)")
        assert.equal(1, iterate(stream)[1])
        error("left")
      end)))
      assert.equal("idle", activity(conn:pid()))
    end)

    it("survives a lost connection", function()
      local ok, message = pcall(conn.transaction, conn, function()
        terminate(conn:pid())
        error("mine", 0)
      end)
      assert.is_false(ok)
      assert.equal("mine", message)
      conn:close()
    end)
  end)
end)
