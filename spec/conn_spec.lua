local lfs = require "lfs"
local native = require "pghost.native.conn"
local sys = require "pghost.native.sys"
local support = require "support.server"

local server = support.get()
local host = lfs.symlinkattributes("/proc/self/exe", "target")

local monitor = assert(native.connect(server.dsn .. " application_name=monitor"))

-- What the server sees of a connection: "idle", "idle in transaction", "active" ... "" when gone.
local function activity(pid)
  local row = assert(monitor:query("select state from pg_stat_activity where pid = $1", pid))[1]
  return row and row.state or ""
end

local function terminate(pid)
  assert(monitor:query("select pg_terminate_backend($1, 5000)", pid))
end

-- As activity, but waits for what takes the server a moment.
local function becomes(pid, state)
  for _ = 1, 50 do
    if activity(pid) == state then
      return true
    end
    sys.sleep(0.1)
  end
  return false
end

local function fails(code, pattern, value, message, got)
  assert.is_nil(value)
  assert.equal(code, got, message)
  assert.matches(pattern, message)
  assert.not_matches("\n[^ ]", message)
end

teardown(function()
  monitor:close()
end)

describe("connecting", function()
  it("gives a connection that says where it leads", function()
    local conn <close> = assert(native.connect(server.dsn))
    assert.equal("idle", conn:status())
    assert.equal(("database 'postgres' on %s port 5432 as 'postgres'"):format(server.socket), conn:description())
    assert.equal("idle", activity(conn:pid()))
  end)

  it("sets encoding and application name, and leaves the name to the string", function()
    local conn <close> = assert(native.connect(server.dsn))
    assert.equal("UTF8", conn:query("show client_encoding")[1][1])
    assert.equal("pghost", conn:query("show application_name")[1][1])
    local named <close> = assert(native.connect(server.dsn .. " application_name=x client_encoding=latin1"))
    assert.equal("x", named:query("show application_name")[1][1])
    assert.equal("UTF8", named:query("show client_encoding")[1][1])
  end)

  it("fails in one line with a code", function()
    fails("08001", "^could not connect to server on socket \"/nonexistent/[^\n]*: no such file or directory[^\n]*$",
      native.connect("host=/nonexistent"))
    fails("08001", "^could not connect to server at \"127.0.0.1\", port 1: connection refused[^\n]*$",
      native.connect("host=127.0.0.1 port=1"))
    fails("08001", "port 1: connection refused.*; server at \"127.0.0.1\", port 2: connection refused",
      native.connect("host=127.0.0.1,127.0.0.1 port=1,2"))
    fails("3D000", "^could not connect to server on socket [^\n]*: database \"nope\" does not exist$",
      native.connect(server.dsn .. " dbname=nope"))
    fails("28000", ": role \"nobody\" does not exist$", native.connect(server.dsn .. " user=nobody"))
  end)

  it("gives up on a server that does not answer", function()
    local silent = io.popen([[exec python3 -c '
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(5); print(s.getsockname()[1], flush=True)
sys.stdout.close()
import time; time.sleep(4)']])
    local port = silent:read("l")
    local before = os.time()
    fails("08001", ("^could not connect to server at '127.0.0.1', port %s: no answer within 1 s$"):format(port),
      native.connect(("host=127.0.0.1 port=%s connect_timeout=1"):format(port)))
    assert.is_true(os.time() - before < 4)
    silent:close()
  end)

  it("tells a wrong password, and shows no password", function()
    local port = 20000 + sys.pid() % 10000
    local strict <close> = support.start("listen_addresses = '127.0.0.1'\nport = " .. port)
    strict.dsn = ("host=%s port=%d dbname=postgres user=postgres"):format(strict.socket, port)
    local function url(user)
      return ("postgresql://%s@127.0.0.1:%d/postgres"):format(user, port)
    end
    strict:psql("create role locked login password 'geheim-richtig'")
    local hba = io.open(strict.folder .. "/data/pg_hba.conf", "w")
    hba:write("local all postgres trust\nlocal all all scram-sha-256\nhost all all all scram-sha-256\n")
    hba:close()
    strict:psql("select pg_reload_conf()")
    local value, message, code = native.connect(url "locked:geheim-falsch")
    fails("28P01", "^could not connect to server at \"127.0.0.1\", port %d+: password authentication failed",
      value, message, code)
    assert.not_matches("geheim", message, 1, true)
    fails("28P01", "no password supplied", native.connect(url "locked"))
    local conn <close> = assert(native.connect(url "locked:geheim-richtig"))
    assert.not_matches("geheim", conn:description(), 1, true)
  end)

  it("shows nothing of a string it cannot read", function()
    local strings = {
      "postgresql://u:sec@ret@localhost/db",
      "postgresql://u:sec/ret@localhost/db",
      "postgresql://u:sec%ret@localhost/db",
      "postgresql://u:secret",
      "postgresql://u:secret/db",
      "postgresql://u:p@h/db?secret=1",
      "postgresql://u:p@h/db?secret",
      "postgresql://u:p@[secret",
      "postgres://u:sec:ret@h:secret/db",
      "mysql://u:secret@localhost/db",
      "mysql://u:sec=ret@localhost/db",
      "POSTGRES://u:secret@localhost/db",
      "jdbc:postgresql://localhost/db?user=u&password=secret",
      "u:secret@localhost",
      "host=localhost password=my secret",
      "host=localhost password=my secret user=u",
      "host=localhost password='my secret",
      "password=a secret=b",
      "secret=b",
    }
    for _, text in ipairs(strings) do
      local value, message, code = native.connect(text)
      assert.is_nil(value, text)
      assert.equal("08001", code, message)
      assert.equal(1, message:find("could not read the connection string", 1, true), text)
      assert.is_nil(message:find("sec", 1, true), message)
      assert.is_nil(message:find("ret", 1, true), message)
    end
  end)
end)

describe("a connection", function()
  local conn

  before_each(function()
    assert(monitor:exec("drop schema public cascade; create schema public"))
    conn = assert(native.connect(server.dsn))
  end)

  after_each(function()
    local pid = conn:status() ~= "closed" and conn:pid()
    conn:close()
    assert.is_true(not pid or becomes(pid, ""))
  end)

  it("is idempotent in closing, and says that it is closed", function()
    conn:close()
    conn:close()
    assert.equal("closed", conn:status())
    assert.error_matches(function() conn:query("select 1") end, "the connection is closed")
  end)

  it("leaves a scope by an error without a trace on the server", function()
    local pid
    assert.has_error(function()
      local inner <close> = assert(native.connect(server.dsn))
      pid = inner:pid()
      assert(inner:exec("begin; select 1"))
      assert.equal("idle in transaction", activity(pid))
      error("left", 0)
    end, "left")
    assert.is_true(becomes(pid, ""))
  end)

  it("is closed by the garbage collector", function()
    local pid
    do
      local forgotten = assert(native.connect(server.dsn))
      pid = forgotten:pid()
      assert.equal("idle", activity(pid))
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(becomes(pid, ""))
  end)

  describe("query", function()
    it("keeps integers exact", function()
      local row = assert(conn:query([[select 9223372036854775807::bigint as max, (-9223372036854775808)::bigint as min,
        32767::smallint as small, (-2147483648)::int as int, $1::bigint as bound]], math.mininteger))[1]
      assert.equal(math.maxinteger, row.max)
      assert.equal(math.mininteger, row.min)
      assert.equal(math.mininteger, row.bound)
      assert.equal("integer", math.type(row.small))
      assert.equal(-2147483648, row.int)
    end)

    it("gives floats, booleans, and everything else as text", function()
      local row = assert(conn:query([[select 0.1::float8, 'NaN'::float8, '-Infinity'::float8, 1.5::real, true, false,
        123456789012345678901234567890.50::numeric, '2024-02-29 10:00:00'::timestamp, array[1,2],
        '{"a": 1}'::jsonb]]))[1]
      assert.equal(0.1, row[1])
      assert.is_true(row[2] ~= row[2])
      assert.equal(-math.huge, row[3])
      assert.equal(1.5, row[4])
      assert.is_true(row[5])
      assert.is_false(row[6])
      assert.equal("123456789012345678901234567890.50", row[7])
      assert.equal("2024-02-29 10:00:00", row[8])
      assert.equal("{1,2}", row[9])
      assert.equal('{"a": 1}', row[10])
    end)

    it("binds parameters as they are", function()
      local row = assert(conn:query("select $1::text, $2::bigint, $3::float8, $4::boolean, $5::text, $6::boolean",
        "'; drop table x; --", 42, 0.1, true, nil, false))[1]
      assert.same({ "'; drop table x; --", 42, 0.1, true, nil, false },
        { row[1], row[2], row[3], row[4], row[5], row[6] })
      local floats = assert(conn:query("select $1::float8, $2::float8, $3::float8", 0 / 0, 1 / 0, 2 ^ 53))[1]
      assert.is_true(floats[1] ~= floats[1])
      assert.equal(math.huge, floats[2])
      assert.equal(2.0 ^ 53, floats[3])
    end)

    it("counts trailing nils as parameters", function()
      assert.is_nil(assert(conn:query("select $1::text", nil))[1][1])
      fails("08P01", "2 parameters", conn:query("select $1::text", "a", nil))
    end)

    it("refuses what cannot be a parameter", function()
      assert.has_error(function() conn:query("select $1", {}) end,
        "bad argument #2 to 'query' (string, number, boolean or nil expected, got table)")
      assert.has_error(function() conn:query("select $1", "a\0b") end,
        "bad argument #2 to 'query' (text with a NUL byte: pass bytes as conn.bytea)")
      fails("22021", "invalid byte sequence", conn:query("select $1::text", "\xff"))
    end)

    it("keeps all 256 bytes, in both output formats", function()
      local bytes = {}
      for byte = 0, 255 do
        bytes[#bytes + 1] = string.char(byte)
      end
      local all = table.concat(bytes)
      assert(conn:exec("create table b (v bytea)"))
      assert(conn:query("insert into b values ($1)", native.bytea(all)))
      for _, format in ipairs { "hex", "escape" } do
        assert(conn:exec("set bytea_output = " .. format))
        assert.equal(all, conn:query("select v from b")[1].v)
      end
      assert.equal(256, conn:query([[select count(*) from b, generate_series(0, 255) i
        where get_byte(v, i) = i and length(v) = 256]])[1][1])
      assert.equal("", conn:query("select ''::bytea")[1][1])
    end)

    it("keeps NULL apart from ''", function()
      local row = assert(conn:query("select '' as empty, null as nothing, null as more"))[1]
      assert.equal("", row.empty)
      assert.is_nil(row.nothing)
      assert.equal(3, #row)
      local names, values = {}, {}
      for name, value in pairs(row) do
        names[#names + 1] = name
        values[name] = value
      end
      assert.same({ "empty", "nothing", "more" }, names)
      assert.same({ empty = "" }, values)
    end)

    it("gives the first of columns of one name by name, and all by position", function()
      local result = assert(conn:query("select 1 as a, 2 as b, 3 as a"))
      assert.equal(1, result[1].a)
      assert.equal(3, result[1][3])
      assert.same({ "a", "b", "a" }, result:columns())
      local seen = {}
      for name, value in pairs(result[1]) do
        seen[#seen + 1] = name .. value
      end
      assert.same({ "a1", "b2", "a3" }, seen)
    end)

    it("gives rows by position, by iteration and by count", function()
      local result = assert(conn:query("select i from generate_series(1, 5) i"))
      assert.equal(5, #result)
      assert.equal(5, result.affected)
      assert.equal(1, result[1].i)
      assert.is_nil(result[0])
      assert.is_nil(result[6])
      local sum = 0
      for row in result:rows() do
        sum = sum + row.i
      end
      assert.equal(15, sum)
    end)

    it("names the types", function()
      local result = assert(conn:query([[select 1::int8, 1::int4, 1::int2, 'a'::text, 'a'::varchar(3), 1::numeric,
        now(), now()::timestamp, now()::date, true, ''::bytea, '{}'::jsonb, gen_random_uuid(), 1.0::float8, 1.0::real,
        '(1,2)'::point]]))
      assert.same({ "bigint", "integer", "smallint", "text", "character varying", "numeric", "timestamptz", "timestamp",
        "date", "boolean", "bytea", "jsonb", "uuid", "double precision", "real", "oid 600" }, result:types())
    end)

    it("counts what a statement changed", function()
      assert.equal(0, assert(conn:query("create table t (i int)")).affected)
      assert.equal(3, assert(conn:query("insert into t values (1), (2), (3)")).affected)
      assert.equal(2, assert(conn:query("delete from t where i > 1")).affected)
      assert.equal(0, #assert(conn:query("select * from t where i > 100")))
      assert.same({ "i" }, assert(conn:query("select * from t")):columns())
    end)

    it("fails with message, detail and SQLSTATE, and goes on", function()
      fails("22012", "^division by zero$", conn:query("select 1/0"))
      fails("42601", "^syntax error at or near \"selec\"\n  position: 1$", conn:query("selec 1"))
      fails("42601", "cannot insert multiple commands", conn:query("select 1; select 2"))
      assert(conn:exec("create table k (i int primary key); insert into k values (1)"))
      fails("23505", "^duplicate key value violates [^\n]*\n  detail: Key %(i%)=%(1%) already exists",
        conn:query("insert into k values (1)"))
      fails("42703", "^column \"j\" does not exist", conn:query("select j from k"))
      fails("P0001", "^two lines\n  detail: first\n    second\n  hint: do\n  context: ",
        conn:query("do $$ begin raise 'Two\nlines' using detail = E'first\nsecond', hint = 'do'; end $$"))
      assert.equal("idle", conn:status())
      assert.equal(1, conn:query("select 1")[1][1])
    end)

    it("cuts long messages between characters", function()
      for pad = 0, 3 do
        local _, message = conn:query(("do $$ begin raise '%s'; end $$"):format(("x"):rep(pad) .. ("€"):rep(600)))
        assert.is_truthy(utf8.len(message))
        assert.is_true(#message > 1000)
      end
    end)

    it("refuses COPY and stays usable", function()
      assert(conn:exec("create table c (i int)"))
      local large = "copy (select generate_series(1, 3000000)) to stdout"
      for _, text in ipairs { "copy c from stdin", "copy c to stdout", large } do
        fails("0A000", "^COPY FROM STDIN and TO STDOUT cannot be run", conn:query(text))
        fails("0A000", "^COPY FROM STDIN and TO STDOUT cannot be run", conn:exec("select 1; " .. text .. "; select 2"))
        local iterate, stream = assert(conn:stream(text))
        assert.has_error(function() iterate(stream) end)
        assert.equal("idle", conn:status())
        assert.equal("idle", activity(conn:pid()))
      end
      assert.equal(0, conn:query("select count(*) from c")[1][1])
    end)

    it("reports a statement timeout", function()
      assert(conn:exec("set statement_timeout = 100"))
      fails("57014", "^canceling statement due to statement timeout$", conn:query("select pg_sleep(10)"))
      assert.equal("idle", conn:status())
    end)

    it("reports a terminated backend, and stays lost", function()
      terminate(conn:pid())
      fails("57P01", "^terminating connection due to administrator command$", conn:query("select 1"))
      assert.equal("lost", conn:status())
      fails("08006", "^[^\n]+$", conn:query("select 1"))
      fails("08006", "^[^\n]+$", conn:exec("select 1"))
      fails("08006", "^[^\n]+$", conn:stream("select 1"))
      fails("08006", "^[^\n]+$", conn:transaction(function() end))
      conn:close()
    end)
  end)

  describe("exec", function()
    it("runs scripts", function()
      assert.is_true(conn:exec("create table s (i int); insert into s values (1); insert into s values (2);"))
      assert.equal(2, conn:query("select count(*) from s")[1][1])
      assert.is_true(conn:exec(""))
    end)

    it("stops at the first failure", function()
      fails("22012", "^division by zero$", conn:exec("create table s (i int); select 1/0; create table s2 (i int)"))
      assert.is_nil(conn:query("select to_regclass('s')")[1][1])
      assert.equal("idle", conn:status())
    end)
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
      conn:cancel()
      fails("57014", "^canceling statement due to user request$", stream:next())
      assert.equal("idle", conn:status())
    end)
  end)

  it("queues notices", function()
    assert(conn:exec([[do $$ begin raise notice 'one'; raise warning 'two' using hint = 'h'; end $$;
      drop table if exists nope]]))
    local notices, dropped = conn:notices()
    assert.same({
      { severity = "NOTICE", message = "one" },
      { severity = "WARNING", message = "two\n  hint: h" },
      { severity = "NOTICE", message = 'table "nope" does not exist, skipping' },
    }, notices)
    assert.equal(0, dropped)
    assert.same({}, (conn:notices()))
  end)

  it("keeps the first 1,000 notices", function()
    assert(conn:exec("do $$ begin for i in 1..1500 loop raise notice '%', i; end loop; end $$"))
    local notices, dropped = conn:notices()
    assert.equal(1000, #notices)
    assert.equal("1000", notices[1000].message)
    assert.equal(500, dropped)
  end)

  it("quotes as the server does", function()
    for _, text in ipairs { "a", 'we"ird', "it's", "back\\slash", "ünï", "", "select", "a b" } do
      local row = conn:query("select quote_literal($1) as literal, $1 = '' as empty", text)[1]
      assert.equal(row.literal, (conn:quote_literal(text):gsub("^ ", "")))
      local name = text == "" and "e" or text
      local got = conn:query(("select %s as %s"):format(conn:quote_literal(text), conn:quote_identifier(name)))
      assert.equal(text, got[1][1])
      assert.equal(name, got:columns()[1])
    end
    assert.error_matches(function() conn:quote_literal("\xff") end, "text that is not valid UTF%-8")
  end)
end)

describe("a result", function()
  it("outlives its connection, and its rows outlive it", function()
    local conn = assert(native.connect(server.dsn))
    local result = assert(conn:query("select 1 as a"))
    conn:close()
    local row = result[1]
    result:close()
    result:close()
    assert.equal(1, row.a)
    assert.has_error(function() return #result end)
    assert.has_error(function() return result[1] end)
    assert.matches("closed", tostring(result))
  end)
end)

describe("a signal", function()
  -- Runs a chunk in a host of its own and sends it SIGINT once the server runs a statement of it that sleeps.
  local function interrupted(chunk)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write("print(require 'pghost.native.sys'.pid()) io.stdout:flush()\n",
      "local conn <close> = assert(require 'pghost.native.conn'.connect(arg[1]))\n", chunk)
    file:close()
    local pipe = io.popen(("%s %s '%s application_name=interrupted' 2>&1; echo $?"):format(host, name, server.dsn))
    local pid = pipe:read("n")
    for _ = 1, 1000 do
      if #monitor:query([[select from pg_stat_activity where application_name = 'interrupted' and state = 'active'
          and query like '%pg_sleep%']]) > 0 then
        break
      end
      sys.sleep(0.02)
    end
    local before = os.time()
    support.shell("kill -INT " .. pid)
    local out = pipe:read("a")
    pipe:close()
    os.remove(name)
    assert.is_true(os.time() - before < 10)
    return out
  end

  local function left()
    for _ = 1, 20 do
      if #monitor:query("select from pg_stat_activity where application_name = 'interrupted'") == 0 then
        return false
      end
      sys.sleep(0.1)
    end
    return true
  end

  it("cancels a query, and what follows as clean-up runs", function()
    local out = interrupted([[
      local guard <close> = setmetatable({}, { __close = function()
        print(conn:status(), conn:query("select 'cleaned up'")[1][1])
      end })
      print(conn:query("select pg_sleep(30)"))
    ]])
    assert.matches("idle\tcleaned up", out)
    assert.is_false(left())
  end)

  it("rolls a transaction back", function()
    assert(monitor:exec("drop table if exists signal; create table signal (i int)"))
    interrupted([[
      conn:transaction(function()
        assert(conn:exec("insert into signal values (1)"))
        assert(conn:query("select pg_sleep(30)"))
      end)
    ]])
    assert.is_false(left())
    assert.equal(0, monitor:query("select count(*) from signal")[1][1])
  end)

  it("ends a stream", function()
    interrupted("for row in conn:stream('select i, pg_sleep(0.01) from generate_series(1, 10000) i') do end")
    assert.is_false(left())
  end)
end)

describe("docs/meta/conn.lua", function()
  local file = assert(io.open("docs/meta/conn.lua"))
  local text = file:read("a")
  file:close()

  local function methods(object)
    local index = debug.getmetatable(object).__index
    return type(index) == "table" and index or select(2, debug.getupvalue(index, 1))
  end

  it("describes every function and method, and no other", function()
    local conn <close> = assert(native.connect(server.dsn))
    local result <close> = assert(conn:query("select 1"))
    local _, stream <close> = assert(conn:stream("select 1"))
    local registered = {}
    for owner, list in pairs {
      ["conn%."] = native,
      ["Connection:"] = methods(conn),
      ["Result:"] = methods(result),
      ["Stream:"] = methods(stream),
    } do
      for name in pairs(list) do
        registered[owner:gsub("%%", "") .. name] = true
      end
    end
    local described = {}
    for name in text:gmatch("\nfunction ([%w_.:]+)%(") do
      described[name] = true
    end
    assert.same(registered, described)
  end)
end)
