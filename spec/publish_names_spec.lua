-- Names that publishing looks up: a schema that comes before pg_catalog has a copy of every function,
-- operator and type of the server, each of which notes that it was called. None may be.

local build_schema = require "pghost.run.build_schema"
local adoption = require "pghost.publish.adoption"
local connection = require "pghost.connection"
local dry_run = require "pghost.publish.dry_run"
local publish = require "pghost.publish.swap"
local fixture = require "support.fixture"
local server = require "support.server"
local shown = require "support.shown"

local SETUP = [[
create table public.users (id bigint primary key, name varchar(9), tags text[], doc json, kind "char");
insert into public.users values (1, 'a', '{x}', '{}', 'k');
create table public.other (u integer references public.users, name varchar(9));
insert into public.other values (1, 'a');
create index on public.users (lower(name));
create unique index on public.users (name) where id > 0;
alter table public.users add constraint c check (length(name) < 9 and name in ('a', 'b') and id between 0 and 9);
alter table public.users alter column name set default 'a' || 'b';
create statistics public.st on (id + 1), name from public.users;
create view public.v as select id, upper(name) as up, name || 'x' as plus, sum(id) over () as s,
  id is distinct from 2 as other, nullif(name, 'b') as n, case name when 'a' then 1 end as c from public.users;
create materialized view public.m as select count(*) as n, string_agg(name, ',') as names
  from public.v join public.users using (id);
create table public.parent (id bigint primary key); insert into public.parent values (1), (2);
alter table public.users add constraint fk foreign key (id) references public.parent;
alter table public.users enable row level security;
create policy p on public.users using (id = 1);
create function public.total() returns bigint language sql begin atomic select count(*) from public.users; end;
create sequence public.called;
create function public.pghost_note() returns void language plpgsql as $$
begin perform pg_catalog.nextval('public.called'::pg_catalog.regclass); end $$;
create schema build_1;
create table build_1.users (id bigint primary key, name varchar(9), tags text[], doc json, kind "char");
insert into build_1.users values (1, 'a', '{x}', '{}', 'k'), (2, 'b', '{y}', '{}', 'l');
]]

-- Copies of whatever has a signature that a user can write down.
local SHADOWS = [[
do $do$
declare f record;
begin
  for f in select p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments,
      pg_catalog.format_type(p.prorettype, null) as result, p.oid
    from pg_catalog.pg_proc as p where p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace and p.prokind = 'f'
      and not exists (select from pg_catalog.unnest(p.proargtypes) as a (t) join pg_catalog.pg_type as y on y.oid = a.t
        where y.typname in ('internal', 'cstring', 'any', 'trigger', 'event_trigger', 'fdw_handler'))
      and p.prorettype not in (select oid from pg_catalog.pg_type where typname in ('internal', 'cstring', 'trigger',
        'event_trigger', 'language_handler', 'index_am_handler', 'record', 'fdw_handler', 'tsm_handler',
        'table_am_handler', 'void', 'unknown'))
      and not p.proretset and p.proargmodes is null
  loop
    begin
      execute pg_catalog.format('create function public.%I(%s) returns %s language plpgsql as %L', f.proname,
        f.arguments, f.result, 'begin perform public.pghost_note(); return null; end');
    exception when others then null;
    end;
  end loop;
  for f in select o.oprname, p.proname, pg_catalog.format_type(o.oprleft, null) as l,
      pg_catalog.format_type(o.oprright, null) as r
    from pg_catalog.pg_operator as o join pg_catalog.pg_proc as p on p.oid = o.oprcode where o.oprleft <> 0
  loop
    begin
      execute pg_catalog.format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.%I)',
        f.oprname, f.l, f.r, f.proname);
    exception when others then null;
    end;
  end loop;
  for f in select t from pg_catalog.unnest('{text,name,oid,regclass,timestamptz,json,jsonb,int8,int4,int2,bool}'
      ::pg_catalog.text[]) as t
  loop
    execute pg_catalog.format('create domain public.%I as pg_catalog.%I check (public.pghost_note() is not null)', f.t,
      f.t);
  end loop;
