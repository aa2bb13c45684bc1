-- Publishing: what hangs on a published table survives, readers see the old or the new, and what
-- goes wrong leaves the old. The oracle is pg_dump: the schema before and after must be the same text.

local connection = require "pghost.connection"
local publish = require "pghost.publish.swap"
local server = require "support.server"
local sys = require "pghost.native.sys"

local ROLES = [[
do $$ begin create role publish_alice; exception when duplicate_object then null; end $$;
do $$ begin create role publish_bob; exception when duplicate_object then null; end $$;
do $$ begin create role publish_carol; exception when duplicate_object then null; end $$;
do $$ begin create role publish_owner login; exception when duplicate_object then null; end $$;
]]

local TABLES = [[
create table %s.users (id bigint primary key, name text not null, email text, age integer);
create table %s.booking (id bigint primary key, user_id bigint not null, status text, amount numeric);
]]

local OLD = TABLES:format("public", "public") .. [[
insert into users select i, 'user ' || i, 'u' || i || '@x', 20 + i from generate_series(1, 10) as i;
insert into booking select i, 1 + i % 10, 'open', i from generate_series(1, 20) as i;
]]

local NEW = "create schema build_1;" .. TABLES:format("build_1", "build_1") .. [[
insert into build_1.users select i, 'new ' || i, 'n' || i || '@x', 20 + i from generate_series(1, 30) as i;
insert into build_1.booking select i, 1 + i % 30, 'open', i from generate_series(1, 60) as i;
]]

local dsn, has_roles

local function psql(sql, as)
  return server.psql(sql, as or dsn)
end

local function failed(sql)
  return select(2, pcall(psql, sql))
end

local function dump()
  return (server.shell(("pg_dump -s -d '%s'"):format(dsn)):gsub("\n\\%a+ %w+", ""))
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  return lines
end

