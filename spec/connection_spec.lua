local connection = require "pghost.connection"
local dotenv = require "pghost.lib.dotenv"
local errors = require "pghost.lib.errors"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local support = require "support.server"

local server = support.get()

local function raises(fn, ...)
  local ok, raised = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_true(errors.is(raised), tostring(raised))
  return raised
end

describe("an opened connection", function()
  local db

  fixture.each(function(keep)
    db = keep(connection.open { dsn = server.dsn })
  end)

  it("leads to another place with the same options, whatever they are written as", function()
    local place = { host = server.socket, port = 5432, database = "post'gres %" }
    db:query [[CREATE DATABASE "post'gres %"]]
    for _, dsn in ipairs { "host=nowhere port=1 dbname=x user=postgres", "postgresql://postgres@nowhere:1/x",
      "postgresql://postgres@nowhere:1/x?application_name=a%20b" } do
      local moved <close> = connection.open_at({ dsn = dsn }, place)
      local row = moved:query("SELECT current_database() AS name, current_setting('application_name') AS app")[1]
      assert.equal(place.database, row.name)
      assert.equal(dsn:find("a%20b", 1, true) and "a b" or "pghost", row.app)
    end
    db:query [[DROP DATABASE "post'gres %"]]
    assert.matches("hostaddr", raises(connection.open_at, { dsn = "hostaddr=127.0.0.1" }, place).message)
  end)

  it("says where it leads and who said so", function()
    assert.equal(("database 'postgres' on %s port 5432 as 'postgres'"):format(server.socket), db.description)
    assert.equal("the script", db.origin)
    assert.equal("userdata", type(db.native))
    assert.matches("idle", tostring(db))
  end)

  it("gives what the native one gives", function()
    assert.equal(3, db:query("select $1::int + 1", 2)[1][1])
    db:exec("create temp table t (i int); insert into t values (1), (2)")
    local sum = 0
    for row in db:stream("select i from t") do
      sum = sum + row.i
    end
    assert.equal(3, sum)
    assert.equal('"a b"', db:quote_identifier("a b"))
    assert.equal("'it''s'", db:quote_literal("it's"))
    assert.equal(db:query("select pg_backend_pid()")[1][1], db:pid())
    db:exec("do $$ begin raise notice 'n'; end $$")
    assert.same({ { severity = "NOTICE", message = "n" } }, (db:notices()))
    assert.equal("idle", db:status())
    db:cancel()
  end)

  it("raises error objects", function()
    for _, call in ipairs {
      function() db:query("select 1/0") end,
      function() db:exec("select 1/0") end,
      function() for _ in db:stream("select 1/0") do error("no row") end end,
      function() db:transaction(function() db:query("select 1/0") end) end,
    } do
      local raised = raises(call)
      assert.equal("22012", raised.code)
      assert.equal(1, raised.exit)
      assert.equal("division by zero", tostring(raised))
      assert.equal("idle", db:status())
    end
  end)

  it("raises in the middle of a stream, after the rows before", function()
    local seen = 0
    local raised = raises(function()
      for _ in db:stream("select 1 / (3 - i) from generate_series(1, 5) i") do
        seen = seen + 1
      end
    end)
    assert.equal("22012", raised.code)
    assert.equal(2, seen)
    assert.equal("idle", db:status())
  end)

  it("ends a stream that is left", function()
    for row in db:stream("select generate_series(1, 100000000)") do
      if row[1] == 3 then
        break
      end
    end
    assert.equal("idle", db:status())
  end)

  it("raises when the connection is lost, with exit code 3", function()
    server:psql(("select pg_terminate_backend(%d, 5000)"):format(db:pid()))
    assert.equal(3, raises(db.query, db, "select 1").exit)
    assert.equal(3, raises(db.query, db, "select 1").exit)
    assert.equal("lost", db:status())
  end)

  it("runs transactions with itself as argument", function()
    db:exec("create temp table t (i int)")
    local a, b, c = db:transaction(function(inner)
      assert.equal(db, inner)
      inner:query("insert into t values (1)")
      return false, nil, 3
    end)
    assert.same({ false, nil, 3 }, { a, b, c })
    local mine = {}
    local ok, raised = pcall(db.transaction, db, function()
      db:query("insert into t values (2)")
      error(mine)
    end)
    assert.is_false(ok)
    assert.is_true(rawequal(mine, raised))
    db:transaction(function()
      db:query("insert into t values (3)")
      raises(function() db:transaction(function() db:query("select 1/0") end) end)
    end)
    assert.equal("1,3", db:query("select string_agg(i::text, ',' order by i) from t")[1][1])
    assert.equal("25P02", raises(db.transaction, db, function() pcall(db.query, db, "select 1/0") end).code)
  end)

  it("has pages written early only where no WAL is, for that transaction alone", function()
    local own <close> = support.start "wal_level = minimal\nmax_wal_senders = 0\n"
    local early = "select setting = max_val from pg_settings where name = 'backend_flush_after'"
    for dsn, expected in pairs { [own.dsn] = true, [server.dsn] = false } do
      local conn <close> = connection.open { dsn = dsn }
      conn:transaction(function()
        conn:write_early()
        assert.equal(expected, conn:query(early)[1][1])
      end)
      assert.is_false(conn:query(early)[1][1])
    end
  end)

  it("closes with its scope", function()
    local pid
    do
      local inner <close> = connection.open { dsn = server.dsn }
      pid = inner:pid()
    end
    for _ = 1, 50 do
      if #db:query("select from pg_stat_activity where pid = $1", pid) == 0 then
        return
      end
      require "pghost.native.sys".sleep(0.1)
    end
    error("still there")
  end)
end)

