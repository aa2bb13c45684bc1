-- pghost load on a real server, against psql's \copy wherever both do the same work.

local here = require "support.load_command"
local pghost = require "support.pghost"

local write, psql, load, must_load, must_fail = here.write, here.psql, here.load, here.must_load, here.must_fail

here.each()

describe("a table that a load has made or emptied itself", function()
  it("leaves nothing to its first reader or to VACUUM", function()
    write("f.csv", "id,name\n1,a\n2,b\n")
    psql "CREATE EXTENSION pg_visibility; CREATE TABLE item (id int, name text); INSERT INTO item VALUES (0, 'old')"
    must_load { "f.csv", "--into", "made", "--create" }
    must_load { "f.csv", "--into", "item", "--truncate" }
    assert.equal("t|t", psql [[SELECT (SELECT bool_and(all_frozen) FROM pg_visibility('made')),
      (SELECT bool_and(all_frozen) FROM pg_visibility('item'))]])
    must_load { "f.csv", "--into", "item" }
    psql [[CREATE TABLE parts (id int, name text) PARTITION BY RANGE (id);
      CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9)]]
    must_load { "f.csv", "--into", "parts", "--truncate" }
    assert.equal("4|2", psql "SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM parts)")
  end)
end)

-- Equivalence -------------------------------------------------------------------------------------

