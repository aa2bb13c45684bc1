-- Whoever may hang something on a published table tries to have it run with the rights of the role that
-- publishes. `owned` holds who ran it: nobody but the attacker may stand there, whatever the publish did.
--
-- Each kind is tried by the attacker who may attach it: the owner of the table, one who may only read
-- it, one with TRIGGER, one with REFERENCES; against a superuser that publishes.

local connection = require "pghost.connection"
local publish = require "pghost.publish.swap"
local server = require "support.server"

local dsn

local function psql(sql, as)
  return server.psql(sql, as or dsn)
end

local function as_mallory(sql)
  psql(sql, (dsn:gsub("user=%S+", "user=mallory")))
end

-- The payload notes who runs it and tries to become the session's user again, as a function that runs
-- under SET ROLE can.
local SETUP = [[
do $$ begin create role mallory login; exception when duplicate_object then null; end $$;
revoke all on schema public from public;
grant usage on schema public to mallory;
create schema evil authorization mallory;
create table public.owned (who text, session text);
grant insert, select on public.owned to public;
create table public.users (id bigint primary key, name text, note text);
insert into public.users select i, 'old', 'n' from generate_series(1, 3) as i;
]]

local PAYLOAD = [[
create function evil.note() returns void language plpgsql as $$
begin
  begin
    perform set_config('role', 'none', true);
  exception when others then null;
  end;
  insert into public.owned values (current_user, session_user);
end $$;
create function evil.check(v anyelement) returns boolean language plpgsql immutable as $$
begin perform evil.note(); return true; end $$;
create function evil.text(v text) returns text language plpgsql immutable as $$
begin perform evil.note(); return v; end $$;
create function evil.fire() returns trigger language plpgsql as $$
begin perform evil.note(); return new; end $$;
grant usage on schema evil to public;
]]

local NEW = [[
create schema build_1;
create table build_1.users (id bigint primary key, name text, note text);
insert into build_1.users select i, 'new', 'n' from generate_series(1, 5) as i;
]]

-- Publishes as the superuser; nil, or why it was refused.
local function publish_now()
  psql "truncate public.owned"
  psql(NEW)
  local conn <close> = connection.open { dsn = dsn }
  local done, problem = pcall(function()
    local options = { build = "build_1", target = "public", tables = { "users" }, lock_wait = 5 }
    options.prepared = publish.prepare(conn, options)
    conn:transaction(function()
      publish.swap(conn, options)
    end)
  end)
  psql "drop schema build_1 cascade"
  return not done and tostring(problem) or nil
end

local function ran_as()
  return psql "select coalesce(string_agg(distinct who, ','), 'nobody') from public.owned"
end

-- It is carried over, and what ran of it ran as the attacker.
local function kept(probe, ran)
  local problem = publish_now()
  assert.is_nil(problem)
  assert.equal(ran or "nobody", ran_as())
  assert.equal("5 new", psql "select count(*) || ' ' || max(name) from public.users")
  assert.equal("t", psql("select exists (" .. probe .. ")"))
end

-- It is refused by name; nothing of it ran, and the table is the old one.
local function refused(pattern)
  local problem = publish_now()
  assert.equal("nobody", ran_as())
  assert.matches(pattern, problem or "published")
  assert.equal("3 old", psql "select count(*) || ' ' || max(name) from public.users")
end

local function owns_table()
  as_mallory(PAYLOAD)
  psql "grant create on schema public to mallory; alter table public.users owner to mallory"
end

