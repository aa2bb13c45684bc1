-- A table that is read by its name may be a view that somebody put there, or have policies: what they call would run
-- with the rights of who reads. Each attack is mounted as the role it needs, and seen to work on the server's own psql.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local dsn, folder

local function psql(sql, role)
  return server.psql(sql, role and dsn:gsub("user=%S+", "user=" .. role) or dsn)
end

local function run(role, ...)
  return pghost.run({ "--dsn", (dsn:gsub("user=%S+", "user=" .. role)), ... }, { cd = folder })
end

local setup = [[
  do $$ begin create role mallory login; exception when duplicate_object then null; end $$;
  do $$ begin create role reader login; exception when duplicate_object then null; end $$;
  create schema evil authorization mallory; grant create on schema public to mallory;
  create table public.owned (who text); grant insert on public.owned to public;
  create table public.real (k text); insert into public.real values ('a');
  grant select on public.real to mallory, reader]]

-- In a read-only transaction nothing can be noted in a table: the name of the session can.
local payload = [[
  create function evil.f(v text) returns text language plpgsql immutable as $$
  begin
    perform set_config('application_name', 'owned', false);
    begin insert into public.owned values (current_user); exception when others then null; end;
    raise exception 'code of mallory runs as %', current_user;
  end $$;
  create function evil.g(v text) returns boolean language plpgsql immutable as $$
  begin perform evil.f(v); return true; end $$;
  grant usage on schema evil to public;
  create view public.t as select evil.f(k) as k from public.real;
  create table evil.policed (k text); insert into evil.policed values ('a');
  alter table evil.policed enable row level security; create policy p on evil.policed using (evil.g(k));
  create table evil.plain as select 'a' as k;
  create materialized view evil.stored as select 'a' as k;
  grant select on public.t, evil.policed, evil.plain, evil.stored to public]]

describe("what a role that is not trusted has written", function()
  fixture.each(function(keep)
    dsn, folder = server.get():database(), keep(pghost.folder())
    psql(setup)
    psql(payload, "mallory")
    psql "create view public.ours as select k from public.t; create view public.fine as select k from public.real"
    psql "grant select on public.ours, public.fine to reader"
  end)

  it("would run: the trap works", function()
    for role, relation in pairs { postgres = "public.t", reader = "evil.policed" } do
      local done, problem = pcall(psql, "select * from " .. relation, role)
      assert.is_false(done)
      assert.matches("code of mallory runs as " .. role, tostring(problem), 1, true)
    end
  end)

  for _, command in ipairs { "profile", "export" } do
    it("is not run by pghost " .. command, function()
      for _, case in ipairs { { "postgres", "t", "view 't'" }, { "postgres", "ours", "view 't'" },
        { "reader", "t", "view 't'" }, { "reader", "evil.policed", "policy 'p'" } } do
        local out, err, code = run(case[1], command, case[2])
        assert.same({ "", 1 }, { out, code })
        assert.matches(("would run code of 'mallory' with the rights of '%s' (%s): if you trust it, give the query")
          :format(case[1], case[3]), err, 1, true)
      end
    end)

    it("is not in the way of pghost " .. command, function()
      for _, case in ipairs { { "postgres", "fine" }, { "reader", "fine" }, { "postgres", "evil.plain" },
        { "reader", "evil.stored" }, { "postgres", "evil.stored" } } do
        local out, err, code = run(case[1], command, case[2])
        assert.equal(0, code, err)
        assert.matches("a", out, 1, true)
      end
      local _, err = run("postgres", command, "SELECT * FROM public.t") -- the user says what is read
      assert.matches("code of mallory runs as postgres", err, 1, true)
    end)
  end

  it("is not run by the checks of a project", function()
    pghost.write(folder .. "/p.lua", [[
      local check = require "pghost.check"
      local run <close> = require("pghost.pipeline").start("p", { data = "." })
      run:check { check.not_null("t.k"), check.references("real.k", "t.k"), check.not_empty("real") }
    ]])
    local out, err, code = run("postgres", "check", "p.lua")
    assert.same({ 1, "" }, { code, err })
    assert.matches("reading \"public\".\"t\" would run code of 'mallory'", out, 1, true)
    assert.matches("1 ok, 0 warned, 0 failed, 2 could not be run", out, 1, true)
    assert.not_matches("code of mallory runs", out .. err, 1, true)
  end)
end)
