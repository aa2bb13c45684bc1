-- pghost rejects: listed, exported to be corrected and loaded again, waived.

local cjson = require "cjson"
local pghost = require "support.pghost"
local project = require "support.project"

local here

local script = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local run <close> = pipeline.start("shop", { data = "." })
  run:load("item", "item*.csv", r.table("item", { { "id", r.bigint():required() }, { "name", r.text() } },
    { key = "id" }), %s)
  %s
  run:publish()
]]

local function run_pipeline(options, body)
  here:write("pipeline.lua", script:format(options or "{}", body or ""))
  local err, code = here:run "pipeline.lua"
  assert.equal(0, code, err)
end

-- stdout and stderr of `pghost rejects`, which must end well.
local function rejects(...)
  local out, err, code = here:pghost("rejects", ...)
  assert.equal(0, code, err)
  return out, err
end

local function must_fail(code, message, ...)
  local out, err, got = here:pghost("rejects", ...)
  assert.same({ "", "pghost: " .. message .. "\n", code }, { out, err, got })
end

-- The records that Python's csv reads from a file, as JSON.
local function python_rows(name, delimiter)
  local out = pghost.shell(([[cd %s && python3 -c '
import csv, json, sys
rows = list(csv.reader(open(sys.argv[1], encoding="latin-1", newline=""), delimiter=sys.argv[2]))
print(json.dumps(rows))' %s %s]]):format(here.folder, pghost.quote(name), pghost.quote(delimiter or ",")))
  return cjson.decode(out)
end

local dirty = 'id,name\n1,a\nx,"two\nlines, ""quoted"""\n3,c\xe9\n1,again\n5,too,many\n6,"q"q\ny,=1+1\n'

before_each(function()
  here = project.new { ["item.csv"] = dirty }
end)

after_each(function()
  here:remove()
end)

describe("pghost rejects", function()
  it("names the tables there are when it does not know one", function()
    run_pipeline()
    must_fail(1, "no table 'nope' in run 1: it has item", "--table", "nope")
    must_fail(1, "no table 'nope' in run 1: it has item", "1", "--table", "nope", "--csv", "-")
    assert.truthy(rejects("--table", "item", "--rule", "nope"):find("0 open rejects", 1, true))
  end)

  it("are counted per file and rule in one query", function()
    here:write("item2.csv", "id,name\ny,b\n1,c,d\n")
    run_pipeline()
    local counts, total = require("pghost.rejects.list").counts(here.conn, 1, "item")
    local seen = {}
    for i, one in ipairs(counts) do
      seen[i] = ("%d|%s|%d"):format(one.file_id, one.rule, one.records)
    end
    assert.equal(here:ask [[SELECT file_id, rule, count(*) FROM pghost.rejects GROUP BY 1, 2 ORDER BY 1, 2]],
      table.concat(seen, "\n"))
    assert.equal(here:ask "SELECT count(*) FROM pghost.rejects", tostring(total))
  end)

  it("shows the kinds and the first records, of the last run", function()
    run_pipeline()
    local out = rejects()
    assert.truthy(out:find("^run 1 of 'shop', 20[%d-]+ [%d:]+ UTC: 6 open rejects\n"), out)
    assert.truthy(out:find("\n item  | id     | type     | open  |     1 |       2\n", 1, true), out)
    assert.truthy(out:find("\nitem.csv:3: id: not a bigint 'x'\nitem.csv:5: column 2: not valid utf-8: 0xE9\n"
      .. "item.csv:6: id: duplicate of id '1' at item.csv:2\nitem.csv:7: too many fields: 3 of 2\n", 1, true), out)
    assert.equal("item.csv:3: id: not a bigint 'x'\nitem.csv:5: column 2: not valid utf-8: 0xE9\n"
      .. "and 4 more (--limit N shows more, "
      .. "--csv FILE writes all)\n", rejects("--limit", "2"):match("item%.csv:3.*$"))
    here:write("item.csv", "id,name\n1,a\n")
    run_pipeline()
    assert.truthy(rejects():find("^run 2 of 'shop', [^\n]*: 0 open rejects\n$"))
    assert.truthy(rejects("1", "--rule", "type"):find("item.csv:9: id: not a bigint 'y'\n$"))
  end)

  it("exports the records as they stand in the file, below its header", function()
    run_pipeline()
    local _, err = rejects("--csv", here.folder .. "/bad.csv")
    assert.equal(("6 records written to %s/bad.csv\n"):format(here.folder), err)
    local expected = { "id,name\n" }
    for row in here.conn:query("SELECT byte_offset, byte_length FROM pghost.rejects ORDER BY line"):rows() do
      expected[#expected + 1] = dirty:sub(row.byte_offset + 1, row.byte_offset + row.byte_length) .. "\n"
    end
    assert.equal(7, #expected)
    assert.equal(table.concat(expected), here:read "bad.csv")
    assert.equal(table.concat(expected), (rejects("1", "--csv", "-")))
    assert.equal("id,name\n3,c\xe9\n", (rejects("--csv", "-", "--rule", "encoding")))
    assert.equal('id,name\nx,"two\nlines, ""quoted"""\n', (rejects("--csv", "-", "--limit", "1")))
  end)

  it("exports what can be corrected and loaded again", function()
    run_pipeline()
    rejects("--csv", here.folder .. "/bad.csv")
    local text = here:read "bad.csv"
    text = text:gsub("\nx,", "\n2,"):gsub("c\xe9", "c"):gsub("1,again\n", ""):gsub(",many", ""):gsub('"q"q', "q")
      :gsub("\ny,", "\n7,")
    here:write("bad.csv", text)
    local _, err, code = here:pghost("load", "bad.csv", "--into", "item")
    assert.equal(0, code, err)
    assert.equal("1|a\n2|two\nlines, \"quoted\"\n3|c\n5|too\n6|q\n7|=1+1", here:ask "SELECT * FROM item ORDER BY id")
  end)

  it("exports in the dialect of the file", function()
    here:write("item.csv", "id;'na;me'\rx;'a\nb'\r1;c\ry;'it''s'\r")
    here:write("pipeline.lua", (script:gsub('"name"', '"na;me"'):format("{ delimiter = ';', quote = \"'\" }", "")))
    here:run "pipeline.lua"
    assert.equal("id;'na;me'\rx;'a\nb'\ry;'it''s'\r", (rejects("--csv", "-")))
  end)

  it("writes the header in the encoding of the records", function()
    here:write("item.csv", "id,name,gr\u{f6}\u{df}e\nx,a,1\n1,b,2\n")
    run_pipeline()
    here:ask [[UPDATE pghost.files SET read_as = '{"encoding": "windows-1252"}']] -- as if it had been read so
    assert.equal("id,name,gr\xf6\xdfe\nx,a,1\n", (rejects("--csv", "-")))
    here:ask [[UPDATE pghost.files SET read_as = '{"encoding": "UTF-16BE"}']]
    assert.equal("\xfe\xff\0i\0d\0,\0n\0a\0m\0e\0,\0g\0r\0\xf6\0\xdf\0e\0\nx,a,1\0\n",
      (rejects("--csv", "-")))
  end)

  it("asks for one table, and for one file, where they differ", function()
    here:write("item_2.csv", "name,id\na,z\n")
    here:write("other.csv", "id\nz\n1\n")
    run_pipeline(nil, [[run:load("oth'er", "other.csv", r.table("o", { { "id", r.bigint() } }))]])
    must_fail(2, "the rejects are of several tables, each with columns of its own: add --table with one of 'item', "
      .. "'oth'er'", "--csv", "x.csv")
    assert.equal("id\nz\n", (rejects("--csv", "-", "--table", "oth'er")))
    must_fail(2, "the files of table 'item' differ in header or dialect: add --file with one of 'item.csv', "
      .. "'item_2.csv'", "--csv", "x.csv", "--table", "item")
    assert.equal("name,id\na,z\n", (rejects("--csv", "-", "--file", "item_2.csv")))
    assert.is_nil(io.open(here.folder .. "/x.csv"))
  end)

  it("annotates for a spreadsheet, where no cell is a formula", function()
    here:write("item.csv", 'id,name,"=cmd|x"\nx,=1+1,"+a,\n""b"""\ny,-3,@x\n z,\tt,"\ry"\n5,6\nq, =1,\n1,,\n')
    run_pipeline()
    local _, err = rejects("--csv", here.folder .. "/look.csv", "--annotate")
    assert.equal(("5 records written to %s/look.csv\nchanged: 7 cells begin with an apostrophe, since a spreadsheet "
      .. "would take them for a formula\n"):format(here.folder), err)
    assert.same({
      { "_line", "_rule", "_reason", "id", "name", "'=cmd|x" },
      { "2", "type", "id: not a bigint 'x'", "x", "'=1+1", "'+a,\n\"b\"" },
      { "4", "type", "id: not a bigint 'y'", "y", "'-3", "'@x" },
      { "5", "type", "id: not a bigint ' z'", " z", "'\tt", "'\ry" },
      { "6", "fields", "too few fields: 2 of 3", "5", "6" },
      { "7", "type", "id: not a bigint 'q'", "q", " =1", "" },
    }, python_rows "look.csv")
    assert.truthy((rejects("--csv", "-")):find("\ny,-3,@x\n", 1, true)) -- unchanged without
  end)

  it("annotates records that cannot be read as one cell", function()
    run_pipeline()
    rejects("--csv", here.folder .. "/look.csv", "--annotate")
    local rows = python_rows "look.csv"
    assert.same({ "5", "encoding", "column 2: not valid utf-8: 0xE9", "3,c\u{e9}" }, rows[3])
    assert.same({ "8", "quote" }, { rows[6][1], rows[6][2] })
    assert.same('6,"q"q', rows[6][4])
    assert.same({ "7", "fields", "too many fields: 3 of 2", "5", "too", "many" }, rows[5])
  end)

  it("gives every reject as JSON", function()
    run_pipeline()
    local list = {}
    for line in rejects("--json"):gmatch "[^\n]+" do
      list[#list + 1] = cjson.decode(line)
    end
    assert.equal(6, #list)
    assert.same({ "item.csv", 3, "id", "type", "open", 'x,"two\nlines, ""quoted"""', cjson.null }, { list[1].file,
      list[1].line, list[1].column_name, list[1].rule, list[1].state, list[1].original, list[1].note })
    assert.same({ "332c63e9", nil }, { list[2].original_hex, list[2].original })
  end)

  it("finds the rejects of one member of a zip", function()
    here:write("a.csv", "id,name\nx,1\n")
    here:write("b.csv", "id,name\n1,1\ny,1\n")
    pghost.shell(("cd %s && python3 -m zipfile -c item.csv.zip a.csv b.csv && rm *.csv"):format(here.folder))
    here:write("pipeline.lua", (script:format("{}", ""):gsub("item%*%.csv", "item.csv.zip")))
    assert.equal(0, select(2, here:run "pipeline.lua"))
    assert.equal("id,name\ny,1\n", (rejects("1", "--csv", "-", "--file", "b.csv")))
    assert.equal("id,name\nx,1\ny,1\n", (rejects("1", "--csv", "-", "--file", "item.csv.zip")))
    assert.equal("1 reject of run 1 waived\n", (rejects("1", "--file", "b.csv", "--waive", "known")))
    assert.equal("x:open\ny:waived", here:ask [[SELECT left(encode(original, 'escape'), 1) || ':' || state
      FROM pghost.rejects ORDER BY 1]])
  end)

  it("waives open rejects with a reason", function()
    run_pipeline()
    assert.equal("2 rejects of run 1 waived\n", (rejects("1", "--rule", "type", "--waive", "the shop's \27 fault")))
    assert.equal("2|the shop's \27 fault", here:ask [[SELECT count(*), min(note) FROM pghost.rejects
      WHERE state = 'waived' AND rule = 'type']])
    assert.truthy(rejects():find(": 4 open rejects\n", 1, true))
    local out = rejects("--state", "waived")
    assert.truthy(out:find("not a bigint 'x' [the shop's \\x1b fault]\n", 1, true), out)
    assert.equal("4 rejects of run 1 waived\n", (rejects("1", "--waive")))
    assert.equal("0 rejects of run 1 waived\n", (rejects("1", "--waive", "again")))
    assert.truthy(rejects("--state", "all"):find(": 6 rejects\n", 1, true))
    must_fail(2, "--waive needs the number of the run (see pghost rejects --help)", "--waive")
  end)

  it("says what has no original bytes", function()
    here:write("pipeline.lua", (script:gsub('"item%*%.csv"', '"-"'):format("{}", "")))
    local _, err, code = pghost.run({ "--dsn", here.dsn, "pipeline.lua" }, { cd = here.folder,
      stdin = "id,name\n1,a\nx,b\n1,c\n" })
    assert.equal(0, code, err)
    local out, said = rejects("--csv", "-")
    assert.equal("id,name\nx,b\n", out)
    assert.equal("1 record written\nleft out: 1 reject without their original bytes (from a pipe, or the file has "
      .. "changed)\n", said)
  end)

  it("does what names say and not what is in them", function()
    os.rename(here.folder .. "/item.csv", here.folder .. "/item'; --\27.csv")
    here:write("item'; --\27.csv", 'id,name,"a\'"";b"\nx,b,\27[31m\n1,,\n')
    run_pipeline()
    local out = rejects("--file", "item'; --\27.csv", "--table", "item")
    assert.falsy(out:find("\27", 1, true))
    assert.equal("item'; --\\x1b.csv:2: id: not a bigint 'x'\n", out:match("item'; .*$"))
    assert.equal('id,name,"a\'"";b"\nx,b,\27[31m\n', (rejects("--csv", "-")))
    assert.truthy(rejects("--rule", "' OR 1=1 --"):find(": 0 open rejects\n$"))
  end)

  it("says when it cannot write", function()
    run_pipeline()
    local _, err, code = here:pghost("rejects", "--csv", here.folder .. "/none/x.csv")
    assert.equal(1, code)
    assert.truthy(err:find("^pghost: could not write the rejects: [^\n]*No such file or directory\n$"), err)
  end)

  it("refuses what makes no sense, and says when there is no run", function()
    local out, err = rejects()
    assert.same({ "", "no runs yet: no pipeline has run in this database\n" }, { out, err })
    must_fail(1, "no run 3 in this database: `pghost runs` lists them", "3")
    must_fail(2, "--annotate goes with --csv (see pghost rejects --help)", "--annotate")
    must_fail(2, "--csv and --json exclude each other (see pghost rejects --help)", "--csv", "x", "--json")
    must_fail(2, "whole number expected, got 'x' (see pghost rejects --help)", "--limit", "x")
  end)
end)