describe("the owner of a published table", function()
  before_each(function()
    dsn = server.get():database()
    psql(SETUP)
    owns_table()
  end)

  it("cannot have a CHECK run with our rights", function()
    as_mallory "alter table public.users add constraint bad check (evil.check(id))"
    refused("constraint 'bad' of 'public.users' .*belongs to 'mallory'")
  end)

  it("nor one of functions of the server that run SQL", function()
    as_mallory [[alter table public.users add constraint sly
      check (query_to_xml('select evil.note()', true, true, '') is not null)]]
    refused("constraint 'sly' of 'public.users' was written by its owner 'mallory'")
  end)

  it("nor a CHECK through a cast, an operator or a domain", function()
    as_mallory [[
      create type evil.box as (v text);
      create function evil.box(v text) returns evil.box language plpgsql immutable as
        $$ begin perform evil.note(); return row(v)::evil.box; end $$;
      create cast (text as evil.box) with function evil.box(text);
      alter table public.users add constraint casts check ((name::evil.box) is not null)]]
    refused "constraint 'casts'"
    as_mallory [[
      alter table public.users drop constraint casts;
      create operator evil.@@@ (rightarg = text, function = evil.text);
      alter table public.users add constraint operators check (operator(evil.@@@) name is not null)]]
    refused "constraint 'operators'"
    as_mallory [[
      alter table public.users drop constraint operators;
      create domain evil.name as text check (evil.check(value));
      alter table public.users add constraint domains check (name::evil.name is not null)]]
    refused "constraint 'domains'"
  end)

  it("keeps a CHECK that cannot do anything", function()
    as_mallory [[alter table public.users
      add constraint fine check (id > 0 and length(name) < 9 and note in ('n', 'o'))]]
    kept "select from pg_constraint where conname = 'fine' and convalidated"
  end)

  it("cannot have a generated column run with our rights", function()
    as_mallory "alter table public.users add column up text generated always as (evil.text(name)) stored"
    refused "generated column 'up' of 'public.users'"
    as_mallory [[alter table public.users drop column up;
      alter table public.users add column up text generated always as (upper(name)) stored]]
    psql "select 1"
    kept("select from public.users where up = 'NEW'")
  end)

  it("has expression and partial indexes, exclusions and statistics built with rights of its own", function()
    as_mallory [[
      create index expressed on public.users (evil.text(name));
      create index part on public.users (id) where evil.check(id);
      alter table public.users add constraint apart exclude using btree (evil.text(id::text) with =);
      create statistics public.st on evil.text(name), id from public.users;
      analyze public.users]]
    kept([[select where 3 = (select count(*) from pg_class where relname in ('expressed', 'part', 'apart'))
      and exists (select from pg_statistic_ext where stxname = 'st')]], "mallory")
    assert.equal("mallory", psql "select pg_get_userbyid(relowner) from pg_class where oid = 'public.users'::regclass")
  end)

  it("has defaults, policies, rules and triggers made again, and none of it run", function()
    as_mallory [[
      alter table public.users alter column note set default evil.text('x');
      alter table public.users enable row level security;
      alter table public.users force row level security;
      create policy p on public.users using (evil.check(id)) with check (evil.check(id));
      create rule r as on update to public.users where evil.check(new.id) do also select evil.note();
      create trigger t before insert on public.users for each row when (evil.check(new.id))
        execute function evil.fire()]]
    kept [[select where exists (select from pg_policy where polname = 'p') and exists (select from pg_trigger
      where tgname = 't') and exists (select from pg_rewrite where rulename = 'r')]]
  end)

  it("cannot have a foreign key run with our rights", function()
    as_mallory [[
      create type evil.word as enum ('a');
      create table evil.words (w text primary key);
      insert into evil.words values ('n');
      create function evil.cast(t evil.word) returns text language plpgsql immutable as
        $$ begin perform evil.note(); return 'n'; end $$;
      create cast (evil.word as text) with function evil.cast(evil.word) as implicit;
      alter table public.users alter column note type evil.word using 'a';
      alter table public.users add constraint words foreign key (note) references evil.words]]
    refused "foreign key 'words' of 'public.users' uses the cast"
  end)
end)

describe("one who may read a published table", function()
  before_each(function()
    dsn = server.get():database()
    psql(SETUP)
    as_mallory(PAYLOAD)
    psql "grant select on public.users to mallory"
  end)

  it("has a materialized view filled with rights of its own", function()
    as_mallory [[create materialized view evil.m as select id, evil.text(name) as name from public.users;
      create index on evil.m (evil.text(name));]]
    kept("select from evil.m where name = 'new'", "mallory")
  end)

  it("also over a view, and where that has to be made late", function()
    as_mallory [[
      create view evil.v as select id, evil.text(name) as name from public.users;
      create materialized view evil.m as select * from evil.v]]
    kept("select from evil.m where name = 'new'", "mallory")
    as_mallory [[create function evil.first() returns setof public.users language sql as 'select * from public.users';
      create materialized view evil.late as select evil.text(name) as name from evil.first()]]
    kept("select from evil.late where name = 'new'", "mallory")
  end)

  it("or has it refused where it may not read the table any more", function()
    as_mallory "create materialized view evil.m as select evil.text(name) as name from public.users"
    psql "revoke select on public.users from mallory"
    refused "cannot publish 'evil.m': its owner 'mallory' cannot fill it: permission denied"
  end)

  it("has an unpopulated one left so", function()
    as_mallory "create materialized view evil.m as select evil.text(name) as name from public.users with no data"
    psql "revoke select on public.users from mallory"
    kept "select from pg_class where relname = 'm' and not relispopulated"
  end)

  it("has views, their rules and triggers made again, and none of it run", function()
    as_mallory [[
      create view evil.v as select id, evil.text(name) as name, evil.check(id) from public.users;
      alter view evil.v alter column name set default evil.text('x');
      create trigger t instead of insert on evil.v for each row execute function evil.fire();
      create rule r as on update to evil.v do instead select evil.note()]]
    kept "select from pg_views where schemaname = 'evil' and viewname = 'v' and viewowner = 'mallory'"
  end)

  it("cannot get into a materialized view of ours by a view, a function or a policy of its own", function()
    as_mallory "create view evil.v as select id, evil.text(name) as name from public.users"
    psql [[create materialized view public.m as select * from evil.v with no data;
      set check_function_bodies = off; refresh materialized view public.m]]
    refused "its query of 'public.m' uses .*evil.* belongs to 'mallory'"
    psql "drop materialized view public.m"
    as_mallory [[create table evil.t (id bigint); alter table evil.t enable row level security;
      create policy p on evil.t using (evil.check(id)); grant select on evil.t to public]]
    psql "create materialized view public.m as select * from public.users where id not in (select id from evil.t)"
    refused "its query of 'public.m' uses .*evil.* belongs to 'mallory'"
  end)

  it("cannot get into an index or a CHECK of ours by a function of its own", function()
    psql "create index ours on public.users (evil.text(name))"
    refused "index 'ours' of 'public.users' uses function evil.text%(text%), which belongs to 'mallory'"
    psql "drop index ours; alter table public.users add constraint ours check (evil.check(id))"
    refused "constraint 'ours' of 'public.users' uses function evil.\"check\""
  end)
end)

