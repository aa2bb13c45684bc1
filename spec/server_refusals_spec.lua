-- What the server refuses of rows that have the right types: told with file and line, and a reject where there may be
-- some. The numbers of lines are those of the files as they are written here.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local folder, dsn

local function psql(sql)
  return (pghost.psql(dsn, sql))
end

local function load(words, more)
  return pghost.run({ "--dsn", dsn, "load", "f.csv", "--into", "t", table.unpack(words or {}) },
    more or { cd = folder })
end

local allow = { "--max-rejects", "9", "--rejects", "r.csv" }

-- The third record of each, on line 7, is refused: there is a reject before it, and a record over two lines.
local text = 'a,b\n1,10\nx,3\n\n2,"11"\n"2\n"\n'

-- Text that the server cannot compress below a page.
local function incompressible(length)
  local letters, state = {}, 1
  for i = 1, length do
    state = (state * 1103515245 + 12345) % 2147483648
    letters[i] = string.char(48 + state // 65536 % 74)
  end
  return (table.concat(letters):gsub("[^%w]", "z"))
end

local kinds = {
  check = { "a int, b int CHECK (b > 0)", "a,b\n1,1\n2,\"2\n\"\n3,-1\n4,4\n", 5, "violates check constraint" },
  unique = { "a int PRIMARY KEY, b int", "a,b\n1,1\n2,\"2\n\"\n1,3\n4,4\n", 5, "duplicate key value" },
  exclusion = { "a int, b int, EXCLUDE (a WITH =)", "a,b\n1,1\n2,\"2\n\"\n1,3\n4,4\n", 5, "exclusion constraint" },
  domain = { "a int, b positive", "a,b\n1,1\n2,\"2\n\"\n3,-1\n4,4\n", 5, "value for domain positive violates" },
  ["foreign key"] = { "a int, b int REFERENCES parent", "a,b\n1,1\n2,\"2\n\"\n3,99\n4,4\n", 5,
    "foreign key constraint" },
  partition = { "a int, b int", "a,b\n1,1\n2,\"2\n\"\n3,900\n4,4\n", 5, "no partition of relation",
    " PARTITION BY RANGE (b); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100)" },
  trigger = { "a int, b int", "a,b\n1,1\n2,\"2\n\"\n3,13\n4,4\n", 5, "thirteen is no number",
    "; CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse()" },
  ["trigger after"] = { "a int, b int", "a,b\n1,1\n2,\"2\n\"\n3,13\n4,4\n", 5, "thirteen is no number",
    "; CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse()" },
  ["constraint trigger that waits for the COMMIT"] = { "a int, b int", "a,b\n1,1\n2,\"2\n\"\n3,13\n4,4\n", 5,
    "thirteen is no number", "; CREATE CONSTRAINT TRIGGER x AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
    .. "FOR EACH ROW EXECUTE FUNCTION refuse()" },
  ["deferred foreign key"] = { "a int, b int REFERENCES parent DEFERRABLE INITIALLY DEFERRED",
    "a,b\n1,1\n2,\"2\n\"\n3,99\n4,4\n", 5, "foreign key constraint" },
  ["deferred unique"] = { "a int UNIQUE DEFERRABLE INITIALLY DEFERRED, b int", "a,b\n1,1\n2,\"2\n\"\n1,3\n4,4\n", 5,
    "duplicate key value" },
  ["deferred foreign key of a partition"] = { "a int, b int REFERENCES parent DEFERRABLE INITIALLY DEFERRED",
    "a,b\n1,1\n2,\"2\n\"\n3,99\n4,4\n", 5, "foreign key constraint",
    " PARTITION BY RANGE (b); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100)" },
  ["type of the server"] = { "a int, b money", "a,b\n1,1\n2,\"2\n\"\n3,x\n4,4\n", 5,
    "invalid input syntax for type money" },
  -- Their input functions raise a syntax error, not one of data.
  ["type of an extension, ltree"] = { "a int, b ltree", "a,b\n1,1\n2,2\n3,x y\n4,4\n", 4,
    "b: ltree syntax error" },
  ["type of an extension, hstore"] = { "a int, b hstore", "a,b\n1,1=>1\n2,\"2=>2\n\"\n3,a=1\n4,4=>4\n", 5,
    "b: syntax error near" },
  ["limit of an index"] = { "a int, b text UNIQUE", ("a,b\n1,1\n2,\"2\n\"\n3,%s\n4,4\n"):format(incompressible(9000)),
    5, "index row" },
}

local setup = [[
  CREATE EXTENSION ltree; CREATE EXTENSION hstore;
  CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TABLE parent (b int PRIMARY KEY);
  INSERT INTO parent SELECT generate_series(1, 50);
  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF NEW.b = 13 THEN RAISE 'thirteen is no number'; END IF; RETURN NEW; END $$;
]]

describe("what the server refuses", function()
  fixture.each(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
    psql(setup)
  end)

  for kind, case in pairs(kinds) do
    it(("by %s is told with file and line, and is a reject where there may be some"):format(kind), function()
      psql(("CREATE TABLE t (%s)%s;"):format(case[1], case[5] or ""))
      pghost.write(folder .. "/f.csv", case[2])
      local _, err, code = load()
      assert.equal(1, code, err)
      assert.matches(("f.csv:%d: "):format(case[3]), err, 1, true)
      assert.matches(case[4], err, 1, true)
      assert.equal("0\n", psql("SELECT count(*) FROM t;"))
      _, err, code = load(allow)
      assert.equal(0, code, err)
      assert.matches(("rejected: f.csv:%d: "):format(case[3]), err, 1, true)
      assert.matches(case[4], err, 1, true)
      assert.equal("1,2,4\n", psql("SELECT string_agg(a::text, ',' ORDER BY a) FROM t;"))
      local rejects <close> = assert(io.open(folder .. "/r.csv"))
      assert.matches(case[4]:match("%a+ %a+"), rejects:read("a"), 1, true)
    end)
  end

  it("by a trigger that waits for the COMMIT and judges records together is no reject", function()
    psql [[CREATE TABLE t (a int, b int);
      CREATE FUNCTION balanced() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT sum(b) FROM public.t WHERE a = NEW.a) <> 0 THEN RAISE 'not balanced: %', NEW.a; END IF;
        RETURN NEW; END $$;
      CREATE CONSTRAINT TRIGGER x AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        EXECUTE FUNCTION balanced();]]
    pghost.write(folder .. "/f.csv", "a,b\n1,1\n1,-1\n2,2\n2,-2\n")
    local _, err, code = load(allow)
    assert.equal(0, code, err)
    pghost.write(folder .. "/f.csv", "a,b\n3,1\n4,2\n3,-1\n4,-3\n")
    for _, words in ipairs { {}, { "--max-rejects", "9" } } do
      _, err, code = load(words)
      assert.equal(1, code, err)
      assert.matches("^pghost: not balanced: 4", err)
    end
    assert.equal("4\n", psql("SELECT count(*) FROM t;"))
  end)

  it("by the size of a row is that row among many, though the server names a later one", function()
    local columns, names = {}, {}
    for i = 1, 130 do
      columns[i], names[i] = ("n%d name"):format(i), ("n%d"):format(i)
    end
    psql(("CREATE TABLE t (a int, %s);"):format(table.concat(columns, ", ")))
    local lines = { "a," .. table.concat(names, ",") }
    for a = 1, 2500 do
      lines[a + 1] = a .. (a == 77 and (",x"):rep(130) or (","):rep(130))
    end
    pghost.write(folder .. "/f.csv", table.concat(lines, "\n") .. "\n")
    local _, err, code = load()
    assert.equal(1, code, err)
    assert.matches("^pghost: f.csv: row is too big[^\n]*\n$", err)
    _, err, code = load(allow)
    assert.equal(0, code, err)
    assert.matches("rejected: f.csv:78: row is too big", err, 1, true)
    assert.equal("2499,1\n", psql("SELECT concat(count(*), ',', count(*) FILTER (WHERE a = 78)) FROM t;"))
  end)

  it("after rejects, blank lines and over several lines counts lines of the file", function()
    psql("CREATE TABLE t (a int PRIMARY KEY, b int);")
    pghost.write(folder .. "/f.csv", text .. "2,5\n")
    local _, err, code = load(allow)
    assert.equal(0, code, err)
    assert.matches("f.csv:3: a: not an integer 'x'", err, 1, true)
    assert.matches("f.csv:8: duplicate key", err, 1, true)
  end)

  it("is found in the second of two files, and among many blocks", function()
    psql("CREATE TABLE t (a int PRIMARY KEY, b text);")
    for _, name in ipairs { "f", "g" } do
      local lines = { "a,b" }
      for i = 1, 30000 do
        local a = name == "f" and i or 30000 + i
        lines[#lines + 1] = ("%d,%s"):format(name == "g" and i % 10000 == 77 and 5 or a, ("x"):rep(30))
      end
      pghost.write(folder .. "/" .. name .. ".csv", table.concat(lines, "\n") .. "\n")
    end
    local words = { "--dsn", dsn, "load", "f.csv", "g.csv", "--into", "t" }
    local _, err, code = pghost.run(words, { cd = folder })
    assert.equal(1, code)
    assert.matches("g.csv:78: duplicate key", err, 1, true)
    table.move({ "--max-rejects", "3" }, 1, 2, #words + 1, words)
    _, err, code = pghost.run(words, { cd = folder })
    assert.equal(0, code, err)
    for _, line in ipairs { 78, 10078, 20078 } do
      assert.matches(("g.csv:%d: duplicate key"):format(line), err, 1, true)
    end
    assert.equal("59997\n", psql("SELECT count(*) FROM t;"))
  end)

  it("is no reject beyond what is allowed", function()
    psql("CREATE TABLE t (a int PRIMARY KEY, b int);")
    pghost.write(folder .. "/f.csv", "a,b\n1,1\n1,2\n1,3\n")
    local _, err, code = load { "--max-rejects", "1" }
    assert.equal(4, code, err)
    assert.equal("0\n", psql("SELECT count(*) FROM t;"))
  end)

  it("is not what a foreign key to the table itself allows", function()
    psql("CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t);")
    pghost.write(folder .. "/f.csv", "a,b\n1,2\n2,3\n3,\n")
    local _, err, code = load(allow)
    assert.equal(0, code, err)
    assert.equal("3\n", psql("SELECT count(*) FROM t;"))
  end)

  it("is a character that the database cannot hold", function()
    psql("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;")
    local latin = dsn:gsub("dbname=%S+", "dbname=latin")
    if latin == dsn then
      latin = dsn .. " dbname=latin"
    end
    pghost.shell(("psql -X -q -d %s"):format(pghost.quote(latin)), "CREATE TABLE t (a int, b text);")
    pghost.write(folder .. "/f.csv", "a,b\n1,é\n2,日本\n3,z\n")
    local _, err, code = pghost.run({ "--dsn", latin, "load", "f.csv", "--into", "t", table.unpack(allow) },
      { cd = folder })
    assert.equal(0, code, err)
    assert.matches("f.csv:3: ", err, 1, true)
    assert.matches("loaded 2 records", err, 1, true)
  end)

  it("is what a trigger drops without a word", function()
    psql("CREATE TABLE t (a int, b int); CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS "
      .. "$$ BEGIN IF NEW.b = 3 THEN RETURN NULL; END IF; RETURN NEW; END $$;"
      .. "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION swallow();")
    pghost.write(folder .. "/f.csv", "a,b\n1,1\n2,3\n")
    local _, err, code = load()
    assert.equal(1, code, err)
    assert.matches("1 row sent was not stored as sent: the table has trigger x", err, 1, true)
    assert.equal("0\n", psql("SELECT count(*) FROM t;"))
    _, err, code = load { "--allow-dropped" }
    assert.equal(0, code, err)
    assert.equal("1\n", psql("SELECT count(*) FROM t;"))
  end)

  local droppers = {
    ["after each row"] = "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION drop_it()",
    ["after the statement"] = "CREATE TRIGGER x AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION drop_it()",
    ["at the commit"] = "CREATE CONSTRAINT TRIGGER x AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
      .. "EXECUTE FUNCTION drop_it()",
    ["in the place of a view's rows"] = "ALTER TABLE t RENAME TO base; CREATE VIEW t AS SELECT * FROM base;"
      .. "CREATE FUNCTION place() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.b <> 3 THEN "
      .. "INSERT INTO base SELECT NEW.*; END IF; RETURN NEW; END $$;"
      .. "CREATE TRIGGER x INSTEAD OF INSERT ON t FOR EACH ROW EXECUTE FUNCTION place()",
  }

  for when, sql in pairs(droppers) do
    it("is what a trigger drops " .. when, function()
      psql("CREATE TABLE t (a int, b int); INSERT INTO t VALUES (0, 0); CREATE FUNCTION drop_it() RETURNS trigger "
        .. "LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t WHERE b = 3; RETURN NULL; END $$;" .. sql)
      pghost.write(folder .. "/f.csv", "a,b\n1,1\n2,3\n3,4\n")
      for _, words in ipairs { {}, { "--max-rejects", "5" } } do
        local _, err, code = load(words)
        assert.equal(1, code, err)
        assert.matches("1 row sent was not stored as sent: the table has trigger x", err, 1, true)
        assert.equal("1\n", psql("SELECT count(*) FROM t;"))
      end
      local _, err, code = load { "--allow-dropped" }
      assert.equal(0, code, err)
      assert.equal("3\n", psql("SELECT count(*) FROM t;"))
    end)
  end

  it("is no row of a trigger that changes values or writes elsewhere too", function()
    psql("CREATE TABLE t (a int, b int); CREATE TABLE log (a int); CREATE FUNCTION note() RETURNS trigger "
      .. "LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (NEW.a); UPDATE t SET b = 9 WHERE a = NEW.a; "
      .. "RETURN NULL; END $$; CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();")
    pghost.write(folder .. "/f.csv", "a,b\n1,1\n2,3\n")
    local _, err, code = load()
    assert.equal(0, code, err)
    assert.equal("2|2\n", psql("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM log);"))
  end)

  it("is told when it is a lock that somebody keeps for long", function()
    psql("CREATE TABLE t (a int, b int);")
    pghost.write(folder .. "/f.csv", "a,b\n1,1\n")
    os.execute(("(psql -X -q -d %s -c 'BEGIN; LOCK TABLE t IN SHARE MODE; SELECT pg_sleep(4)' >/dev/null; "
      .. "psql -X -q -d %s -c 'BEGIN; LOCK TABLE t IN ACCESS SHARE MODE; SELECT pg_sleep(4)' >/dev/null) &"):format(
      pghost.quote(dsn), pghost.quote(dsn)))
    os.execute "sleep 0.5"
    local _, err, code = load()
    assert.equal(0, code, err)
    assert.matches("warn: waiting for a lock on \"?t\"?, which is held by process %d+ of 'postgres'", err)
    os.execute "sleep 0.7"
    _, err, code = load { "--truncate" }
    assert.equal(0, code, err)
    assert.matches("waiting for a lock on public.t, which is held by process", err, 1, true)
    assert.equal("1\n", psql("SELECT count(*) FROM t;"))
  end)

  it("is no change of the table's types while its files come slowly", function()
    psql("CREATE TABLE t (a bigint, b int);")
    os.execute("mkfifo " .. folder .. "/f.csv")
    os.execute(("(printf 'a,b\\n1,1\\n'; sleep 2; printf '2,2\\n') > %s/f.csv &"):format(folder))
    os.execute(("(sleep 1; psql -X -q -d %s -c 'ALTER TABLE t ALTER a TYPE double precision') &")
      :format(pghost.quote(dsn)))
    local _, err, code = load()
    assert.equal(0, code, err)
    os.execute("sleep 1")
    assert.equal("1,2\n", psql("SELECT string_agg(a::text, ',' ORDER BY a) FROM t;"))
  end)
end)
