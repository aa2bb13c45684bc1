-- What others do to a published table beside or between publishes: nothing of it is lost or in the way.

local connection = require "pghost.connection"
local publish = require "pghost.publish.swap"
local server = require "support.server"
local versions = require "support.versions"

local dsn

local function psql(sql)
  return server.psql(sql, dsn)
end

local TABLE = "create table %s.users (id bigint primary key, name text not null, age integer);"
local OLD = TABLE:format("public") .. "insert into users select i, 'old', i from generate_series(1, 3) as i;"
local NEW = "create schema if not exists build_1;" .. TABLE:format("build_1")
  .. "insert into build_1.users select i, 'new', i from generate_series(1, 5) as i;"

local function options(more)
  local all = { build = "build_1", target = "public", tables = { "users" }, lock_wait = 5 }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

-- Publishes; `between` is called when all is prepared. Returns why it was refused.
local function publish_now(between, more)
  psql("drop schema if exists build_1 cascade;" .. NEW)
  local conn <close> = connection.open { dsn = dsn }
  local given = options(more)
  local done, problem = pcall(function()
    given.prepared = publish.prepare(conn, given)
    conn:transaction(function()
      if between then
        between(conn)
      end
      publish.swap(conn, given)
    end)
  end)
  psql "drop schema build_1 cascade"
  return not done and problem or nil
end

local function count()
  return psql "select count(*) from public.users"
end

describe("a change that commits while publishing waits for a lock", function()
  -- What does not take a lock on the table itself, and so is not held up.
  local changes = {
    ["a comment on an index"] = "comment on index users_pkey is 'x'",
    ["a renamed index"] = "alter index by_name rename to by_the_name",
    ["a setting of an index"] = "alter index by_name set (fillfactor = 50)",
    ["an index on a materialized view"] = "create index late on public.m (id)",
    ["a comment on a column of a view"] = "comment on column public.v.id is 'x'",
    ["statistics on a materialized view"] = "create statistics public.s on id, age from public.m",
    ["a setting of statistics"] = "alter statistics public.st set statistics 7",
    ["a trigger on a view"] = "create trigger t instead of insert on public.v for each row execute function fire()",
    ["a renamed view"] = "alter view public.v rename to w",
    ["a comment on a constraint of another table"] = "comment on constraint other_u_fkey on public.other is 'x'",
  }

  for what, change in pairs(changes) do
    it("is not lost: " .. what, function()
      dsn = server.get():database()
      psql(OLD .. [[
        create index by_name on users (name);
        create statistics public.st on id, age from public.users;
        create function fire() returns trigger language plpgsql as 'begin return null; end';
        create view v as select id, age from users;
        create materialized view m as select id, age from users;
        create table other (u bigint references users)]])
      local reader <close> = connection.open { dsn = dsn }
      reader:query "begin"
      reader:query "select from public.users limit 1" -- publishing waits for this
      local conn <close> = connection.open { dsn = dsn }
      psql(NEW)
      local given = options { old_snapshots = "ignore" }
      given.prepared = publish.prepare(conn, given)
      local locks = require "pghost.publish.locks"
      local take, seen = locks.take, 0
      locks.take = function(on, names, mode, milliseconds) -- while it waits, the other one changes something
        if mode == "ACCESS EXCLUSIVE" then
          seen = seen + 1
          if seen == 2 then
            psql("set lock_timeout = '2s'; " .. change)
            reader:query "commit"
          end
        end
        return take(on, names, mode, milliseconds)
      end
      local done, problem = pcall(conn.transaction, conn, function()
        publish.swap(conn, given)
      end)
      locks.take = take
      assert.is_true(seen >= 2)
      assert.is_false(done)
      assert.equal("changed", problem.code)
      assert.equal("3", count())
    end)
  end
end)

