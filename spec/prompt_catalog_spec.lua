-- \d and its like at the prompt say what psql's say.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local prompt = require "support.prompt"
local server = require "support.server"

local made = [[
create schema other;
create type mood as enum ('sad', 'ok');
create table town (id int primary key, name text not null unique, mood mood default 'ok', area numeric(10, 2)
  check (area > 0), code varchar(5) collate "C", born timestamptz default now());
create index town_lower on town (lower(name)) where id > 5;
create unique index town_code on town (code, id desc);
comment on table town is 'places where people live';
comment on column town.name is 'as on the map';
create table person (id bigint generated always as identity primary key, town int references town (id)
  on delete cascade deferrable initially deferred, full_name text generated always as ('x' || town::text) stored);
create table other."Odd Name" (like town including all, "a""b" int, period tsrange,
  exclude using gist (period with &&));
create table part (id int, day date, primary key (id, day)) partition by range (day);
create table part_2024 partition of part for values from ('2024-01-01') to ('2025-01-01');
create table part_rest partition of part default;
create table heir (more int) inherits (person);
create unlogged table fleeting (n smallint);
create view living as select id, name from town where id > 1;
create materialized view counted as select count(*) as n from town;
create sequence steps start 5 increment 2;
create function hello(name text, times int default 1) returns text language sql as $$ select name $$;
create function fire() returns trigger language plpgsql as $$ begin return new; end $$;
create procedure go() language sql as $$ select 1 $$;
create aggregate tot(int) (sfunc = int4pl, stype = int);
create trigger before_town before insert or update on town for each row execute function fire();
create policy mine on person for select using (id > 0);
create policy all_of on person as restrictive to postgres with check (id > 1);
alter table person enable row level security;
create policy off on fleeting using (true);
alter table heir enable row level security;
create policy forced on town for delete using (true);
alter table town enable row level security;
alter table town force row level security;
]]

describe("the prompt's commands about the catalog", function()
  local dsn, name, home

  fixture.once(function(keep)
    dsn, name = server.get():database(made)
    home = keep(pghost.folder())
  end)

  local function feed(...)
    return prompt.feed(home, { ... }, ("--dsn '%s'"):format(dsn))
  end

  local function psql(command, options)
    local out, err = pghost.shell(("PGOPTIONS= psql -X %s -d '%s'"):format(options or "", dsn), command .. "\n")
    assert.equal("", err)
    return out
  end

  -- Rows of cells of a table with | between them, without the lines that have none.
  local function cells(text)
    local rows = {}
    for line in text:gmatch("[^\n]+") do
      if line:find("|", 1, true) then
        local row = {}
        for cell in (line .. "|"):gmatch("%s*(.-)%s*|") do
          row[#row + 1] = cell
        end
        rows[#rows + 1] = row
      end
    end
    return rows
  end

  -- Columns of psql's list by their names, ours by position.
  local function same_list(command, names)
    local theirs, ours = cells(psql(command, "--pset=border=1 --pset=footer=off")), cells((feed(command)))
    local at = {}
    for i, title in ipairs(theirs[1]) do
      at[title] = i
    end
    local expected = {}
    for i = 2, #theirs do
      expected[i - 1] = {}
      for k, title in ipairs(names) do
        expected[i - 1][k] = assert(theirs[i][assert(at[title], title)])
      end
    end
    table.remove(ours, 1)
    assert.same(expected, ours)
    assert.is_true(#ours > 0)
  end

  it("\\d, \\dt, \\di, \\dv list relations as psql does", function()
    local names = { "Schema", "Name", "Type", "Owner" }
    same_list("\\d", names)
    same_list("\\dt", names)
    same_list("\\dt other.*", names)
    same_list("\\dt t*n", names)
    same_list("\\dt part?2024", names)
    same_list('\\dt other."Odd Name"', names)
    same_list("\\dt TOWN", names)
    same_list("\\dt pg_catalog.pg_clas?", names)
    same_list("\\di", { "Schema", "Name", "Type", "Owner", "Table" })
    same_list("\\di other.*", { "Schema", "Name", "Type", "Owner", "Table" })
    same_list("\\dt+ town", { "Schema", "Name", "Type", "Owner", "Size", "Description" })
  end)

  it("\\df, \\l, \\dn list functions, databases and schemas as psql does", function()
    local names = { "Schema", "Name", "Result data type", "Argument data types", "Type" }
    same_list("\\df", names)
    same_list("\\df hel*", names)
    same_list("\\df pg_catalog.lower*", names)
    same_list("\\l " .. name, { "Name", "Owner", "Encoding", "Collate", "Ctype", "Access privileges" })
    same_list("\\dn", { "Name", "Owner" })
  end)

  -- The columns as cells, and the lines below them.
  local function details(text)
    local rows, footers = cells((text:gsub("\n[ %-+]+\n", "\n", 1):gsub("\n%a[^|]*$", "")
      :gsub("\n%a[^\n]*:\n.*$", ""))), {}
    table.remove(rows, 1)
    for line in text:gmatch("[^\n]+") do
      if #footers > 0 or (line:find("^%a[%a%- ]*:") and not line:find("|", 1, true)) then
        footers[#footers + 1] = line
      end
    end
    return rows, footers
  end

  it("\\d NAME has the columns, keys, indexes and all that hangs on a relation as psql has it", function()
    for _, one in ipairs { "town", "person", 'other."Odd Name"', "part", "part_2024", "part_rest", "heir", "fleeting",
      "living", "counted" } do
      local rows, footers = details(psql("\\d " .. one))
      local our_rows, our_footers = details((feed("\\d " .. one)))
      assert.same(rows, our_rows, one)
      assert.same(footers, our_footers, one)
    end
  end)

  it("\\d NAME shows sequences and indexes, \\d+ also comments and the definition of a view", function()
    local out = feed("\\d steps", "\\d town_lower", "\\d+ town", "\\d+ living")
    for _, text in ipairs { 'Sequence "public.steps"\n type   | start |', "\n bigint |     5 |       1 |",
      'Index "public.town_lower"\n name  | type | definition\n', "\n lower | text | lower(name)\n",
      'btree, for table "public.town", predicate (id > 5)\n', "as on the map", "Comment: places where people live\n",
      "View definition:\n SELECT town.id," } do
      assert.truthy(out:find(text, 1, true), text .. "\n---\n" .. out)
    end
  end)

  it("says when nothing has the name, with the name that may be meant", function()
    local out, err = feed("\\d twon", "\\dt nothing*", "\\dq", "\\df+ x", "\\d a b", "\\dt 'a")
    assert.equal("no table matches 'nothing*'\n", out)
    assert.equal("pghost: no relation 'twon': did you mean 'town'?\n"
      .. "pghost: unknown command '\\dq': did you mean '\\d'?\n"
      .. "pghost: \\df has no form with +\npghost: \\d: one word too many: 'b' (\\d [NAME])\n"
      .. "pghost: no closing single quote in 'a\n", err)
  end)
end)
