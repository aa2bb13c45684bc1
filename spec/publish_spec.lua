-- Publishing: what hangs on a published table survives, readers see the old or the new, and what
-- goes wrong leaves the old. The oracle is pg_dump: the schema before and after must be the same text.

local published = require "support.published"
local connection = require "pghost.connection"
local publish = require "pghost.publish.swap"
local server = require "support.server"

local psql, dump, counts, options = published.psql, published.dump, published.counts, published.options
local publish_now, failure, survives, refused = published.publish_now, published.failure,
  published.survives, published.refused
local assert_same_schema = published.assert_same_schema
local OLD, NEW = published.old, published.new
local dsn

describe("publish", function()
  before_each(function()
    dsn = published.new_database()
  end)

  it("puts tables where there were none", function()
    psql(NEW)
    publish_now()
    assert.are.equal("30 60", psql(counts))
  end)

  it("gives new tables the default privileges of the target schema", function()
    psql("alter default privileges in schema public grant select on tables to publish_bob;" .. NEW)
    publish_now()
    assert.are.equal("t", psql("select has_table_privilege('publish_bob', 'users', 'select')"))
  end)

  it("replaces tables", function()
    survives("", function()
      assert.are.equal("new 1", psql("select name from users where id = 1"))
    end)
  end)

  describe("refuses, and leaves all as it was", function()
    it("a view that lacks a column", function()
      refused("create view ages as select u.age from users as u;",
        "cannot publish 'public%.ages': .*column u%.age does not exist", "alter table build_1.users drop column age;")
    end)

    it("a foreign key whose records would be orphaned", function()
      local message = refused("create table outside (u bigint references users); insert into outside values (2), (3);",
        "2 records of 'public%.outside' would refer to no record of 'public%.users'",
        "delete from build_1.users where id in (2, 3);")
      assert.matches("outside_u_fkey", message)
      assert.matches("such as %(2%)", message)
    end)

    it("a foreign key that the new records break", function()
      refused("alter table booking add constraint who foreign key (user_id) references users;",
        "1 record of 'public%.booking' would refer to no record of 'public%.users' %(foreign key 'who'",
        "insert into build_1.booking values (100, 100);")
    end)

    it("a check, a unique index or a not null that the new records break", function()
      refused("alter table users add constraint young check (age < 100);", "constraint 'young'.*violated by some row",
        "update build_1.users set age = 200 where id = 2;")
      psql("drop table users, booking;")
      refused("create unique index mail on users (email);", "index 'mail'.*could not create unique index",
        "update build_1.users set email = 'same';")
      psql("drop table users, booking;")
      refused("alter table users alter column age set not null;", "column 'age' is NOT NULL in the published table",
        "update build_1.users set age = null where id = 2;")
    end)

    it("tables that inherit, are partitioned, partitions or typed, and what is no table", function()
      refused("create table kid () inherits (users);", "'public%.users': it inherits or is inherited from")
      psql("drop table kid, users, booking; create type t as (id bigint)")
      psql(("create table users of t; create table booking (id bigint) partition by list (id);") .. NEW)
      assert.matches("'public%.users': it is a typed table", failure { tables = { "users" } })
      assert.matches("'public%.booking': it is a partitioned table", failure { tables = { "booking" } })
      psql("drop table users; create table users partition of booking for values in (1)")
      assert.matches("'public%.users': it is a partition", failure { tables = { "users" } })
      psql("drop table users; create view users as select 1 as id")
      assert.matches("'public%.users' exists and is not a table", failure { tables = { "users" } })
    end)

    it("columns, domains and rules of others that use its record type", function()
      refused("create table holder (u users);", "table public%.holder depends on a published table")
      psql("drop table holder, users, booking")
      refused("create table log (id bigint); create rule r as on insert to log do also delete from users;",
        "rule r on table .*log depends on a published table")
    end)

    it("a table that is not built", function()
      psql(OLD .. NEW)
      assert.matches("there is no table build_1%.nothing", failure { tables = { "nothing" } })
    end)

    it("what it has no right to, naming it", function()
      psql(OLD .. [[
        grant create on database ]] .. dsn:match("dbname=(%S+)") .. [[ to publish_owner;
        grant usage, create on schema public to publish_owner;
        alter table users owner to publish_owner;
        alter table booking owner to publish_alice;
        create view v as select * from users;]])
      local as = dsn:gsub("user=%S+", "user=publish_owner")
      psql(NEW, as)
      local ok, problem = pcall(publish_now, {}, as)
      assert.is_false(ok)
      assert.matches("'public.booking' belongs to 'publish_alice', and publishing replaces it: "
        .. "grant publish_alice to publish_owner", tostring(problem), 1, true)
      assert.matches("'public.v' belongs to 'postgres'", tostring(problem), 1, true)
      assert.are.equal("42501", problem.code)
      psql([[alter view v owner to publish_owner; alter table booking owner to publish_owner;
        create index on users (name); grant select on v to publish_bob;]])
      psql("drop schema build_1 cascade")
      local before = dump()
      psql(NEW, as)
      publish_now({}, as)
      assert_same_schema(before)
    end)
  end)

  it("is stopped by a change between preparing and swapping", function()
    local changes = {
      "create view late as select * from users", "grant select on users to publish_bob",
      "create index on booking (status)", "comment on column users.name is 'x'",
      "create table late_table (u bigint references users)", "create policy p on users using (true)",
      "alter table users alter column email set default 'y'",
      "grant select (id) on users to publish_bob",
    }
    psql(OLD .. NEW)
    local conn <close> = connection.open { dsn = dsn }
    for _, change in ipairs(changes) do
      local prepared = publish.prepare(conn, options())
      psql(change)
      local ok, problem = pcall(conn.transaction, conn, function()
        publish.swap(conn, options { prepared = prepared })
      end)
      assert.is_false(ok)
      assert.are.equal("changed", problem.code)
      assert.are.equal("10 20", psql(counts))
      psql("drop schema build_1 cascade;" .. NEW)
    end
  end)

  it("leaves the old tables when the transaction fails after the swap", function()
    psql(OLD .. "create view v as select * from users; create table o (u bigint references users);")
    local before = dump()
    psql(NEW)
    local conn <close> = connection.open { dsn = dsn }
    local ok = pcall(conn.transaction, conn, function()
      publish.swap(conn, options())
      conn:query("select 1 / 0")
    end)
    assert.is_false(ok)
    psql("drop schema build_1 cascade")
    assert_same_schema(before)
    assert.are.equal("10 20", psql(counts))
  end)

  it("leaves the settings of the transaction as they were", function()
    psql(OLD .. NEW)
    local conn <close> = connection.open { dsn = dsn }
    conn:transaction(function()
      conn:query("set local search_path = build_1, public")
      publish.swap(conn, options())
      assert.are.equal("build_1, public", conn:query("show search_path")[1][1])
      assert.are.equal("0", conn:query("show lock_timeout")[1][1])
    end)
  end)

  it("gives up on a table that is in use, says by whom, and lets readers pass meanwhile", function()
    psql(OLD .. NEW)
    local holder <close> = connection.open { dsn = dsn }
    local conn <close> = connection.open { dsn = dsn }
    holder:query("begin")
    holder:query("select from users limit 1")
    local ok, problem = pcall(conn.transaction, conn, function()
      publish.swap(conn, options { lock_wait = 0.3, old_snapshots = "ignore" })
    end)
    assert.is_false(ok)
    assert.matches("'public.users' is in use and could not be locked in 0.3 s, by process " .. holder:pid()
      .. " of 'postgres' (pghost)", tostring(problem), 1, true)
    assert.are.equal("55P03", problem.code)
    holder:query("commit")
    publish_now()
    assert.are.equal("30 60", psql(counts))
  end)

  it("waits for snapshots that would find the new tables empty", function()
    psql(OLD)
    local holder <close> = connection.open { dsn = dsn }
    holder:query("begin isolation level repeatable read")
    holder:query("select 1")
    psql(NEW)
    assert.matches("process " .. holder:pid() .. " of 'postgres' (pghost)", failure { lock_wait = 0.3 }, 1, true)
    assert.are.equal("10 20", psql(counts))
    assert.are.equal(10, holder:query("select count(*) from users")[1][1])
    holder:query("commit")
    psql("drop schema build_1 cascade;" .. NEW)
    publish_now()
    assert.are.equal("30 60", psql(counts))
  end)

  it("shows readers the old or the new of all tables, never a mix", function()
    psql(OLD .. "create view totals as "
      .. "select (select sum(id) from users) as u, (select sum(amount) from booking) as b;")
    local folder = server.shell("mktemp -d /tmp/pghost_readers.XXXXXX")
    local file = assert(io.open(folder .. "/script", "w"))
    file:write((counts .. " || ' ' || u || ' ' || b from totals;\n"):rep(100))
    file:close()
    local read = "(while [ ! -e stop ] && psql -X -q -A -t -v ON_ERROR_STOP=1 -d '%s' -f script >>out.%d 2>&1; "
      .. "do :; done; [ -e stop ]; echo $? >done.%d) &"
    for i = 1, 3 do
      os.execute("cd " .. folder .. " && " .. read:format(dsn, i, i))
    end
    for i = 1, 4 do
      psql(NEW .. (i % 2 == 0 and [[
        delete from build_1.users where id > 10; delete from build_1.booking where id > 20;]] or ""))
      publish_now()
    end
    server.shell("cd " .. folder .. " && touch stop && while [ $(ls | grep -c done) -lt 3 ]; do sleep 0.05; done")
    local allowed, seen = { ["10 20 55 210"] = true, ["30 60 465 1830"] = true }, {}
    for line in server.shell("cat " .. folder .. "/out.*"):gmatch("[^\n]+") do
      assert.is_true(allowed[line], line)
      seen[line] = true
    end
    assert.are.equal("0\n0\n0", server.shell("cat " .. folder .. "/done.*"))
    assert.is_true(seen["10 20 55 210"])
    assert.is_true(seen["30 60 465 1830"])
    os.execute("rm -rf " .. folder)
  end)
end)