-- Each: what it is about, columns of the table, the file; `refused`: neither takes it; `zone`: of the
-- database.
local cases = {
  { "text, NULL and ''", "a text, b text", 'a,b\nx,y\n,""\n"",\n" x ", y \n' },
  { "quoted line ends, quotes and delimiters", "a text, b text", 'a,b\n"1\n2","x""y"\n"a,b",c\n"\r\n",d\n' },
  { "CRLF", "a int, b text", "a,b\r\n1,x\r\n2,\r\n" },
  { "no line end at the end", "a int, b text", "a,b\n1,x" },
  { "nothing below the header", "a int", "a\n", empty = true },
  { "one column with empty lines", "a text", 'a\nx\n\n""\n' },
  { "columns in another order", "a int, b text, c date", "c,a,b\n2024-02-29,1,x\n" },
  { "numbers", "a smallint, b int, c bigint, d numeric(10,2), e numeric, f real, g double precision",
    "a,b,c,d,e,f,g\n-32768,+2147483647,9223372036854775807,1.005,1e-20,1.1,0.1\n"
    .. " 1 ,2,3,-0.005,NaN,Infinity,-1e300\n" },
  { "a number out of range", "a smallint", "a\n32768\n", refused = true },
  { "numeric too big for its precision", "a numeric(3,1)", "a\n99.95\n", refused = true },
  { "no number", "a int", "a\n1x\n", refused = true },
  { "an empty string that is no number", "a int", 'a\n""\n', refused = true },
  { "booleans", "a boolean", "a\ntrue\nf\nYES\n0\n" },
  { "dates and times", "a date, b time, c timestamp, d time(1), e timestamp(2), f interval(1), g timestamp(0)[]",
    "a,b,c,d,e,f,g\n2024-02-29,23:59:59.999999,2024-01-01T10:00:00,10:00:00.25,2024-01-01 00:00:00.005,"
    .. "1 day 00:00:01.25,"
    .. '"{2024-01-01 00:00:00.5,NULL}"\n' },
  { "a day that does not exist", "a date", "a\n2023-02-29\n", refused = true },
  { "timestamptz where the zone is not UTC", "a timestamptz, b timetz",
    "a,b\n2024-07-01 12:00:00,12:00:00\n2024-07-01 12:00:00+00,12:00:00+03\n", zone = "Europe/Berlin" },
  { "timestamptz in UTC", "a timestamptz", "a\n2024-07-01 12:00:00\n2024-07-01 12:00:00+0530\n" },
  { "lengths", "a varchar(3), b char(4), c bpchar, d \"char\", e name", "a,b,c,d,e\nabc   ,ab,x  ,q,n\n" },
  { "too long", "a varchar(3)", "a\nabcd\n", refused = true },
  { "uuid, json, bytea, inet, arrays", "a uuid, b json, c jsonb, d bytea, e inet, f int[], g text[]",
    'a,b,c,d,e,f,g\na0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,"{""a"": [1, 2]}","{""b"":1,""b"":2}",\\x00ff,10.0.0.1/8,'
    .. '"{1,NULL}",'
    .. '"{""x,y"",z}"\n' },
  { "types that only the server knows", "a point, b xml, c money, d bit(3), e int4range, f text",
    'a,b,c,d,e,f\n"(1,2)",<a>x</a>,12.5,101,"[1,5)","tab\there \\N \\ \n"\n,,,,,\\N\n' },
  { "a value that only the server refuses", "a point", "a\nxyz\n", refused = true },
  { "enum and domains", "a mood, b positive, c short", "a,b,c\nhappy,1,ab\nso so,,\n" },
  { "no label of the enum", "a mood", "a\nHappy\n", refused = true },
  { "a domain's check", "a positive", "a\n0\n", refused = true },
  { "a domain's length", "a short", "a\nabcd\n", refused = true },
  { "defaults", "a int, b text default 'd', c int default 5", "a\n1\n2\n" },
  { "NULL is not the default", "a int, b text default 'd'", "a,b\n1,\n" },
  { "identity, given and not", "a int, b int generated always as identity", "b,a\n7,1\n" },
  { "identity left out", "a int, b int generated always as identity", "a\n1\n2\n" },
  { "generated", "a int, b int generated always as (a * 2) stored", "a\n1\n2\n" },
  { "generated in the header", "a int, b int generated always as (a * 2) stored", "a,b\n1,2\n", refused = true },
  { "NOT NULL without a value", "a int, b int not null", "a\n1\n", refused = true },
  { "NOT NULL and a null", "a int, b int not null", "a,b\n1,\n", refused = true },
  { "NOT NULL that a trigger fills", "a int, b int not null", "a\n1\n2\n",
    more = "CREATE TRIGGER f BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION public.fill_b()" },
  { "a unique key", "a int primary key", "a\n1\n1\n", refused = true },
  { "a check", "a int check (a > 1)", "a\n1\n", refused = true },
  { "too few fields", "a int, b int", "a,b\n1,2\n1\n", refused = true },
  { "too many fields", "a int, b int", "a,b\n1,2,3\n", refused = true },
  { "an unterminated quote", "a text", 'a\n"x\n', refused = true },
  { "not UTF-8", "a text", "a\n\xff\n", refused = true },
  { "names that need quotes", '"A b" int, "select" int, "Ä" int', '"A b",select,Ä\n1,2,3\n' },
  { "a partitioned table", "a int, b text", "a,b\n1,x\n100,y\n", partitioned = true },
  { "no partition for it", "a int, b text", "a,b\n1000,x\n", partitioned = true, refused = true },
  { "a semicolon and another quote", "a text, b text", "a;b\n'x;y';\"z\"\n",
    words = { "--delimiter", ";", "--quote", "'" }, copy = "delimiter ';' quote ''''" },
  { "tabs", "a text, b text", "a\tb\nx y\tz\n", words = { "--delimiter", "tab" }, copy = "delimiter E'\\t'" },
  { "no header", "a int, b text, g int generated always as (a) stored", "1,x\n2,y\n", words = { "--no-header" },
    headerless = true },
  { "no header and too few columns", "a int, b text", "1\n2\n", words = { "--no-header" }, headerless = true,
    refused = true },
}

local setup_sql = [[
  CREATE SCHEMA ours; CREATE SCHEMA theirs;
  CREATE TYPE mood AS ENUM ('happy', 'so so');
  CREATE DOMAIN positive AS int CHECK (VALUE > 0);
  CREATE DOMAIN short0 AS varchar(3); CREATE DOMAIN short AS short0;
  CREATE FUNCTION fill_b() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.b := NEW.a + 1; RETURN NEW; END';
]]