describe("the way to the database", function()
  local folder
  local show = [[
    local db <close> = require "pghost.connection".open(arg[1] and { dsn = arg[1] } or nil)
    print(db.origin .. "|" .. db:query("select current_database()")[1][1])
  ]]
  local names = {}

  -- Four databases, to see which was taken.
  setup(function()
    for i = 1, 4 do
      local _, name = server:database()
      names[i] = name
    end
  end)

  fixture.each(function(keep)
    folder = keep(pghost.folder())
    pghost.write(folder .. "/show.lua", show)
  end)

  local function dsn(i)
    return ("postgresql:///%s?host=%s&user=postgres"):format(names[i], server.socket)
  end

  -- In an environment without any of the variables, but for `env`.
  local function run(env, words)
    local clear = {}
    for _, name in ipairs(dotenv.places) do
      clear[#clear + 1] = "-u " .. name
    end
    return pghost.shell(("cd %s && env %s -u DATABASE_URL HOME=%s PGHOST_SERVER_DIR=%s/server %s %s %s"):format(
      folder, table.concat(clear, " "), folder, folder, env or "", pghost.path, words or "show.lua"))
  end

  local function pg_variables(i)
    return ("PGHOST=%s PGUSER=postgres PGDATABASE=%s"):format(server.socket, names[i])
  end

  local function write_env(text)
    pghost.write(folder .. "/.env", text)
    os.execute(("chmod 600 %s/.env"):format(folder))
  end

  it("is the script's, --dsn, DATABASE_URL, libpq's variables, .env, in this order", function()
    write_env(("POSTGRES_HOST=%s\nPOSTGRES_USER=postgres\nPOSTGRES_DB=%s\n"):format(server.socket, names[4]))
    local url = ("DATABASE_URL='%s'"):format(dsn(2))
    local option = ("--dsn '%s' show.lua"):format(dsn(1))
    local all = url .. " " .. pg_variables(3)
    assert.same({ "the script|" .. names[1] .. "\n", "", 0 }, { run(all, ("show.lua '%s'"):format(dsn(1))) })
    assert.same({ "--dsn|" .. names[1] .. "\n", "", 0 }, { run(all, option) })
    assert.same({ "DATABASE_URL|" .. names[2] .. "\n", "", 0 }, { run(all) })
    assert.same({ "the PG* variables|" .. names[3] .. "\n", "", 0 }, { run(pg_variables(3)) })
    assert.same({ ".env|" .. names[4] .. "\n", "", 0 }, { run() })
    assert.same({ ".env|" .. names[4] .. "\n", "", 0 }, { run("DATABASE_URL= PGHOST= PGPASSWORD=x") })
  end)

  it("is a service of libpq", function()
    local service = ("[mine]\nhost=%s\nuser=postgres\ndbname=%s\n"):format(server.socket, names[1])
    pghost.write(folder .. "/service.conf", service)
    assert.same({ "the PG* variables|" .. names[1] .. "\n", "", 0 },
      { run("PGSERVICE=mine PGSERVICEFILE=service.conf") })
    write_env("PGSERVICE=mine\n")
    assert.same({ ".env|" .. names[1] .. "\n", "", 0 }, { run("PGSERVICEFILE=service.conf") })
  end)

  it("fails with exit code 3, one line, the place, and no password", function()
    local failing = {
      ["--dsn"] = { "", "--dsn postgresql://u:geheim@127.0.0.1:1/x show.lua" },
      ["DATABASE_URL"] = { "DATABASE_URL=postgresql://u:geheim@127.0.0.1:1/x" },
      ["the PG* variables"] = { "PGHOST=127.0.0.1 PGPORT=1 PGPASSWORD=geheim" },
    }
    for origin, how in pairs(failing) do
      local out, err, code = run(how[1], how[2])
      assert.equal("", out)
      assert.equal(3, code, err)
      assert.matches("could not connect to server at \"127.0.0.1\", port 1: connection refused", err, nil, true)
      assert.matches(("(the connection is set by %s)"):format(origin), err, nil, true)
      assert.is_nil(err:find("geheim", 1, true))
    end
    write_env("PGHOST=127.0.0.1\nPGPORT=1\nPGPASSWORD=geheim\n")
    local _, err, code = run()
    assert.equal(3, code)
    assert.matches("the connection is set by .env", err, nil, true)
    assert.is_nil(err:find("geheim", 1, true))
    _, err, code = run("DATABASE_URL=postgresql://u:geh@eim@127.0.0.1:1/x")
    assert.equal(3, code)
    assert.is_nil(err:find("eim", 1, true), err)
  end)

  it("warns of a .env with a password that others can read", function()
    write_env(("PGHOST=%s\nPGUSER=postgres\nPGDATABASE=%s\nPGPASSWORD=geheim\n"):format(server.socket, names[1]))
    local out, err = run()
    assert.same({ ".env|" .. names[1] .. "\n", "" }, { out, err })
    for _, mode in ipairs { "644", "640" } do
      os.execute(("chmod %s %s/.env"):format(mode, folder))
      out, err = run()
      assert.equal(".env|" .. names[1] .. "\n", out)
      assert.equal("pghost: warning: .env holds a password and others can read it: chmod 600 .env\n", err)
    end
  end)

  -- A server that asks for a password, and what it is told: the log of its own.
  describe("with passwords at hand", function()
    local own

    setup(function()
      own = support.start("")
      own:psql "create role guest login password 'right'"
      support.shell(support.as_owner(("sh -c 'echo local all guest password > %s/data/pg_hba.conf; " ..
        "echo local all postgres trust >> %s/data/pg_hba.conf'"):format(own.folder, own.folder)))
      own:psql "select pg_reload_conf()"
    end)

    teardown(function()
      own:stop()
    end)

    local function try(lines, env)
      pghost.write(folder .. "/pgpass", "*:*:*:*:right\n")
      os.execute(("chmod 600 %s/pgpass"):format(folder))
      write_env(lines)
      return run(("PGPASSFILE=%s/pgpass %s"):format(folder, env or ""))
    end

    it("gives a server that a .env names no password but that in the file", function()
      local ways = {
        ("PGHOST=%s\nPGUSER=guest\nPGDATABASE=postgres\n"):format(own.socket),
        ("DATABASE_URL=postgresql://guest@/postgres?host=%s\n"):format(own.socket),
        ("DATABASE_URL=postgresql://guest:@/postgres?host=%s&password=\n"):format(own.socket),
        ("DATABASE_URL=\"host=%s user=guest dbname=postgres\"\n"):format(own.socket),
        ("DATABASE_URL=\"host=%s user=guest dbname=postgres password=''\"\n"):format(own.socket),
        ("PGHOST=%s\nPGUSER=guest\nPGDATABASE=postgres\nPGPASSWORD=${MINE}\n"):format(own.socket),
      }
      for _, lines in ipairs(ways) do
        for _, env in ipairs { "", "PGPASSWORD=right", "MINE=right" } do
          local _, err, code = try(lines, env)
          assert.equal(3, code, lines)
          local asked = err:find("no password supplied", 1, true) or err:find("authentication failed", 1, true)
          assert.truthy(asked, err)
        end
      end
      assert.matches("a password for it is read from that file alone", select(2, try(ways[1])), nil, true)
    end)

    it("uses the password of the file", function()
      for _, lines in ipairs {
        ("PGHOST=%s\nPGUSER=guest\nPGDATABASE=postgres\nPGPASSWORD=right\n"):format(own.socket),
        ("DATABASE_URL=postgresql://guest:right@/postgres?host=%s\n"):format(own.socket),
        ("DATABASE_URL=\"host=%s user=guest dbname=postgres password = 'right'\"\n"):format(own.socket),
      } do
        assert.same({ ".env|postgres\n", "", 0 }, { try(lines, "PGPASSWORD=wrong") })
      end
    end)
  end)

  it("is no .env that says where else a server or passwords are", function()
    for name, lines in pairs {
      PGHOSTADDR = "PGHOST=db\nPGHOSTADDR=127.0.0.1\n",
      PGPASSFILE = "PGHOST=db\nPGPASSFILE=/etc/passwd\n",
      PGOPTIONS = "PGHOST=db\nPGOPTIONS='-c x=y'\n",
      ["PGHOST beside PGSERVICE"] = "PGSERVICE=mine\nPGHOST=127.0.0.1\n",
      ["hostaddr in DATABASE_URL"] = "DATABASE_URL=postgresql://u@db/x?%68ostaddr=127.0.0.1\n",
      ["passfile in DATABASE_URL"] = "DATABASE_URL='host=db passfile=/etc/passwd'\n",
      ["service in DATABASE_URL"] = "DATABASE_URL='service=mine host=127.0.0.1'\n",
    } do
      write_env(lines)
      local _, err, code = run()
      assert.same({ ("pghost: .env: '%s' cannot be set here: give --dsn, or set it in the environment\n"):format(name),
        2 }, { err, code })
    end
  end)

  it("is no .env of somebody else's", function()
    write_env("PGHOST=/none\n")
    os.execute(("chmod 666 %s/.env"):format(folder))
    local _, err, code = run()
    assert.same({ "pghost: '.env' is world-writable and is not read: chmod o-w .env, or give --dsn\n", 2 },
      { err, code })
    if pghost.shell "id -u" == "0\n" then
      os.execute(("chmod 600 %s/.env && chown daemon %s/.env"):format(folder, folder))
      _, err, code = run()
      assert.same({ "pghost: '.env' belongs to another user and is not read: make it yours, or give --dsn\n", 2 },
        { err, code })
    end
    os.execute(("rm %s/.env && mkfifo %s/.env"):format(folder, folder))
    _, err, code = run()
    assert.matches("'.env' is not a file (named pipe)", err, nil, true)
    assert.equal(2, code)
  end)

  it("ends at the private server", function()
    local out, err, code = run()
    run(nil, "server stop")
    assert.matches("^the private server|", out)
    assert.equal(0, code, err)
  end)
end)

describe("a .env file", function()
  it("is read as shells and compose read it", function()
    assert.same({
      A = "1",
      B = "two words",
      C = "x # y",
      D = 'a"b\nc',
      E = "",
      F = "with=sign",
      G = "1/two words",
      H = "${A}",
      I = "${nowhere_set}",
      J = "a#b",
      K = "",
      L = "last",
    }, dotenv.parse(table.concat({
      "\xEF\xBB\xBFA=1\r",
      "  export B = two words  # comment",
      "# N=1",
      "C='x # y' # comment",
      'D="a\\"b\\nc"',
      "E=",
      "F=with=sign",
      'G="${A}/${B}"',
      "H='${A}'",
      "I=${nowhere_set}",
      "J=a#b",
      "K= # nothing",
      "not an assignment",
      "L=last",
    }, "\n")))
  end)

  it("leads to a database by each family of names", function()
    assert.equal("postgresql://u:p@x", dotenv.conninfo { DATABASE_URL = "postgresql://u:p@x", PGHOST = "h" })
    assert.equal("dbname='d' host='localhost' password='it\\'s \\\\' user='u'", dotenv.conninfo {
      POSTGRES_USER = "u", POSTGRES_PASSWORD = "it's \\", POSTGRES_DB = "d", DATABASE_URL = "",
    })
    assert.equal("host='pg' password='x' port='1' sslmode='require' user='u'", dotenv.conninfo {
      PGHOST = "pg", POSTGRES_HOST = "docker", POSTGRES_USER = "u", POSTGRES_PORT = "1", PGSSLMODE = "require",
      PGPASSWORD = "x",
    })
    assert.equal("service='s'", dotenv.conninfo { PGSERVICE = "s" })
    assert.is_nil(dotenv.conninfo { PGPASSWORD = "only", POSTGRES_PASSWORD = "these", OTHER = "x" })
  end)

  it("may be missing", function()
    assert.is_nil(dotenv.read("/nonexistent/.env"))
  end)
end)
