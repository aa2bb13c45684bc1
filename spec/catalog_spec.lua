-- The questions to pg_catalog. Oracles: the server's own parsing of names, its format_type with an empty
-- search_path, and what a unique index takes for a duplicate.

local assert = require "luassert"
local columns = require "pghost.catalog.columns"
local connection = require "pghost.connection"
local relations = require "pghost.catalog.relations"
local trust = require "pghost.catalog.trust"
local fixture = require "support.fixture"
local server = require "support.server"

describe("pghost.catalog", function()
  local conn

  fixture.once(function(keep)
    conn = keep(connection.open { dsn = server.get():database() })
  end)

  describe("relations", function()
    it("reads names as the server does", function()
      for _, text in ipairs { "t", "T", '"T"', 's.t', 'S."T"', '"a""b"."c.d"', '"ä"', "é1", "_a$1" } do
        local expected = {}
        for row in conn:query("SELECT unnest(parse_ident($1)) AS part", text):rows() do
          expected[#expected + 1] = row.part
        end
        local schema, name = relations.parse(text)
        assert.same(expected, schema and { schema, name } or { name }, text)
      end
      assert.same({ "d", "t" }, { relations.parse("t", "d") })
    end)

    it("refuses what is no name of a table", function()
      for _, text in ipairs { "", "a.b.c", "a b", '"a', '""', "1a", "a.", "a;b" } do
        assert.error_matches(function()
          relations.parse(text)
        end, "is not a table name")
      end
    end)

    it("quotes, and finds what it quoted", function()
      assert.equal('"a""b"."c.d"', relations.quoted('a"b', "c.d"))
      assert.equal('n."a", n."B"', relations.list({ "a", "B" }, "n.%s"))
      conn:exec [[CREATE SCHEMA "a""b"; CREATE VIEW "a""b"."c.d" AS SELECT 1 AS one]]
      local found = relations.find(conn, '"a""b"."c.d"')
      assert.same({ 'a"b', "c.d", "v", "postgres", '"a""b"."c.d"' },
        { found.schema, found.name, found.kind, found.owner, found.qualified })
      assert.is_nil(relations.find(conn, "nothing"))
    end)
  end)

  describe("columns", function()
    setup(function()
      conn:exec [[
        CREATE EXTENSION citext;
        CREATE TYPE mood AS ENUM ('a', 'b');
        CREATE DOMAIN mail AS citext;
        CREATE DOMAIN short AS varchar(10);
        CREATE TYPE pair AS (a int, b text);
        CREATE TABLE many (gone int, a citext, b mood, c mail, d short, e int NOT NULL, f text[], g pair, h citext[],
          i int4range, j name, k numeric(5, 2), l point, m char(3), n bool GENERATED ALWAYS AS (e > 1) STORED,
          o date, p timestamptz(3), q int4multirange, r mood[], s uuid);
        ALTER TABLE many DROP COLUMN gone;
      ]]
    end)

    it("reads types that mean the same under every search_path", function()
      local expected = {}
      conn:transaction(function()
        conn:query("SELECT set_config('search_path', '', true)")
        for row in conn:query([[
            SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
            WHERE attrelid = 'public.many'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum]]):rows() do
          expected[#expected + 1] = row.attname .. " " .. row.type
        end
      end)
      local seen = {}
      for i, column in ipairs(columns.read(conn, "public.many")) do
        seen[i] = column.name .. " " .. column.type
        assert.equal(column.name == "e", column.not_null)
        assert.equal(column.name == "n", column.generated)
      end
      assert.same(expected, seen)
    end)

    it("compares a key as its primary key does", function()
      local values = {
        a = { "'x'", "'X'" }, b = { "'a'", "'a'" }, c = { "'x'", "'X'" }, d = { "'x'", "'X'" }, e = { "1", "2" },
        f = { "'{a}'", "'{a}'" }, g = { "(1,'a')", "(1,'b')" }, h = { "'{x}'", "'{X}'" }, i = { "'[1,2]'", "'[1,3)'" },
        j = { "'n'", "'n'" }, k = { "1.0", "1" }, m = { "'a'", "'a '" }, o = { "'2024-01-01'", "'20240101'" },
        q = { "'{[1,2]}'", "'{[1,3)}'" }, r = { "'{a}'", "'{b}'" },
        p = { "'2024-01-01 00:00Z'", "'2024-01-01 01:00+01'" },
      }
      for name, pair in pairs(values) do
        conn:exec(("CREATE TABLE one AS SELECT %s FROM many WHERE false; CREATE UNIQUE INDEX ON one (%s)"):format(name,
          name))
        conn:exec(("INSERT INTO one VALUES (%s)"):format(pair[1]))
        local unique = pcall(conn.exec, conn, ("INSERT INTO one VALUES (%s)"):format(pair[2]))
        conn:exec(("DROP INDEX one_%s_idx"):format(name))
        if not unique then
          conn:exec(("INSERT INTO one VALUES (%s)"):format(pair[2]))
        end
        local same = columns.same_key(columns.key(conn, "public.one", { name }), "x", "y")
        local count = conn:query(("SELECT count(*) AS n FROM one AS x, one AS y WHERE %s"):format(same))[1].n
        assert.equal(unique and 2 or 4, count, name)
        conn:exec "DROP TABLE one"
      end
    end)

    it("names every operator by the schema of the type's operator class", function()
      local key = columns.key(conn, "public.many", { "a", "e" })
      assert.equal('x."a"::"public"."citext" OPERATOR("public".=) y."a"::"public"."citext"'
        .. ' AND x."e" OPERATOR(pg_catalog.=) y."e"', columns.same_key(key, "x", "y"))
      local d = { relation = "public.many", column = "d", alias = "c" }
      local a = { relation = "public.many", column = "a", alias = "p" }
      assert.equal('c."d" OPERATOR(pg_catalog.=) p."a"', columns.equal(conn, d, a))
    end)

    it("uses the index of the key", function()
      conn:exec [[CREATE TABLE keyed (a mail PRIMARY KEY);
        INSERT INTO keyed SELECT n::text FROM generate_series(1, 5000) AS n]]
      conn:exec "ANALYZE keyed"
      local plan = conn:query(("EXPLAIN SELECT 1 FROM (VALUES ('a'::mail)) AS x (a), keyed AS y WHERE %s")
        :format(columns.same_key(columns.key(conn, "public.keyed", { "a" }), "x", "y")))
      local text = ""
      for row in plan:rows() do
        text = text .. row[1] .. "\n"
      end
      assert.matches("keyed_pkey", text)
    end)

    it("takes one that a function of a role compares that ours is a member of", function()
      conn:exec [[CREATE ROLE owner_of_equal; ALTER FUNCTION citext_eq(citext, citext) OWNER TO owner_of_equal;
        CREATE ROLE member_of_equal; GRANT owner_of_equal TO member_of_equal; SET ROLE member_of_equal]]
      local taken, problem = pcall(columns.key, conn, "public.many", { "a" })
      conn:exec [[RESET ROLE; ALTER FUNCTION citext_eq(citext, citext) OWNER TO postgres;
        DROP ROLE member_of_equal; DROP ROLE owner_of_equal]]
      assert.is_true(taken, tostring(problem))
    end)

    it("refuses a type without equality, and one that a stranger's function compares", function()
      assert.error_matches(function()
        columns.key(conn, "public.many", { "l" })
      end, "column 'l' of public.many: type point has no equality, so it cannot be a key")
      assert.error_matches(function()
        columns.key(conn, "public.many", { "nope" })
      end, "no column 'nope' in public.many")
      conn:exec "CREATE ROLE stranger_of_columns; ALTER FUNCTION citext_eq(citext, citext) OWNER TO stranger_of_columns"
      conn:exec "CREATE ROLE plain_of_columns; SET ROLE plain_of_columns"
      local refused, problem = pcall(columns.key, conn, "public.many", { "a" })
      conn:exec [[RESET ROLE; ALTER FUNCTION citext_eq(citext, citext) OWNER TO postgres;
        DROP ROLE stranger_of_columns; DROP ROLE plain_of_columns]]
      assert.is_false(refused)
      assert.matches("compares by a function of role 'stranger_of_columns'", tostring(problem), 1, true)
    end)
  end)

  describe("trust", function()
    local function stranger(sql)
      return conn:transaction(function()
        conn:exec("CREATE SCHEMA guarded; CREATE TABLE guarded.t (a int); " .. sql)
        local found = trust.stranger(conn, "guarded")
        conn:exec "RESET ROLE; DROP SCHEMA guarded CASCADE"
        return found and ("%s %s: %s, %s"):format(found.what, found.name, found.role, found.how) or "none"
      end)
    end

    setup(function()
      conn:exec [[CREATE ROLE rights_mallory; CREATE ROLE rights_pipeline; CREATE ROLE rights_team;
        CREATE ROLE rights_root SUPERUSER]]
      conn:exec "GRANT rights_team TO rights_pipeline"
    end)

    teardown(function()
      conn:exec "DROP ROLE rights_mallory; DROP ROLE rights_pipeline; DROP ROLE rights_team; DROP ROLE rights_root"
    end)

    it("finds who could have code run by those who use a schema", function()
      local as = "; SET LOCAL ROLE rights_pipeline"
      assert.equal("none", stranger("GRANT ALL ON SCHEMA guarded TO rights_team" .. as))
      assert.equal("none", stranger("ALTER SCHEMA guarded OWNER TO rights_root" .. as))
      assert.equal("none", stranger("GRANT INSERT ON guarded.t TO public" .. as))
      assert.equal("schema guarded: rights_mallory, owner",
        stranger("ALTER SCHEMA guarded OWNER TO rights_mallory" .. as))
      assert.equal("schema guarded: public, CREATE", stranger("GRANT CREATE ON SCHEMA guarded TO public" .. as))
      assert.equal("table t: rights_mallory, owner", stranger("ALTER TABLE guarded.t OWNER TO rights_mallory" .. as))
      assert.equal("table t: rights_mallory, TRIGGER", stranger("GRANT TRIGGER ON guarded.t TO rights_mallory" .. as))
      assert.equal("trigger x: rights_mallory, owner", stranger([[
        CREATE FUNCTION guarded.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        ALTER FUNCTION guarded.f() OWNER TO rights_mallory;
        CREATE TRIGGER x BEFORE INSERT ON guarded.t EXECUTE FUNCTION guarded.f()]] .. as))
    end)
  end)
end)
