-- Who may hang something on a partition of a published table tries to have it run with the rights of the role that adds
-- to the table. `owned` holds who ran it.

local projects = require "support.project"
local server = require "support.server"

local script = [[
local r = require "pghost.rules"
local run <close> = require("pghost.pipeline").start("parts", { data = ".", as_of = "2026-03-01" })
run:load("item", "*.csv", r.table("item", { { "id", r.bigint():required() }, { "day", r.date():required() },
  { "v", r.text() } }, { key = { "id", "day" } }), { mode = "MODE", partition = { by = "month", column = "day" } })
run:publish()
]]

local setup = [[
  do $$ begin create role mallory login; exception when duplicate_object then null; end $$;
  create schema evil authorization mallory;
  grant create on schema public to mallory;
  create table public.owned (who text); grant insert on public.owned to public;
  grant trigger, select on item, item_p2026_01 to mallory]]

local payload = [[
  create function evil.note() returns void language plpgsql as
    $$ begin insert into public.owned values (current_user); end $$;
  create function evil.fire() returns trigger language plpgsql as $$ begin perform evil.note(); return new; end $$;
  create function evil.valid(v text) returns boolean language plpgsql as
    $$ begin perform evil.note(); return true; end $$;
  create function evil.text(v text) returns text language plpgsql immutable as
    $$ begin perform evil.note(); return v; end $$;
  grant usage on schema evil to public]]

local attacks = {
  trigger = { "create trigger x before insert on public.item_p2026_01 for each row execute function evil.fire()",
    "trigger 'x' of 'public.item_p2026_01' uses function evil.fire(), which belongs to 'mallory'" },
  CHECK = { "alter table public.item_p2026_01 add constraint cc check (evil.valid(v))",
    "constraint 'cc' of 'public.item_p2026_01' uses function evil.valid(text), which belongs to 'mallory'", true },
  index = { "create index on public.item_p2026_01 (evil.text(v))",
    "index 'item_p2026_01_text_idx' of 'public.item_p2026_01' uses function evil.text(text)", true },
}

describe("what somebody hangs on a partition", function()
  local here

  before_each(function()
    here = projects.new {}
  end)

  after_each(function()
    here:remove()
  end)

  local function as_mallory(sql)
    server.psql(sql, (here.dsn:gsub("user=%S+", "user=mallory")))
  end

  local function begin(mode)
    here:write("a.csv", "id,day,v\n1,2026-01-05,a\n2,2026-02-05,b\n")
    here:write("p.lua", (script:gsub("MODE", mode)))
    here:must(0, "p.lua")
    server.psql(setup, here.dsn)
    as_mallory(payload)
    here:write("b.csv", "id,day,v\n3,2026-01-06,c\n")
  end

  for name, attack in pairs(attacks) do
    for _, mode in ipairs { "append", "merge" } do
      it(("is not run by %s: its %s"):format(mode, name), function()
        begin(mode)
        if attack[3] then
          server.psql("alter table item_p2026_01 owner to mallory", here.dsn)
        end
        as_mallory(attack[1])
        server.psql("truncate owned", here.dsn)
        local _, err, code = here:pghost("p.lua")
        assert.equal(1, code, err)
        assert.matches(attack[2], err, 1, true)
        assert.equal("0", here:ask "select count(*) from owned")
        assert.equal("2", here:ask "select count(*) from item")
      end)
    end
  end

  it("is run by an insert of the superuser's: the trap works", function()
    begin "append"
    as_mallory(attacks.trigger[1])
    server.psql("insert into item (id, day, v) values (9, '2026-01-07', 'x')", here.dsn)
    assert.equal("postgres", here:ask "select string_agg(who, ',') from owned")
  end)
end)
