-- pghost query and pghost export, held against psql and Python's csv on the same server.

local fixture = require "support.fixture"
local project = require "support.project"
local pghost = require "support.pghost"

describe("pghost query", function()
  local p

  fixture.once(function(keep)
    p = keep(project.new { ["two.sql"] = "SELECT 1 AS a; -- the first\n\nSELECT 'x;y' AS b, :word AS c" })
    p.conn:exec [[
      CREATE TABLE t (i bigint, f float8, r real, n numeric, b boolean, s text, x bytea, d timestamp, j jsonb, a int[]);
      INSERT INTO t VALUES
        (9223372036854775807, 0.1, 0.1, 1.500, true, E'a,"b"\nc', '\x00ff', '2024-02-29 12:00', '{"k": 1}', '{1,NULL}'),
        (NULL, 'NaN', '-Infinity', NULL, false, '', '', NULL, NULL, NULL),
        (-1, 1e300, 1e-10, 0, NULL, '\.', NULL, 'infinity', 'null', '{}')]]
  end)

  it("names the schema of a table that is not in the search_path", function()
    p.conn:exec 'CREATE SCHEMA "My sales"; CREATE TABLE "My sales".people (id int)'
    local _, err, code = p:pghost("query", "SELECT * FROM people")
    assert.equal(1, code)
    assert.matches('^pghost: relation "people" does not exist: did you mean "My sales".people%?\n', err)
    _, err = p:pghost("query", "SELECT * FROM nowhere")
    assert.matches('^pghost: relation "nowhere" does not exist\n', err)
  end)

  it("writes the CSV that psql writes", function()
    local query = "SELECT * FROM t ORDER BY i"
    local out, err, code = p:pghost("query", query, "--csv")
    assert.same({ "", 0 }, { err, code })
    local rewrite = [[python3 -c '
import csv, sys
csv.writer(sys.stdout, lineterminator="\n").writerows(csv.reader(sys.stdin))']]
    local expected = pghost.shell(("psql -X -d '%s' --csv -c '%s' | %s"):format(p.dsn, query, rewrite))
    assert.equal(expected, (pghost.shell(rewrite, out)))
  end)

  it("writes JSON that Python reads, integers and text exact", function()
    local out = p:pghost("query", "SELECT i, s, n, b, x, j, 1 AS i FROM t ORDER BY t.i", "--json")
    local path = p:write("out.json", out)
    local expected = [==[
[-1, "\\.", "0", null, null, null, 1]
["9223372036854775807", "a,\"b\"\nc", "1.500", true, "\\x00ff", {"k": 1}, 1]
[null, "", null, false, "\\x", null, 1]
]==]
    assert.equal(expected, (pghost.shell(([[python3 -c '
import json
for line in open("%s"):
    print(json.dumps(list(json.loads(line).values())))']]):format(path))))
    assert.matches('"i":%-1,.*"i_7":1}', out)
  end)

  it("writes tables, one line a value, and Markdown", function()
    local query = "SELECT 1 AS n, 'a|b' AS word UNION ALL SELECT 22, NULL ORDER BY 1"
    assert.equal("  n | word\n----+--------\n  1 | a|b\n 22 | <null>\n(2 rows)\n", (p:pghost("query", query)))
    assert.equal("-[ 1 ]\nn    | 1\nword | a|b\n-[ 2 ]\nn    | 22\nword | -\n(2 rows)\n",
      (p:pghost("query", query, "--expanded", "--null", "-")))
    assert.equal("| n | word |\n| ---: | --- |\n| 1 | a\\|b |\n| 22 |  |\n", (p:pghost("query", query, "--markdown")))
  end)

  it("runs several statements, with parameters", function()
    local out, err, code = p:pghost("query", "-f", "two.sql", "--param", "word=it's", "--csv")
    assert.same({ "a\n1\nb,c\nx;y,it's\n", "", 0 }, { out, err, code })
    local query = "SELECT date_trunc('month', :as_of) AS m, :d::date + 1 AS d, pg_typeof(:n) AS n, :t IS NULL AS t"
    out = p:pghost("query", query, "-p", "as_of=2024-06-30", "-p", "d=2024-02-28", "-p", "n=5", "-p", "t:text=x",
      "--csv")
    assert.equal("m,d,n,t\n2024-06-01 00:00:00,2024-02-29,bigint,f\n", out)
    assert.equal("(3 rows affected)\n", (p:pghost("query", "UPDATE t SET r = r")))
  end)

  it("takes a large result in constant memory", function()
    -- A sanitizer reserves terabytes of addresses for itself.
    local limit = os.getenv("PGHOST_SPEC_SANITIZER") and "unlimited" or "600000"
    local out, _, code = pghost.shell(("/usr/bin/env bash -c 'ulimit -v %s; %s --dsn \"%s\" query --csv "
      .. "\"SELECT repeat(chr(65), 200) FROM generate_series(1, 1000000)\" | wc -c'"):format(limit, pghost.path, p.dsn))
    assert.same({ ("%d\n"):format(7 + 201 * 1000000), 0 }, { out, code })
  end)

  for expected, words in pairs {
    ["no parameter ':x' (has: )"] = { "SELECT :x" },
    ["--param: NAME=VALUE expected, got 'x' (see pghost query --help)"] = { "SELECT 1", "-p", "x" },
    ["--file cannot be combined with SQL (see pghost query --help)"] = { "SELECT 1", "-f", "two.sql" },
    ["could not open 'none.sql': no such file or directory"] = { "-f", "none.sql" },
    ["could not read '.': is a directory"] = { "-f", "." },
    ["unterminated string\n  SELECT 'x\n         ^\n"] = { "SELECT 'x" },
    ["unterminated string\n  line 2: SELECT \"x\n                 ^\n"] = { "SELECT 1;\nSELECT \"x" },
    ["unterminated comment\n  SELECT 1 /* x\n           ^\n"] = { "SELECT 1 /* x" },
    ["no SQL in the argument"] = { " -- nothing" },
    ["column \"nope\" does not exist"] = { "SELECT nope" },
  } do
    it("says " .. expected, function()
      local out, err, code = p:pghost("query", table.unpack(words))
      assert.equal("", out)
      assert.matches("pghost: " .. expected, err, 1, true)
      assert.is_true(code == 1 or code == 2)
    end)
  end
end)

describe("pghost export", function()
  local p

  fixture.once(function(keep)
    p = keep(project.new {})
    p.conn:exec [[
      CREATE TABLE "My t" (a int, b text);
      INSERT INTO "My t" SELECT g, CASE WHEN g % 3 = 0 THEN NULL WHEN g % 3 = 1 THEN E'"q",\n' || g ELSE '' END
      FROM generate_series(1, 1000) AS g]]
  end)

  local function expected()
    local copy = '\\copy "My t" TO STDOUT (FORMAT csv, HEADER)'
    return (pghost.shell(("psql -X -d '%s' -c '%s'"):format(p.dsn, copy)))
  end

  it("writes what \\copy writes, packed as the name says", function()
    local whole = expected()
    local unpackers = { ["o.csv"] = "cat", ["o.csv.gz"] = "zcat", ["o.csv.zst"] = "zstdcat", ["o.csv.xz"] = "xzcat",
      ["o.csv.bz2"] = "bzcat" }
    for name, unpack in pairs(unpackers) do
      local out, err, code = p:pghost("export", '"My t"', "-o", name)
      assert.same({ "", 0 }, { out, code }, err)
      if name == "o.csv" or pghost.shell("command -v " .. unpack) ~= "" then
        assert.equal(whole, (pghost.shell(("%s %s/%s"):format(unpack, p.folder, name))), name)
      end
    end
    assert.equal(whole, (p:pghost("export", '"My t"')))
  end)

  it("writes blocks and not rows, as \\copy does", function()
    local out, err = p:pghost("-e", [[
      local function calls() return tonumber(io.open("/proc/self/io"):read("a"):match("syscw: (%d+)")) end
      conn:query "SELECT 1"
      local before = calls()
      local bytes = conn:copy_to("COPY (SELECT g, 'text' FROM generate_series(1, 20000) AS g) TO STDOUT (FORMAT csv)",
        "blocks.csv")
      print(bytes, calls() - before)]])
    local bytes, written = out:match("(%d+)\t(%d+)")
    assert.same(#p:read "blocks.csv", tonumber(bytes), err)
    assert.is_true(tonumber(written) < 20, out)
  end)

  it("writes a query, and comes back by load", function()
    local query = 'WITH x AS (SELECT * FROM "My t") SELECT a, b FROM x WHERE a <= 10; '
    local _, err, code = p:pghost("export", query, "-o", "q.csv")
    assert.equal(0, code, err)
    p.conn:exec 'CREATE TABLE back (LIKE "My t")'
    _, err, code = p:pghost("load", "q.csv", "--into", "back")
    assert.equal(0, code, err)
    assert.equal("0", p:ask [[SELECT count(*) FROM (
      (SELECT * FROM "My t" WHERE a <= 10 EXCEPT SELECT * FROM back) UNION ALL
      (SELECT * FROM back EXCEPT SELECT * FROM "My t")) AS d]])
  end)

  it("leaves the old file, and nothing else, when it fails", function()
    p:write("old.csv", "old")
    local _, err, code = p:pghost("export", "SELECT 1 / (5 - g) FROM generate_series(1, 10) AS g", "-o", "old.csv")
    assert.equal(1, code)
    assert.matches("division by zero", err, 1, true)
    assert.equal("old", p:read "old.csv")
    assert.equal("", (pghost.shell(("ls %s | grep part"):format(p.folder))))
  end)

  it("says that a place cannot be written to, or is full", function()
    local _, err, code = p:pghost("export", '"My t"', "-o", "/no/such/folder/x.csv")
    assert.same({ "pghost: could not write '/no/such/folder/x.csv': no such file or directory\n", 1 }, { err, code })
    _, err, code = p:pghost("export", '"My t"', "-o", "/dev/full")
    assert.same({ "pghost: could not write '/dev/full': no space left on device\n", 1 }, { err, code })
    _, err, code = p:pghost("export", "nope", "-o", "x.csv")
    assert.same({ "pghost: no table or view 'nope'\n", 1 }, { err, code })
  end)
end)