end $do$;
create aggregate public.count(*) (sfunc = pg_catalog.int8inc, stype = pg_catalog.int8, initcond = '41');
]]

local function settings_of(conn)
  conn:exec "SET search_path = public, pg_catalog"
  return conn
end

describe("publishing", function()
  local dsn, conn

  local function called()
    return conn:query("SELECT is_called FROM public.called")[1].is_called
  end

  fixture.once(function(keep)
    dsn = server.get():database()
    local setup_conn <close> = connection.open { dsn = dsn }
    setup_conn:exec(SETUP)
    setup_conn:exec "SET search_path = pg_catalog"
    require("pghost.run.schema").migrate(setup_conn)
    setup_conn:exec(SHADOWS)
    assert.is_true(setup_conn:query([[SELECT count(*) AS n FROM pg_proc
      WHERE pronamespace = 'public'::regnamespace]])[1].n > 1500)
    assert.is_true(setup_conn:query([[SELECT count(*) AS n FROM pg_operator
      WHERE oprnamespace = 'public'::regnamespace]])[1].n > 500)
    conn = keep(settings_of(connection.open { dsn = dsn }))
  end)

  it("would be caught by the copies, if it used them", function()
    pcall(conn.query, conn, "SELECT lower('x'::varchar(9)), 1::bigint = 1::bigint")
    assert.is_true(called())
    conn:exec "ALTER SEQUENCE public.called RESTART"
    assert.is_false(called())
  end)

  it("looks into a named build schema, clears it and makes its own without them", function()
    conn:exec "CREATE SCHEMA named; CREATE TABLE named.x (a pg_catalog.int8)"
    local run = { conn = conn, id = 5, target = "public", build = "named", builds_in_named = true,
      settings = { build_schema = "" } }
    build_schema.remove_own(run)
    assert.equal(0, conn:query([[SELECT pg_catalog.count(*) AS n FROM pg_catalog.pg_class
      WHERE relnamespace OPERATOR(pg_catalog.=) 'named'::pg_catalog.regnamespace]])[1].n)
    run.build = "pghost_build_5"
    build_schema.make(run)
    assert.is_false(called())
  end)

  it("compares a dry run without them", function()
    local out = shown.sink()
    local run = { conn = conn, target = "public", build = "build_1", tables = { "users" }, changes = {}, exchanges = {},
      retentions = {}, out = out, log = { info = function() end } }
    dry_run.report(run)
    assert.matches("users *|? *2 *|? *1 *|? *0 *|? *0 *|? *key", out.text)
    assert.is_false(called())
  end)

  it("asks whose table it is without them", function()
    local run = { conn = conn, target = "public", settings = {}, log = { warn = function() end } }
    assert.matches("was not published by pghost", tostring(select(2, pcall(adoption.check, run, { "users" }))))
    adoption.adopt(conn, "public", "users")
    adoption.check(run, { "users" })
    adoption.warn_of_publications(run)
    assert.is_false(called())
  end)

  it("carries everything over without them, and what it carries over means the same", function()
    local function definition() -- the server itself looks up operators by the search path for it
      return server.shell(("psql -X -A -t -d '%s' -c \"set search_path = pg_catalog\" -c '\\d+ public.v'"):format(dsn))
    end
    local before = definition()
    local options = { build = "build_1", target = "public", tables = { "users" }, lock_wait = 5 }
    options.prepared = publish.prepare(conn, options)
    conn:transaction(function()
      publish.swap(conn, options)
    end)
    assert.is_false(called())
    assert.equal(before, definition())
    assert.equal(2, conn:query("SELECT n FROM public.m")[1].n)
    assert.is_false(called())
  end)
end)
