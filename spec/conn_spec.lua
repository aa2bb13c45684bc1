local backends = require "support.backends"
local fixture = require "support.fixture"
local lfs = require "lfs"
local native = require "pghost.native.conn"
local sys = require "pghost.native.sys"
local support = require "support.server"

local server = support.get()
local host = lfs.symlinkattributes("/proc/self/exe", "target")

local monitor, activity, becomes, fails = backends.monitor, backends.activity, backends.becomes, backends.fails


describe("connecting", function()
  it("gives a connection that says where it leads", function()
    local conn <close> = assert(native.connect(server.dsn))
    assert.equal("idle", conn:status())
    assert.equal(("database 'postgres' on %s port 5432 as 'postgres'"):format(server.socket), conn:description())
    assert.equal("idle", activity(conn:pid()))
  end)

  it("gives a connection whose text says what it is doing", function()
    local conn <close> = assert(native.connect(server.dsn))
    assert.equal("pghost.native.connection (idle)", tostring(conn))
    assert(conn:query "BEGIN")
    assert.equal("pghost.native.connection (transaction)", tostring(conn))
    assert(conn:query "ROLLBACK")
    conn:close()
    assert.equal("pghost.native.connection (closed)", tostring(conn))
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

  fixture.each(function(keep)
    conn = backends.connection(keep)
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
