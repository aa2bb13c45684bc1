-- What hangs on a published table survives its replacement: pg_dump says the same before and after.

local published = require "support.published"
local connection = require "pghost.connection"
local sys = require "pghost.native.sys"

local psql, failed, dump, counts = published.psql, published.failed, published.dump, published.counts
local publish_now, survives, assert_same_schema = published.publish_now, published.survives,
  published.assert_same_schema
local OLD, NEW = published.old, published.new
local dsn

describe("publish", function()
  before_each(function()
    dsn = published.new_database()
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
end)