-- A table for case `i` in both schemas.
local function create(case, i)
  local statements = {}
  for _, schema in ipairs { "ours", "theirs" } do
    local name = ("%s.t%d"):format(schema, i)
    statements[#statements + 1] = ("CREATE TABLE %s (%s)%s"):format(name, case[2],
      case.partitioned and " PARTITION BY RANGE (a)" or "")
    for k, bounds in ipairs(case.partitioned and { "(0) TO (50)", "(50) TO (200)" } or {}) do
      statements[#statements + 1] = ("CREATE TABLE %s_%d PARTITION OF %s FOR VALUES FROM %s")
        :format(name, k, name, bounds)
    end
    statements[#statements + 1] = case.more and case.more:format(name)
  end
  return table.concat(statements, ";") .. ";"
end

-- The header as a list of columns for \copy.
local function column_list(case)
  if case.headerless then
    return ""
  end
  local names = {}
  for name in case[3]:match("^[^\r\n]*"):gmatch("[^,;\t]+") do
    names[#names + 1] = '"' .. name:gsub('"', "") .. '"'
  end
  return "(" .. table.concat(names, ",") .. ")"
end

local function psql_copy(case, i)
  return ("SET timezone = '%s';\n\\copy theirs.t%d %s from '%s/%d.csv' csv %s %s\n"):format(
    case.zone or "UTC", i, column_list(case), here.folder, i, case.headerless and "" or "header", case.copy or "")
end

describe("pghost load and psql's \\copy", function()
  it("give the same table, or refuse both and load nothing", function()
    local creation, copies, comparison = { setup_sql }, { "\\set ON_ERROR_STOP off\n" }, {}
    for i, case in ipairs(cases) do
      creation[i + 1], copies[i + 1] = create(case, i), psql_copy(case, i)
      comparison[i] = ("\\echo case %d\nCOPY (SELECT * FROM ours.t%d AS t ORDER BY t::text) TO STDOUT;\n"
        .. "\\echo against\n"
        .. "COPY (SELECT * FROM theirs.t%d AS t ORDER BY t::text) TO STDOUT;"):format(i, i, i)
      write(i .. ".csv", case[3])
    end
    psql(table.concat(creation))
    psql(table.concat(copies))
    for i, case in ipairs(cases) do
      local err, code = load({ i .. ".csv", "--into", "ours.t" .. i, "--workers", tostring(i % 3 + 1),
        table.unpack(case.words or {}) }, { env = "PGTZ=" .. (case.zone or "UTC") })
      assert.equal(case.refused and 1 or 0, code, case[1] .. ": " .. err)
    end
    local rows = "\n" .. psql(table.concat(comparison, "\n")) .. "\ncase "
    for i, case in ipairs(cases) do
      local ours, theirs = rows:match("\ncase " .. i .. "\n(.-)against\n(.-)\n?case ")
      assert.equal(theirs .. (theirs ~= "" and "\n" or ""), ours, case[1])
      assert.equal(case.refused or case.empty or false, theirs == "", case[1])
    end
  end)

  it("run triggers, also those of a view", function()
    psql [[
      CREATE TABLE base (a int, b text);
      CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO base VALUES (NEW.a * 2, NEW.b); RAISE NOTICE 'got %', NEW.a; RETURN NEW; END$$;
      CREATE VIEW v AS SELECT * FROM base;
      CREATE TRIGGER i INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION twice()]]
    write("f.csv", "a,b\n1,x\n2,\n")
    assert.matches("^notice: got 1\nnotice: got 2\nloaded 2 records", must_load { "f.csv", "--into", "v" })
    assert.equal("2|x\n4|", psql "SELECT * FROM base ORDER BY a")
    psql "DROP TRIGGER i ON v"
    must_fail(1, 'f.csv: cannot copy to view "v"', { "f.csv", "--into", "v" })
  end)

  it("give the same for a file of many blocks", function()
    psql(setup_sql .. [[
      CREATE TABLE ours.t (id bigint, at timestamp, price numeric(12,3), note text, flag boolean);
      CREATE TABLE theirs.t (LIKE ours.t)]])
    local path = here.folder .. "/f.csv"
    psql(([[
      COPY (SELECT i AS id, timestamp '2024-01-01' + i * interval '1 s' AS at, i / 7.0 AS price,
        CASE i %% 5 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE E'line "' || i || E'"\n,' || repeat('x', i %% 50) END AS note,
        i %% 3 = 0 AS flag
      FROM generate_series(1, 30000) AS i) TO STDOUT (FORMAT csv, HEADER) \g %s]]):format(path))
    psql(("\\copy theirs.t from '%s' csv header"):format(path))
    local err = must_load { "f.csv", "--into", "ours.t" }
    assert.matches("^loaded 30,000 records from 1 file into ours.t in [%d.]+ s %(%d+ MB/s%)\n$", err)
    assert.equal("0", psql "SELECT count(*) FROM (SELECT * FROM ours.t EXCEPT ALL SELECT * FROM theirs.t) AS x")
    assert.equal("30000|t", psql [[SELECT count(*), (SELECT count(*) > 0 FROM pg_stats WHERE schemaname = 'ours')
      FROM ours.t]])
    must_load { "f.csv", "--into", "theirs.t", "--truncate", "--no-analyze", "-q" }
    assert.equal("30000|f", psql [[SELECT count(*), (SELECT count(*) > 0 FROM pg_stats WHERE schemaname = 'theirs')
      FROM theirs.t]])
  end)
end)

describe("pghost load", function()
  local function make_table()
    psql "CREATE TABLE item (id int PRIMARY KEY, name text, n int NOT NULL DEFAULT 7)"
  end

  local function count()
    return psql "SELECT count(*) FROM item"
  end

  it("loads several files and globs, whatever columns each has, in one transaction", function()
    make_table()
    write("a1.csv", "id,name\n1,a\n")
    write("a2.csv", "NAME, Id\nb,2\n")
    write("b.csv", "id,n\n3,30\n")
    assert.matches("loaded 3 records from 3 files into public.item ",
      must_load { "a*.csv", "b.csv", "--into", "item" })
    assert.equal("1|a|7\n2|b|7\n3||30", psql "SELECT * FROM item ORDER BY id")
    assert.equal("1", psql "SELECT count(DISTINCT xmin::text) FROM item")
    write("c.csv", "id\n9\n1\n")
    write("d.csv", "id\n10\n")
    must_fail(1, 'c.csv:3: duplicate key value violates unique constraint "item_pkey"',
      { "d.csv", "c.csv", "--into", "item" })
    must_fail(1, 'c.csv:3: duplicate key value violates unique constraint "item_pkey"', { "c.csv", "--into", "item" })
    assert.equal("3", count())
  end)

  it("reads standard input", function()
    make_table()
    must_load({ "-", "--into", "item" }, { stdin = "id\n1\n" })
    must_fail(1, "standard input:3: id: not an integer 'x'", { "-", "--into", "item" }, { stdin = "id\n2\nx\n" })
    assert.equal("1", count())
  end)

  it("says nothing with --quiet but errors", function()
    make_table()
    write("f.csv", "id\n1\nx\n")
    assert.equal("", must_load { "f.csv", "--into", "item", "--max-rejects", "1", "--quiet", "--truncate" })
    assert.equal("pghost: f.csv:3: id: not an integer 'x'\n", (load { "f.csv", "--into", "item", "-q" }))
  end)

  it("refuses what does not fit before anything is loaded", function()
    make_table()
    local function refuses(message, text, words)
      write("good.csv", "id\n1\n")
      write("later.csv", text)
      must_fail(1, message, { "good.csv", "later.csv", "--into", "item", "--truncate", table.unpack(words or {}) })
    end
    psql "INSERT INTO item (id) VALUES (0)"
    refuses("later.csv: no column 'x' in table public.item (has: id, name, n)", "id,x\n2,3\n")
    refuses("later.csv: no column 'id' in the header, and public.item needs one: it is NOT NULL without a default",
      "name\nx\n")
    refuses("later.csv: columns 1 and 3 of the header are both 'id': --header-names repair numbers them",
      "id,name,ID\n2,x,3\n")
    refuses("later.csv: column 2 of the header has no name: --trailing-delimiter skip where lines end in a delimiter, "
        .. "--header-names repair numbers such columns", "id,\n2,\n")
    refuses("'later.csv' is empty", "")
    refuses("good.csv:1: too few fields: 1 of 3", "1,2,3\n", { "--no-header" })
    assert.equal("0", psql "SELECT id FROM item")
    psql "ALTER TABLE item ADD g int GENERATED ALWAYS AS (id) STORED"
    refuses("later.csv: column 'g' of public.item is generated by the server: leave it out of the file", "id,g\n2,3\n")
  end)

  it("finds the table that SQL would", function()
    psql [[CREATE SCHEMA "S s"; CREATE TABLE "S s"."T""x" ("Id" int);
      CREATE SCHEMA other; CREATE TABLE other.t (id int);
      CREATE SEQUENCE q; CREATE MATERIALIZED VIEW m AS SELECT 1 AS id]]
    write("f.csv", "id\n1\n")
    must_load { "f.csv", "--into", '"S s"."T""x"' }
    must_load { "f.csv", "--into", "OTHER.T" }
    must_load { "f.csv", "--into", "t", "--schema", "other" }
    assert.equal("1|2", psql [[SELECT (SELECT count(*) FROM "S s"."T""x"), (SELECT count(*) FROM other.t)]])
    must_fail(1, 'no table "t": give --create for a table of text columns, or create it first',
      { "f.csv", "--into", "t" })
    must_fail(1, "public.q is a sequence: nothing can be loaded into it", { "f.csv", "--into", "q" })
    must_fail(1, "public.m is a materialized view: nothing can be loaded into it", { "f.csv", "--into", "m" })
    for _, name in ipairs { "a b", "a.b.c", ".a", '"a', "", "a;drop table x", '""' } do
      must_fail(2, ("'%s' is not a table name: name, schema.name or \"Name\" expected"):format(name),
        { "f.csv", "--into", name })
    end
  end)

  it("tells two columns apart that differ in case alone", function()
    psql 'CREATE TABLE item (id int, "Id" int, "NAME" text)'
    write("f.csv", "Id,id,name\n1,2,x\n")
    must_load { "f.csv", "--into", "item" }
    assert.equal("2|1|x", psql "SELECT * FROM item")
    write("f.csv", "ID,name\n1,x\n")
    must_fail(1, "f.csv: no column 'ID' in table public.item (has: id, Id, NAME)", { "f.csv", "--into", "item" })
  end)

  it("takes --null besides the empty field", function()
    make_table()
    write("f.csv", 'id,name\n1,NULL\n2,\n3,""\n4,null\n')
    must_load { "f.csv", "--into", "item", "--null", "NULL" }
    assert.equal("1|-\n2|-\n3|\n4|null", psql "SELECT id, coalesce(name, '-') FROM item ORDER BY id")
  end)

  it("empties the table in the same transaction", function()
    make_table()
    psql "INSERT INTO item (id) VALUES (1), (2)"
    write("f.csv", "id\n5\n")
    assert.matches("^emptied public.item, in the same transaction\nloaded 1 record ",
      must_load { "f.csv", "--into", "item", "--truncate" })
    assert.equal("5", psql "SELECT id FROM item")
    write("f.csv", "id\n6\nx\n")
    must_fail(1, "f.csv:3: id: not an integer 'x'", { "f.csv", "--into", "item", "--truncate" })
    assert.equal("5", psql "SELECT id FROM item")
  end)

  it("explains wrong usage with exit code 2, a missing file with 1", function()
    make_table()
    write("f.csv", "id\n1\n")
    local usage = " (see pghost load --help)"
    must_fail(2, "missing argument 'file'" .. usage, { "--into", "item" })
    must_fail(2, "missing option '--into'" .. usage, { "f.csv" })
    must_fail(2, "unknown option '--nix'" .. usage, { "f.csv", "--into", "item", "--nix" })
    must_fail(2, "--rejects needs --max-rejects: how many may be rejected, 100% for any number",
      { "f.csv", "--into", "item", "--rejects", "r.csv" })
    must_fail(2, "--create cannot be combined with --truncate (see pghost load --help)",
      { "f.csv", "--into", "x", "--create", "--truncate" })
    local wrong = { ["--max-rejects"] = "101%", ["--workers"] = "0", ["--delimiter"] = "123456789", ["--quote"] = "ä" }
    for option, word in pairs(wrong) do
      local err, code = load { "f.csv", "--into", "item", option, word }
      assert.equal(2, code)
      assert.matches("expected, got '" .. word:gsub("%%", "%%%%") .. "'", err)
    end
    must_fail(1, "no such file 'nix.csv'", { "f.csv", "nix.csv", "--into", "item" })
    must_fail(1, "no file matches 'nix*.csv'", { "nix*.csv", "--into", "item" })
    assert.equal("0", count())
    local out, _, code = pghost.run { "load", "--help" }
    assert.equal(0, code)
    assert.matches("%-%-max%-rejects N|P%%", out)
    local _, unreachable = load({ "f.csv", "--into", "item" }, { dsn = "host=/nonexistent dbname=x" })
    assert.equal(3, unreachable)
  end)

  it("needs no rights but those to insert", function()
    make_table()
    local name = "loader_" .. here.dsn:match("dbname=(%S+)")
    psql(("CREATE ROLE %s LOGIN; REVOKE ALL ON SCHEMA public FROM public; GRANT USAGE ON SCHEMA public TO %s")
      :format(name, name))
    local as_loader = { dsn = here.dsn:gsub("user=%S+", "user=" .. name) }
    write("f.csv", "id,name\n1,x\n")
    must_fail(1, "permission denied for table item", { "f.csv", "--into", "item" }, as_loader)
    psql(("GRANT INSERT ON item TO %s; REVOKE TEMP ON DATABASE %s FROM public"):format(name,
      here.dsn:match("dbname=(%S+)")))
    must_load({ "f.csv", "--into", "item" }, as_loader)
    must_fail(1, "permission denied for table item", { "f.csv", "--into", "item", "--truncate" }, as_loader)
    assert.equal("1", count())
    psql(("DROP OWNED BY %s; DROP ROLE %s"):format(name, name))
  end)

  it("rolls back when interrupted, with exit code 130", function()
    make_table()
    local script = ([[
      cd %s; mkfifo pipe; %s --dsn %s load - --into item <pipe 2>err & pid=$!
      exec 3>pipe; echo id >&3; echo 1 >&3; sleep 1; kill -INT $pid; wait $pid; echo $?]])
      :format(pghost.quote(here.folder), pghost.quote(pghost.path), pghost.quote(here.dsn))
    -- A shell starts jobs of its own with SIGINT ignored, unless it has job control.
    assert.equal("130\n", (pghost.shell("set -m\n" .. script)))
    assert.equal("0", count())
    assert.equal("0", psql "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%item%' AND state = 'active'")
  end)

  it("logs JSON where asked", function()
    make_table()
    write("f.csv", "id\n1\n")
    local _, err, code = pghost.run { "--dsn", here.dsn, "--log-format", "json", "load", here.folder .. "/f.csv",
      "--into", "item" }
    assert.equal(0, code, err)
    local event = require("cjson").decode(err)
    assert.same({ "done", "public.item", 1, 1, 0 },
      { event.event, event.name, event.records, event.loaded, event.rejected })
  end)
end)
