-- dialect = "auto": what is loaded, logged, recorded and refused, on a real server.

local auto_dialect = require "pghost.input.auto_dialect"
local cjson = require "cjson"
local connection = require "pghost.connection"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"
local shown = require "support.shown"

local folder, dsn, db

local function load(arguments)
  local all = { "--dsn", dsn, "load", table.unpack(arguments) }
  local _, err, code = pghost.run(all, { cd = folder })
  return err, code
end

fixture.each(function(keep)
  folder = keep(pghost.folder())
  dsn = server.get():database()
  db = keep(connection.open { dsn = dsn })
end)

local function recorded()
  local row = db:query("SELECT sniffed, read_as FROM pghost.files ORDER BY file_id DESC LIMIT 1")[1]
  return row.sniffed and cjson.decode(row.sniffed), row.read_as and cjson.decode(row.read_as)
end

describe("pghost load --auto", function()
  it("reads each file with what it finds, says so, and records it", function()
    pghost.write(folder .. "/a.csv", "id;name\n1;'a;b'\n2;'c;d'\n3;'e'\n")
    pghost.write(folder .. "/b.csv", "id\tname\n4\tx\n5\ty\n")
    local err, code = load { "a.csv", "b.csv", "--auto", "--into", "public.t", "--create", "--rejects", "table",
      "--max-rejects", "0" }
    assert.equal(0, code, err)
    assert.truthy(err:find("a.csv: delimiter ';', quote ''', encoding utf-8 (confidence 0.", 1, true), err)
    assert.truthy(err:find("b.csv: delimiter '\\t'", 1, true), err)
    assert.equal("1|a;b,2|c;d,3|e,4|x,5|y", db:query(
      "SELECT string_agg(id || '|' || name, ',' ORDER BY id) AS all FROM public.t")[1].all)
    local found, dialect = recorded()
    assert.same({ delimiter = "\t" }, found.options)
    assert.equal("\t", dialect.delimiter)
    assert.equal("whole file, 2 records", found.looked_at)
  end)

  it("finds that there is no header, but loads by position only when told to", function()
    db:query "CREATE TABLE public.t (id int, name text, x numeric)"
    pghost.write(folder .. "/a.csv", "1;a;2.5\n2;b;3.5\n3;c;4.5\n")
    local err, code = load { "a.csv", "--auto", "--into", "public.t" }
    assert.equal(1, code)
    assert.truthy(err:find("a.csv: the header is not clear: none is seen (the first record has values as those below "
      .. "in 2 columns), and without one fields go to the table's columns by position; give --no-header if they are "
      .. "to, or --header 1\n", 1, true), err)
    err, code = load { "a.csv", "--auto", "--into", "public.new", "--create" }
    assert.equal(0, code, err)
    assert.truthy(err:find("no header", 1, true), err)
    err, code = load { "a.csv", "--auto", "--no-header", "--into", "public.t" }
    assert.equal(0, code, err)
    assert.equal(3, db:query("SELECT count(*) AS n FROM public.t")[1].n)
  end)

  it("reads preambles, footers, comments, escapes and other encodings with what it finds, packed, too", function()
    local body = "id;name;city\n1;Jos\xe9;K\xf6ln\n2;Zo\xeb;M\xfcnchen\n3;Ren\xe9;N\xfcrnberg\n"
    local named = "1|José|Köln,2|Zoë|München,3|René|Nürnberg"
    local plain = "id,name,city\n1,\"say \\\"a\\\", b\",x\n2,\"say \\\"c\\\", d\",y\n3,\"say \\\"e\\\", f\",z\n"
    for name, case in pairs {
      skip = { "Export of today\n\n" .. body, named },
      comment = { "# made by hand\n" .. body:gsub("\n2;", "\n# more\n2;"), named },
      footer = { body .. "Total: 3 records\n", named },
      escape = { plain, '1|say "a", b|x,2|say "c", d|y,3|say "e", f|z' },
    } do
      for _, pack in ipairs { "", "gzip -n %s.csv", "python3 -m zipfile -c %s.zip %s.csv && rm %s.csv" } do
        pghost.shell(("cd %s && rm -f *.csv *.gz *.zip"):format(folder))
        pghost.write(folder .. "/" .. name .. ".csv", case[1])
        pghost.shell(("cd %s && %s"):format(folder, pack == "" and "true" or (pack:gsub("%%s", name))))
        local file = name .. (pack == "" and ".csv" or pack:find "^gzip" and ".csv.gz" or ".zip")
        db:query "DROP TABLE IF EXISTS public.t"
        local err, code = load { file, "--auto", "--into", "public.t", "--create" }
        assert.equal(0, code, file .. err)
        assert.equal(case[2], db:query("SELECT string_agg(concat_ws('|', id, name, city), ',' ORDER BY id) AS all "
          .. "FROM public.t")[1].all, file .. err)
      end
    end
  end)

  it("leaves what is given", function()
    pghost.write(folder .. "/a.csv", "a;b,c\n1;2,3\n4;5,6\n")
    local err, code = load { "a.csv", "--auto", "--delimiter", ",", "--into", "public.t", "--create" }
    assert.equal(0, code, err)
    assert.equal("1;2", db:query("SELECT * FROM public.t ORDER BY 1")[1][1])
  end)

  it("refuses what is not clear, and says what to give", function()
    pghost.write(folder .. "/a.csv", "1;2|3\n4;5|6\n7;8|9\n")
    local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create" }
    assert.equal(1, code)
    assert.truthy(err:find("a.csv: the dialect is not clear: it could be read in two ways", 1, true), err)
    assert.truthy(err:find("; give delimiter, quote, encoding, header\n", 1, true), err)
    assert.equal(0, db:query("SELECT count(*) AS n FROM pg_class WHERE relname = 't'")[1].n)
  end)

  it("says that it is the header alone that is not clear", function()
    pghost.write(folder .. "/a.csv", "left,right\nup,down\n")
    local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create" }
    assert.equal(1, code)
    assert.truthy(err:find("a.csv: the header is not clear: the first record is taken for one (confidence 0.", 1, true),
      err)
    assert.truthy(err:find("; give header = 1 or header = false (--header 1, --no-header)\n", 1, true), err)
    err, code = load { "a.csv", "--auto", "--header", "1", "--into", "public.t", "--create" }
    assert.equal(0, code, err)
    assert.equal(1, db:query("SELECT count(*) AS n FROM public.t")[1].n)
  end)

  it("names the sign that could separate the names of one column", function()
    pghost.write(folder .. "/a.csv", "CODE}AREA\n600}S. Po Is-SB\n601}N. Pike Is-SB\n602}Salley Is-SB\n")
    local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create" }
    assert.equal(1, code)
    assert.truthy(err:find(", and delimiter = '}' (--delimiter '}') if it separates fields\n", 1, true), err)
    err, code = load { "a.csv", "--auto", "--delimiter", "}", "--into", "public.t", "--create" }
    assert.equal(0, code, err)
    assert.equal(3, db:query("SELECT count(*) AS n FROM public.t WHERE code > 0 AND area <> ''")[1].n)
  end)

  it("refuses one column where a delimiter could be meant, and names with line ends in them", function()
    local lines = { "Export of Kraków" }
    for i = 1, 20 do
      lines[#lines + 1] = ("desk@example.org=37ff60da-5bd8-4834-3585-24f65f7166%02d"):format(i)
    end
    pghost.write(folder .. "/a.csv", table.concat(lines, "\n") .. "\n")
    local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create" }
    assert.equal(1, code)
    assert.truthy(err:find("a.csv: the dialect is not clear: it could be read in two ways", 1, true), err)
    pghost.write(folder .. "/a.csv", [["he said ""no"""~"line one
line two"
"C:\temp"~"a fox"
""~"x = y"
"5 pipe"~"50% off"
]])
    err, code = load { "a.csv", "--auto", "--into", "public.t", "--create" }
    assert.equal(1, code)
    assert.truthy(err:find("a.csv: the header is not clear", 1, true), err)
  end)

  it("says that the header has a name less", function()
    local help = "a.csv: the header is not clear: line 1 could be names: 3, where the records have 4 fields; where "
      .. "the records end in a delimiter, give --skip 0 --header 1 --trailing-delimiter skip, else "
      .. "--skip 1 --no-header\n"
    for text, options in pairs {
      ["id,name,x\n1,Ann,3,\n4,Bob,6,\n7,Cid,9,\n"] = { "--skip", "0", "--header", "1", "--too-many", "cut" },
      ["size,cyl,disp\nA X4,21.0,6,160\nB 7,22.8,4,108\nC,21.4,6,258\n"] = { "--skip", "1", "--no-header" },
    } do
      db:query "DROP TABLE IF EXISTS public.t"
      pghost.write(folder .. "/a.csv", text)
      local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create" }
      assert.equal(1, code)
      assert.truthy(err:find(help, 1, true), err)
      err, code = load { "a.csv", "--auto", "--into", "public.t", "--create", table.unpack(options) }
      assert.equal(0, code, err)
      assert.equal(3, db:query("SELECT count(*) AS n FROM public.t")[1].n)
    end
  end)

  it("refuses where the line above could be a header, or a record", function()
    for text, why in pairs {
      ["a,b,c,d,e\n1,2,3\n4,5,6\n7,8,9\n"] = "line 1 could be names: 5, where the records have 3 fields; where "
        .. "records may end early, give --skip 0 --header 1 --too-few pad, else --skip 1 --no-header",
      ["1\t2\t3\n2\t3\t4\t\n3\t4\t5\t\n4\t5\t6\t\n"] = "line 1 could be a record: it has 3 fields, those below "
        .. "have 4; where the records end in a delimiter, give --skip 0 --trailing-delimiter skip, and --header 1 or "
        .. "--no-header, else --skip 1 --no-header",
    } do
      pghost.write(folder .. "/a.csv", text)
      local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create" }
      assert.equal(1, code)
      assert.truthy(err:find("a.csv: the header is not clear: " .. why, 1, true), err)
    end
    local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create", "--skip", "1", "--no-header" }
    assert.equal(0, code, err)
  end)

  it("takes no record as the header that is given", function()
    for _, text in ipairs { "id;name;qty\n1,5,5\n2,7,6\n3,6,7\n4,6,7\n", "May\n1,5,5\n2,7,6\n3,6,7\n4,6,7\n" } do
      pghost.write(folder .. "/a.csv", text)
      local err, code = load { "a.csv", "--auto", "--header", "1", "--into", "public.t", "--create" }
      assert.equal(1, code, err)
      assert.truthy(err:find("a.csv: the header is not clear: it is given, but below the 1 line found above the table "
        .. "only records are seen; give skip, the number of lines above the header (--skip 0 if it is line 1)\n", 1,
        true), err)
    end
    local err, code = load { "a.csv", "--auto", "--skip", "1", "--header", "1", "--into", "public.t", "--create" }
    assert.equal(0, code, err)
    assert.equal(3, db:query("SELECT count(*) AS n FROM public.t")[1].n)
  end)

  it("takes line 1 as the header where delimiter and header are given", function()
    pghost.write(folder .. "/a.csv", "version,name,made\n1,a\n2,b\n3,c,2024-01-03\n")
    local err, code = load { "a.csv", "--auto", "--delimiter", "comma", "--header", "1", "--too-few", "pad", "--into",
      "public.t", "--create" }
    assert.equal(0, code, err)
    assert.is_nil(err:find("above the table", 1, true), err)
    assert.equal("1a,2b,3c2024-01-03", db:query(
      "SELECT string_agg(concat(version, name, made), ',' ORDER BY version) AS all FROM public.t")[1].all)
  end)

  it("finds the rest for the delimiter and the quote that are given", function()
    pghost.write(folder .. "/a.csv", "a,b,c,d\n1,2,3\n4,5,6\n7,8,9,x\n5,6,7\n")
    local err, code = load { "a.csv", "--auto", "--delimiter", "comma", "--too-few", "pad", "--into", "public.t",
      "--create" }
    assert.equal(1, code)
    assert.truthy(err:find("line 1 could be names: 4, where the records have 3 fields", 1, true), err)
    err, code = load { "a.csv", "--auto", "--delimiter", "comma", "--skip", "0", "--header", "1", "--too-few", "pad",
      "--into", "public.t", "--create" }
    assert.equal(0, code, err)
    assert.is_nil(err:find("preamble", 1, true), err)
    assert.equal("1|2|3|,4|5|6|,7|8|9|x,5|6|7|", db:query([[SELECT string_agg(concat(a, '|', b, '|', c, '|', d), ','
      ORDER BY ctid) AS all FROM public.t]])[1].all)

    pghost.write(folder .. "/b.csv", "when;what, and so on;x\n1;a, b, c;2\n2;b, c, d;3\n3;c, d, e;4\n")
    err, code = load { "b.csv", "--auto", "--delimiter", "tab", "--into", "public.u", "--create" }
    assert.equal(1, code)
    assert.truthy(err:find("b.csv: the header is not clear: with delimiter '\\t'", 1, true), err)
    err, code = load { "b.csv", "--auto", "--skip", "1", "--into", "public.u", "--create" }
    assert.equal(1, code)
    assert.truthy(err:find("b.csv: the header is not clear: skip is 1, and below that only records are seen", 1, true),
      err)

    pghost.write(folder .. "/c.csv", "id|it's\n1|'a'\n2|'b'\n3|'c'\n")
    err, code = load { "c.csv", "--auto", "--quote", "", "--into", "public.v", "--create" }
    assert.equal(0, code, err)
    assert.equal("'a''b''c'", db:query("SELECT string_agg(it_s, '' ORDER BY ctid) AS all FROM public.v")[1].all)
  end)

  it("refuses what is lined up with blanks, or of any width", function()
    for text, why in pairs {
      ["name    x   y\nAnn     1   12\nBob    12    3\nCid     5    7\n"] =
        "no delimiter separates them: columns seem to be aligned with spaces",
      ["a,b,c,d,e,f\n1,2\n1,2,3\n1,2,3,4\n1,2,3,4,5\n1,2,3,4,5,6\n1\n1,2\n"] =
        "no reading gives most records the same number of fields: with delimiter ',' (comma)",
    } do
      pghost.write(folder .. "/a.csv", text)
      local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create" }
      assert.equal(1, code)
      assert.truthy(err:find("a.csv: the dialect is not clear: " .. why, 1, true), err)
    end
  end)

  it("loads, or refuses, but drops nothing", function()
    local refused = "refused"
    for name, case in pairs {
      short = { "id,name,x\n1,A,2\n2,B,3\n3,C", refused },
      long = { "id,name,x\n1,A,2\n2,B,3\n3,C,4,5\n", refused },
      open = { 'id,name,x\n1,A,2\n2,B,3\n3,"C,4\n', refused },
      ragged = { "a,b,c,d\n1,2,3,4\n1,2,3,4,5\n1,2,3\n1,2,3,4\n", refused },
      tables = { "id,name,x\n" .. ("1,A,2\n"):rep(8) .. "\nid,a,b,c,d\n" .. ("1,2,3,4,5\n"):rep(8), refused },
      turns = { "Client,1,Foo\nAccount,2,H,12-0,US\nAccount,3,H,22-1,CA\nClient,2,BAR\nAccount,4,C,21-1,CA\n",
        refused },
      commas = { ",a,\n,b,\n,c,\nd", refused },
      comments = { "# by hand\n# so\nid,x\n# and\n# so\n1,a\n# on\n2,b\n", "id,x/1,a/2,b" },
      title = { '"Sales, all",,\n,,\nid,name,city\n1,A,Rome\n2,B,Oslo\n', "id,name,city/1,A,Rome/2,B,Oslo" },
      days = { "who,1/22/20,1/23/20\na,0,1\nb,2,3\nc,5,8\n", "who,_1_22_20,_1_23_20/a,0,1/b,2,3/c,5,8" },
    } do
      db:query "DROP TABLE IF EXISTS public.t"
      pghost.write(folder .. "/a.csv", case[1])
      local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create" }
      if case[2] == refused then
        assert.equal(1, code, name .. err)
      else
        assert.equal(0, code, name .. err)
        local rows = db:query([[SELECT (SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
          WHERE attrelid = 'public.t'::regclass AND attnum > 0) || '/'
          || string_agg(translate(t::text, '()', ''), '/' ORDER BY ctid) AS all FROM public.t]])
        assert.equal(case[2], rows[1].all, name)
      end
    end
  end)

  it("writes a rejects file, which is standard CSV", function()
    pghost.write(folder .. "/a.csv", "a;b\n1;2\n3;4\n5;6;7\n8;9\n")
    local err, code = load { "a.csv", "--auto", "--into", "public.t", "--create", "--header", "1", "--rejects",
      "bad.csv", "--max-rejects", "1" }
    assert.equal(0, code, err)
    assert.truthy(pghost.read(folder .. "/bad.csv"):find("too many fields: 3 of 2,5;6;7,", 1, true))
  end)

  it("refuses standard input", function()
    local err, code = load { "-", "--auto", "--into", "public.t", "--create" }
    assert.equal(2, code)
    assert.truthy(err:find("standard input can be read only once", 1, true), err)
  end)
end)

describe("run:load with dialect = 'auto'", function()
  local rules = r.table("item", { { "id", r.bigint() }, { "name", r.text() } })

  local function run_with(options)
    local out = shown.sink()
    local _, problem = pcall(function()
      local run <close> = pipeline.start("spec", { data = folder }, { arguments = {}, dsn = dsn, out = shown.sink(),
        log = { out = out, format = "text", quiet = false } })
      run:load("item", "item.csv", rules, options)
      run:publish()
    end)
    return out.text, problem
  end

  it("logs and records what it found", function()
    pghost.write(folder .. "/item.csv", "id|name\n1|a\n2|b\n")
    local log, problem = run_with { dialect = "auto" }
    assert.is_nil(problem, tostring(problem))
    assert.truthy(log:find("item.csv: delimiter '|'", 1, true), log)
    assert.same({ delimiter = "|" }, recorded().options)
    assert.equal(2, db:query("SELECT count(*) AS n FROM item")[1].n)
  end)

  it("records nothing where the dialect is given", function()
    pghost.write(folder .. "/item.csv", "id|name\n1|a\n2|b\n")
    local _, problem = run_with { delimiter = "|" }
    assert.is_nil(problem, tostring(problem))
    assert.is_nil(recorded())
  end)

  it("knows no other word", function()
    pghost.write(folder .. "/item.csv", "id|name\n1|a\n2|b\n")
    local _, problem = run_with { dialect = "guess" }
    assert.equal("run:load 'item': dialect: 'auto' expected, got 'guess'", tostring(problem))
  end)
end)

describe("what was found", function()
  it("is said in one line", function()
    local csv = require "pghost.sniff"
    local line = auto_dialect.describe(csv.sniff_string("Report, all\n\nid;p\n1;1,5\n2;2,5\n3;3,5\nTotal\n"))
    assert.equal("delimiter ';', quote '\"', encoding utf-8, 2 preamble lines, 1 footer line",
      (line:gsub(" %(confidence 0%.%d%d%)$", "")))
  end)
end)

describe("migrations of the history", function()
  it("come in whatever order their numbers are", function()
    local metadata = require "pghost.run.schema"
    metadata.migrate(db)
    db:exec [[
      ALTER TABLE pghost.files DROP COLUMN sniffed;
      DELETE FROM pghost.migrations WHERE version = 9;]]
    metadata.migrate(db)
    assert.equal(1, db:query([[SELECT count(*) AS n FROM pg_attribute
      WHERE attrelid = 'pghost.files'::regclass AND attname = 'sniffed']])[1].n)
  end)
end)