-- The same text, or the first line that is not.
local function assert_same_schema(before)
  local old, new = lines_of(before), lines_of(dump())
  for i = 1, math.max(#old, #new) do
    if old[i] ~= new[i] then
      local function around(lines)
        return table.concat(lines, "\n", math.max(1, i - 3), math.min(#lines, i + 5))
      end
      assert.are.equal(around(old), around(new))
    end
  end
end

local function options(more)
  local all = { build = "build_1", target = "public", tables = { "users", "booking" }, lock_wait = 5 }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

-- Publishes as a run does; returns what prepare found.
local function publish_now(more, as)
  local conn <close> = connection.open { dsn = as or dsn }
  local given = options(more)
  if given.prepare ~= false then
    given.prepared = publish.prepare(conn, given)
  end
  conn:transaction(function()
    publish.swap(conn, given)
    conn:query("drop schema build_1 cascade")
  end)
  return given.prepared
end

local function failure(more)
  local ok, problem = pcall(publish_now, more)
  assert.is_false(ok)
  return tostring(problem)
end

local counts = "select (select count(*) from users) || ' ' || (select count(*) from booking)"

-- Sets up and publishes; pg_dump must say the same before and after.
local function survives(setup, after)
  psql(OLD .. setup)
  local before = dump()
  psql(NEW)
  publish_now()
  assert_same_schema(before)
  assert.are.equal("30 60", psql(counts))
  if after then
    after()
  end
end

-- The same, but refused with a message, and nothing has happened.
local function refused(setup, pattern, new)
  psql(OLD .. setup)
  local before = dump()
  psql(NEW .. (new or ""))
  local message = failure()
  assert.matches(pattern, message)
  psql("drop schema build_1 cascade")
  assert_same_schema(before)
  assert.are.equal("10 20", psql(counts))
  return message
end

describe("publish", function()
  before_each(function()
    dsn = server.get():database()
    has_roles = has_roles or psql(ROLES)
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

  it("keeps views, views on views, in other schemas, with all they carry", function()
    survives([[
      create schema reporting;
      create view adults with (security_barrier = true) as select id, name as "full name" from users where age >= 18;
      create view reporting.adults with (security_invoker = true) as
        select a.id, a."full name", count(b.id) as bookings
        from public.adults as a left join booking as b on b.user_id = a.id group by a.id, a."full name";
      create view reporting.names as select 'public.users' as source, adults.* from reporting.adults;
      create view open_booking as select * from booking where status = 'open' with local check option;
      create view keyed as select id, name, count(*) from users group by id;
      create recursive view numbers (n) as
        select 1 union all select n + 1 from numbers where n < (select count(*) from users);
      alter view open_booking alter column status set default 'open';
      comment on view adults is 'over 18; it''s simple';
      comment on column adults."full name" is 'name';
      grant select on adults to publish_bob with grant option;
      grant select ("full name") on reporting.adults to public;
      grant create, usage on schema reporting to publish_alice;
      grant select on all tables in schema reporting, public to publish_alice;
      alter view reporting.names owner to publish_alice;
      create rule no_delete as on delete to adults do instead nothing;
      create function ignore() returns trigger language plpgsql as 'begin return null; end';
      create trigger ignore_update instead of update on adults for each row execute function ignore();
    ]], function()
      assert.are.equal("30", psql("select count(*) from reporting.names"))
      assert.are.equal("30", psql("select max(n) from numbers"))
    end)
  end)

  it("keeps materialized views with their data, indexes, grants, statistics", function()
    survives([[
      create schema reporting;
      create view per_user as select user_id, count(*) as bookings, sum(amount) as amount from booking group by user_id;
      create materialized view reporting.per_user with (fillfactor = 80) as
        select u.name, u.age, p.bookings from users as u join public.per_user as p on p.user_id = u.id;
      create unique index per_user_name on reporting.per_user (name);
      create index on reporting.per_user (lower(name)) where bookings > 1;
      alter materialized view reporting.per_user cluster on per_user_name;
      alter materialized view reporting.per_user alter column name set statistics 50;
      create statistics reporting.per_user_statistics on name, age from reporting.per_user;
      comment on materialized view reporting.per_user is 'materialized';
      comment on index reporting.per_user_name is 'by name';
      grant select on reporting.per_user to publish_bob;
      create materialized view empty as select * from users with no data;
      create view over_materialized as select count(*) from reporting.per_user;
    ]], function()
      assert.are.equal("30", psql("select count from over_materialized"))
      assert.are.equal("f", psql("select relispopulated from pg_class where relname = 'empty'"))
    end)
  end)

  it("fills a materialized view over tables with policies as its owner would", function()
    survives([[
      grant create, usage on schema public to publish_alice;
      grant select on users to publish_alice;
      alter table users enable row level security;
      create policy few on users for select to publish_alice using (id <= 3);
      create materialized view visible as select id from users;
      alter materialized view visible owner to publish_alice;
      refresh materialized view visible;
    ]], function()
      assert.are.equal("3", psql("select count(*) from visible"))
    end)
  end)

  it("keeps owner and grants, of columns and with grant options too", function()
    survives([[
      grant create, usage on schema public to publish_owner;
      alter table users owner to publish_owner;
      grant select, update on users to publish_alice with grant option;
      set role publish_alice; grant select on users to publish_bob with grant option; reset role;
      set role publish_bob; grant select on users to publish_carol; reset role;
      grant select (status), update (amount, status) on booking to public;
      ]] .. "revoke select (status) on booking from public; grant select (id) on booking to publish_bob;" .. [[
      revoke delete on booking from postgres;
      alter default privileges grant insert on tables to publish_carol;
    ]])
  end)

  it("keeps what has no grants as it is, whatever the default privileges are by now", function()
    survives([[
      grant create, usage on schema public to publish_owner;
      alter table users owner to publish_owner;
      create function total() returns bigint language sql begin atomic select count(*) from public.users; end;
      create view names as select id, name from users;
      alter default privileges grant select on tables to publish_carol;
      alter default privileges revoke execute on functions from public;
      alter default privileges grant execute on functions to publish_bob;]], function()
      for who, may in pairs { publish_owner = "t", publish_carol = "f" } do
        assert.equal(may, psql(("select has_table_privilege('%s', 'users', 'SELECT')"):format(who)))
      end
      assert.equal("t", psql "select has_function_privilege('publish_carol', 'total()', 'EXECUTE')")
      assert.equal("f", psql [[select coalesce(proacl::text, '') ~ 'bob' from pg_proc where proname = 'total']])
    end)
  end)

  it("keeps policies, also those of other tables that look at it", function()
    survives([[
      create table teams (id bigint primary key, owner bigint);
      alter table users enable row level security;
      alter table users force row level security;
      alter table teams enable row level security;
      create policy own on users as restrictive for update to publish_bob, publish_alice using (name = current_user)
        with check (exists (select from booking as b where b.user_id = users.id));
      create policy see on booking using (user_id in (select users.id from users));
      create policy team on teams for select using (owner in (select id from public.users));
      comment on policy own on users is 'own ones';
      comment on policy team on teams is 'team';
    ]])
  end)

  it("keeps comments", function()
    survives([[
      comment on table users is 'people; ''quoted''';
      comment on column users.email is 'mail';
      comment on constraint users_pkey on users is 'key';
      comment on index booking_pkey is 'key index';
    ]])
  end)

  it("keeps foreign keys between, from and to the tables", function()
    survives([[
      create table country (code text primary key);
      insert into country values ('open');
      create table "odd, table" ("user, id" bigint, b bigint references booking on delete cascade, note text);
      insert into "odd, table" values (3, 4), (null, 5);
      alter table "odd, table" add constraint "odd fk" foreign key ("user, id") references users (id)
        on update cascade on delete set null deferrable initially deferred;
      comment on constraint "odd fk" on "odd, table" is 'odd';
      alter table booking add constraint booking_user foreign key (user_id) references users;
      alter table booking add foreign key (status) references country on delete restrict;
      alter table booking add constraint later foreign key (id) references users not valid;
      alter table users add column parent bigint;
      alter table users drop column parent;
      create table parted (u bigint references users, k integer) partition by list (k);
      create table parted_1 partition of parted for values in (1);
      insert into parted values (2, 1);
      comment on constraint booking_user on booking is 'who';
    ]], function()
      assert.matches("violates foreign key", failed('insert into "odd, table" values (99)'))
      assert.matches("violates foreign key", failed("delete from users where id = 2"))
    end)
  end)

  it("keeps checks, defaults, not null and unique constraints, exclusions", function()
    survives([[
      alter table users add constraint adult check (age > 18),
        add constraint "mail?" check (email like '%@%') not valid;
      alter table users alter column email set default 'none', alter column age set not null;
      alter table users add constraint mails unique nulls not distinct (email) with (fillfactor = 70);
      alter table users add unique (name, age) deferrable initially deferred;
      create extension if not exists btree_gist;
      alter table booking add constraint no_twins exclude using gist (id with =) where (status <> 'x');
      comment on constraint adult on users is '18';
    ]])
  end)

  it("keeps the name that the primary key has", function()
    survives([[
      alter table users drop constraint users_pkey;
      alter table users add constraint users_key primary key (id);]])
  end)

  it("keeps indexes", function()
    survives([[
      create index "by on public.users using" on users (lower(name) text_pattern_ops desc nulls last)
        include (age) with (fillfactor = 50) where email is not null;
      create unique index mail on users (email) nulls not distinct;
      create index on booking using brin (amount);
      create index on booking using hash (status);
      alter index mail set (fillfactor = 60);
      create index expression on booking ((amount * 2), user_id);
      alter index expression alter column 1 set statistics 77;
      comment on index mail is 'mails';
      alter table users cluster on mail;
      alter table users alter column email set not null;
      create unique index ident on users (email);
      alter table users replica identity using index ident;
      alter table booking replica identity full;
    ]])
  end)

  it("keeps extended statistics and column settings, and collects the statistics", function()
    survives([[
      create schema other;
      create statistics other.users_statistics (ndistinct, mcv) on name, age from users;
      create statistics expression on (age * 2) from users;
      alter statistics expression set statistics 55;
      comment on statistics expression is 'doubled';
      alter table users alter column name set statistics 500, alter column email set storage external,
        alter column age set (n_distinct = 5), alter column email set compression lz4;
      alter table users set (fillfactor = 90, autovacuum_enabled = false, toast.autovacuum_enabled = false);
      alter table booking set unlogged;
    ]], function()
      assert.are.equal("t", psql([[select exists (select from pg_stats where tablename = 'users')
        and exists (select from pg_stats_ext where statistics_name = 'users_statistics')]]))
    end)
  end)

  it("collects the statistics of tables that have none of what they hold, and of no other", function()
    psql(OLD .. "alter table booking alter column amount set statistics 20") -- carried over, so to be collected by
    psql(NEW .. "create table build_1.fresh (a integer); insert into build_1.fresh values (1);"
      .. "alter table build_1.users add column gone integer; alter table build_1.users drop column gone;")
    local seen = "select n_tup_ins from pg_stat_user_tables where schemaname = 'build_1' and relname = 'booking'"
    for _ = 1, 100 do -- the server counts what was inserted when that session has ended
      if psql(seen) == "60" then
        break
      end
      sys.sleep(0.1)
    end
    psql "analyze build_1.users; analyze build_1.booking"
    publish_now { tables = { "users", "booking", "fresh" } }
    assert.are.equal("booking|2\nfresh|1\nusers|1", psql [[
      select relname, analyze_count from pg_stat_user_tables where schemaname = 'public' order by 1]])
  end)

  it("keeps triggers and rules, switched as they were", function()
    survives([[
      create function note() returns trigger language plpgsql as 'begin return new; end';
      create table log (id bigint);
      create trigger a before insert or update of name on users for each row when (new.age > 3) execute function note();
      create trigger b after delete on users for each statement execute function note();
      create trigger "odd name" after update on users referencing new table as n
        for each statement execute function note();
      create constraint trigger c after insert on booking deferrable initially deferred
        for each row execute function note();
      alter table users disable trigger b;
      alter table users enable always trigger a;
      alter table booking enable replica trigger c;
      comment on trigger a on users is 'a';
      create rule logged as on insert to users do also insert into log values (new.id);
      create rule crossed as on update to users do also update booking set status = 'x' where user_id = new.id;
      alter table users disable rule logged;
      comment on rule crossed on users is 'crossed';
    ]])
  end)

  it("keeps sequences and goes on where they were", function()
    survives([[
      create sequence booking_number;
      alter table users alter column id add generated by default as identity (start with 100 increment by 5 cache 3);
      grant usage on sequence users_id_seq to publish_bob;
      comment on sequence users_id_seq is 'ids';
      alter sequence booking_number owned by booking.id;
      alter table booking alter column id set default nextval('booking_number');
      grant select on sequence booking_number to publish_carol;
      insert into users (name, age) values ('x', 1), ('y', 2);
      delete from users where id >= 100;
      select nextval('booking_number') from generate_series(1, 1000);
    ]], function()
      assert.is_true(math.tointeger(tonumber(psql("select last_value from booking_number"))) >= 1000)
      assert.are.equal("110 true", psql("select last_value || ' ' || is_called from users_id_seq"))
    end)
  end)

  it("keeps publications with their columns and filters", function()
    survives([[
      set client_min_messages = error;
      create publication every for all tables;
      create publication two for table users (id, name), booking where (status = 'open');
      create publication whole for tables in schema public;
    ]])
  end)

  it("keeps functions that take or return its records, and what uses them", function()
    survives([[
      create function full_name(u users) returns text language sql stable as 'select u.name';
      create function first_user() returns setof users language sql as 'select * from users limit 1';
      create function total() returns bigint language sql stable begin atomic select count(*) from public.users; end;
      comment on function total() is 'it''s 100% all';
      revoke execute on function total() from public;
      grant execute on function total() to publish_bob with grant option;
      create view totals as select total() as n, full_name(users) as name from users;
      create materialized view kept as select * from totals;
      create policy p on users using (public.total() > 0);
    ]], function()
      assert.are.equal("30", psql("select count(*) from kept where n = 30"))
    end)
  end)

  it("keeps a view whose name is taken in the build schema", function()
    psql(OLD .. "create view extra as select id from users; create view more as select * from extra;")
    local before = dump()
    psql(NEW .. "create table build_1.extra (id bigint);")
    publish_now()
    assert_same_schema(before)
    assert.are.equal("30", psql("select count(*) from more"))
  end)

  it("adds generated columns and says which others are gone", function()
    psql(OLD .. [[
      alter table users add column upper_name text collate "C" generated always as (upper(name)) stored;
      alter table users add column extra integer;
      alter table users drop column extra;]])
    local before = dump()
    psql(NEW)
    assert.are.same({}, publish_now().gone)
    assert_same_schema(before)
    assert.are.equal("NEW 1", psql("select upper_name from users where id = 1"))
    psql("alter table users add column extra integer;" .. NEW)
    assert.are.same({ users = { "extra" } }, publish_now().gone)
  end)

  it("lets go of what only an earlier run built, and keeps what users added", function()
    local conn <close> = connection.open { dsn = dsn }
    require("pghost.run.schema").migrate(conn)
    psql(NEW .. "alter table build_1.users alter column email set default 'built', alter column email set not null;")
    publish_now()
    psql([[alter table users alter column age set not null; comment on constraint users_pkey on users is 'key';
      alter table booking add check (amount > 0);]])
    psql(NEW .. [[alter table build_1.users drop constraint users_pkey, alter column id drop not null;
      alter table build_1.users set unlogged;
      insert into build_1.users (id, name, age) values (1, 'twin', 3);]])
    publish_now()
    assert.are.equal("u", psql("select relpersistence from pg_class where oid = 'users'::regclass"))
    assert.are.equal("age,name", psql([[select string_agg(attname, ',' order by attname) from pg_attribute
      where attrelid = 'users'::regclass and attnum > 0 and attnotnull]]))
    assert.are.equal("0", psql("select count(*) from pg_attrdef where adrelid = 'users'::regclass"))
    assert.are.equal("booking_amount_check,booking_pkey", psql([[
      select string_agg(conname, ',' order by conname) from pg_constraint
      where conrelid in ('users'::regclass, 'booking'::regclass)]]))
  end)

  it("is stable over five times", function()
    psql(OLD .. [[
      create view v as select * from users;
      create materialized view m as select count(*) from v;
      create index on users (name);
      alter table booking add foreign key (user_id) references users;
      create table outside (u bigint references users);
      alter table users alter column id add generated always as identity;]])
    local before = dump()
    for i = 1, 5 do
      psql(NEW)
      publish_now { prepare = i % 2 == 0 }
      assert_same_schema(before)
    end
    assert.are.equal("0", psql("select count(*) from pg_class where relname like '%pghost%'"))
    assert.are.equal("30 60", psql(counts))
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