describe("one with TRIGGER or REFERENCES on a published table", function()
  before_each(function()
    dsn = server.get():database()
    psql(SETUP)
    as_mallory(PAYLOAD)
    psql "grant trigger, references on public.users to mallory"
  end)

  it("has triggers made again, and not fired", function()
    as_mallory [[
      create trigger a after insert on public.users for each row when (evil.check(new.id)) execute function evil.fire();
      create trigger b after truncate on public.users execute function evil.fire();
      create constraint trigger c after insert or delete on public.users deferrable initially deferred
        for each row execute function evil.fire()]]
    kept "select where 3 = (select count(*) from pg_trigger where tgname in ('a', 'b', 'c'))"
  end)

  it("has a foreign key made again", function()
    as_mallory [[create table evil.child (u bigint references public.users, check (evil.check(u)));
      insert into evil.child values (1)]]
    kept "select from pg_constraint where contype = 'f' and conrelid = 'evil.child'::regclass and convalidated"
  end)

  it("cannot have a cast of its own run by the check of a foreign key, nor a policy by our look at it", function()
    as_mallory [[
      create type evil.number as enum ('1');
      create function evil.cast(v evil.number) returns bigint language plpgsql immutable as
        $$ begin perform evil.note(); return 1; end $$;
      create cast (evil.number as bigint) with function evil.cast(evil.number) as implicit;
      create domain evil.deep as evil.number;
      create table evil.child (u evil.deep references public.users);
      insert into evil.child values ('1')]]
    refused "foreign key 'child_u_fkey' of 'evil.child' uses the cast"
  end)
end)

describe("a role that is no superuser, and a member of the attacker's", function()
  local loader

  before_each(function()
    dsn = server.get():database()
    psql(SETUP)
    as_mallory(PAYLOAD)
    psql [[
      do $$ begin create role escalation_loader login; exception when duplicate_object then null; end $$;
      grant mallory to escalation_loader;
      grant create, usage on schema public to escalation_loader;
      grant select, references on public.users to mallory;
      alter table public.users owner to escalation_loader]]
    psql("grant create on database " .. dsn:match "dbname=(%S+)" .. " to escalation_loader")
    loader = dsn:gsub("user=%S+", "user=escalation_loader")
  end)

  local function publish_as_loader()
    psql "truncate public.owned"
    psql(NEW, loader)
    local conn <close> = connection.open { dsn = loader }
    local done, problem = pcall(function()
      local options = { build = "build_1", target = "public", tables = { "users" }, lock_wait = 5 }
      options.prepared = publish.prepare(conn, options)
      assert.equal("f f", psql [[select has_schema_privilege('mallory', 'build_1', 'create') || ' '
        || has_schema_privilege('mallory', 'build_1', 'usage')]]:gsub("false", "f"))
      conn:transaction(function()
        publish.swap(conn, options)
      end)
    end)
    psql("drop schema build_1 cascade", loader)
    return not done and tostring(problem) or nil
  end

  it("fills materialized views as their owner, and lends it nothing for longer", function()
    as_mallory "create materialized view evil.m as select id, evil.text(name) as name from public.users"
    assert.is_nil(publish_as_loader())
    assert.equal("mallory", ran_as())
    assert.equal("5", psql "select count(*) from evil.m where name = 'new'")
  end)

  it("builds indexes of a table of the attacker's as that one", function()
    psql "grant create on schema public to mallory; alter table public.users owner to mallory"
    as_mallory "create index on public.users (evil.text(name))"
    assert.is_nil(publish_as_loader())
    assert.equal("mallory", ran_as())
    assert.equal("mallory new", psql [[
      select pg_get_userbyid(relowner) || ' ' || (select max(name) from public.users)
      from pg_class where oid = 'public.users'::regclass]])
  end)

  it("does not look at a referencing table through a policy of the attacker's", function()
    as_mallory [[create table evil.child (u bigint references public.users); insert into evil.child values (1);
      alter table evil.child enable row level security; alter table evil.child force row level security;
      create policy p on evil.child using (evil.check(u))]]
    local problem = publish_as_loader()
    assert.equal("nobody", ran_as())
    assert.matches("cannot publish 'evil.child': foreign key 'child_u_fkey': query would be affected by row%-level",
      problem or "published")
  end)
end)