describe("publishing", function()
  before_each(function()
    dsn = server.get():database()
  end)

  it("is not stopped by the index of a table that was renamed away", function()
    psql(OLD .. "create index by_name on users (name)")
    assert.is_nil(publish_now())
    psql "alter table users rename to users_before; alter table users_before alter id add generated always as identity"
    for _ = 1, 2 do
      assert.is_nil(publish_now())
      assert.equal("5", count())
    end
    local key = "select conname from pg_constraint where conrelid = '%s'::regclass and contype = 'p'"
    assert.equal("users_pkey_1", psql(key:format "users"))
    assert.equal("users_pkey", psql(key:format "users_before"))
  end)

  it("goes on with plain views over a table with row-level security", function()
    psql(OLD .. [[alter table users enable row level security; create policy p on users using (true);
      create view v as select id from users; create materialized view m as select id from v]])
    for _ = 1, 2 do
      assert.is_nil(publish_now())
      assert.equal("5 5", psql "select (select count(*) from v) || ' ' || (select count(*) from m)")
    end
  end)

  it("does not take the server's own notes on a column for options", function()
    psql(OLD .. [[alter table users alter column age set (n_distinct = 7);
      set allow_system_table_mods = on;
      update pg_attribute set attoptions = array_append(attoptions, 'pg_attver=3')
      where attrelid = 'public.users'::regclass and attname in ('age', 'name')]])
    assert.is_nil(publish_now())
    assert.equal("n_distinct=7", psql [[ -- PostgreSQL 15.20 makes a note of its own with every option that is set
      select string_agg(o, ' ') from pg_attribute, unnest(attoptions) as o
      where attrelid = 'public.users'::regclass and attname in ('age', 'name')
        and (o not like 'pg_attver=%' or o = 'pg_attver=3')]])
  end)

  it("names the prepared transaction that holds a lock", function()
    local own <close> = server.start "max_prepared_transactions = 3"
    dsn = own:database()
    psql(OLD .. "begin; select from users limit 1; prepare transaction 'left''over'")
    local problem = publish_now(nil, { lock_wait = 0.3 })
    local message = tostring(problem)
    assert.truthy(message:find("cannot publish: 'public.users' is in use and could not be locked in 0.3 s, by the "
      .. "prepared transaction 'left''over' of 'postgres' since ", 1, true), message)
    assert.truthy(message:find("; rollback prepared 'left''over', or commit it, or raise lock_wait", 1, true), message)
    psql "rollback prepared 'left''over'; begin; lock table users in share mode; prepare transaction 'held'"
    problem = publish_now(nil, { lock_wait = 0.3 }) -- already while the tables are held against changes
    assert.matches("the prepared transaction 'held' of 'postgres'", tostring(problem))
    psql "rollback prepared 'held'"
    assert.is_nil(publish_now())
  end)

  it("gives up on a lock that others hold while it prepares, and says who", function()
    psql(OLD .. "create table other (u bigint references users)")
    local writer <close> = connection.open { dsn = dsn }
    writer:query "begin"
    writer:query "insert into public.other values (1)"
    local problem = publish_now(nil, { lock_wait = 1, old_snapshots = "ignore" })
    assert.equal("55P03", problem.code)
    assert.truthy(tostring(problem):find("by process " .. writer:pid(), 1, true), tostring(problem))
    writer:query "rollback"
  end)
end)

describe("publishing on PostgreSQL 18", function()
  it("keeps virtual generated columns, and NOT NULL with its name, comment and validity", function()
    local bin, problem = versions.bin(18)
    if not bin then
      pending(problem)
      return
    end
    local own <close> = server.start(nil, bin)
    dsn = own:database()
    psql(OLD .. [[
      alter table users add column doubled integer generated always as (age * 2) virtual;
      alter table users add constraint "named it" not null age not valid;
      alter table users rename constraint users_name_not_null to "called";
      comment on constraint "named it" on users is 'soon'; comment on constraint "called" on users is 'name']])
    local function facts()
      return psql [[select string_agg(format('%s %s %s %s', conname, pg_get_constraintdef(oid), convalidated,
          obj_description(oid, 'pg_constraint')), '; ' order by conname) from pg_constraint
          where conrelid = 'users'::regclass and contype = 'n'
        union all select string_agg(attname || attgenerated::text, ' ' order by attname) from pg_attribute
          where attrelid = 'users'::regclass and attnum > 0]]
    end
    local before = facts()
    assert.is_nil(publish_now())
    assert.equal(before, facts())
    assert.equal("10", psql "select max(doubled) from users")
  end)
end)
