-- pghost rejects: listed, exported to be corrected and loaded again, waived.

local cjson = require "cjson"
local fixture = require "support.fixture"
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
rows = list(csv.reader(open(sys.argv[1], encoding="utf-8-sig", newline=""), delimiter=sys.argv[2]))
print(json.dumps(rows))' %s %s]]):format(here.folder, pghost.quote(name), pghost.quote(delimiter or ",")))
  return cjson.decode(out)
end

local dirty = 'id,name\n1,a\nx,"two\nlines, ""quoted"""\n3,c\xe9\n1,again\n5,too,many\n6,"q"q\ny,=1+1\n'

fixture.each(function(keep)
  here = keep(project.new { ["item.csv"] = dirty })
end)

describe("pghost rejects", function()
  it("names the tables there are when it does not know one", function()
    run_pipeline()
    must_fail(1, "no table 'nope' in run 1: it has item", "--table", "nope")
    must_fail(1, "no table 'nope' in run 1: it has item", "1", "--table", "nope", "--csv", "-")
    must_fail(1,
      "no rule 'nope' in run 1: it has encoding, fields, key, quote, type", "--table", "item", "--rule", "nope")
  end)

  it("are counted per file and rule in one query", function()
    here:write("item2.csv", "id,name\ny,b\n1,c,d\n")
    run_pipeline()
    local counts = require("pghost.load.reject_counts").read({ conn = here.conn, id = 1 }, "item")
    local by_file = here:ask "SELECT file_id, count(*) FROM pghost.rejects WHERE rule <> 'key' GROUP BY 1 ORDER BY 1"
    for line in by_file:gmatch("[^\n]+") do
      local file_id, records = line:match("^(%d+)|(%d+)$")
      assert.equal(tonumber(records), counts.by_file[tonumber(file_id)])
    end
    for line in here:ask("SELECT rule, count(*) FROM pghost.rejects GROUP BY 1"):gmatch("[^\n]+") do
      local rule, records = line:match("^(.-)|(%d+)$")
      assert.equal(tonumber(records), counts.by_rule[rule])
    end
    assert.equal(here:ask "SELECT count(*) FROM pghost.rejects WHERE rule <> 'key'", tostring(counts.total))
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

  -- The first cells of each record that is written, and what Python sees of the rest.
  local function written(...)
    rejects("--csv", here.folder .. "/out.csv", "--force", ...)
    return python_rows "out.csv"
  end

  it("writes the records with their numbers, fields, and reasons", function()
    run_pipeline()
    local _, err = rejects("--csv", here.folder .. "/bad.csv")
    assert.equal(("6 records written to %s/bad.csv\nan apostrophe in front of 1 cell keeps spreadsheets from "
      .. "evaluating it; reading the file removes it\n"):format(here.folder), err)
    local ids = {}
    for row in here.conn:query("SELECT reject_id FROM pghost.rejects ORDER BY line"):rows() do
      ids[#ids + 1] = tostring(row.reject_id)
    end
    local rows = python_rows "bad.csv"
    assert.same({ "id", "name", "_reject", "_file", "_line", "_column", "_reason", "_original" }, rows[1])
    assert.same({ "x", 'two\nlines, "quoted"', ids[1], "item.csv", "3", "id", "not a bigint 'x'", "" }, rows[2])
    assert.same({ "", "", ids[2], "item.csv", "5", "", "column 2: not valid utf-8: 0xE9", "\\x332c63e9" }, rows[3])
    assert.same({ "1", "again", ids[3], "item.csv", "6" }, { table.unpack(rows[4], 1, 5) })
    assert.same({ "", "", ids[4], "item.csv", "7", "", "too many fields: 3 of 2", "5,too,many" }, rows[5])
    assert.same({ "", "", '6,"q"q' }, { rows[6][1], rows[6][2], rows[6][8] })
    assert.same({ "y", "'=1+1", ids[6] }, { table.unpack(rows[7], 1, 3) })
    assert.equal(here:read("bad.csv"):gsub("^\u{feff}", ""), (rejects("1", "--csv", "-")))
    assert.equal(2, #written("--limit", "1"))
    assert.equal(2, #written("--rule", "encoding"))
  end)

  it("writes what can be corrected and loaded again", function()
    run_pipeline()
    rejects("--csv", here.folder .. "/bad.csv")
    local text = here:read "bad.csv"
    text = text:gsub("\nx,", "\n2,"):gsub("\\x332c63e9", '"3,c"'):gsub("\n1,again,[^\n]*", ""):gsub(",many", "")
      :gsub('""q""q', "q"):gsub("\ny,", "\n7,")
    here:write("bad.csv", text)
    local _, err, code = here:pghost("load", "bad.csv", "--into", "item")
    assert.equal(0, code, err)
    assert.equal("1|a\n2|two\nlines, \"quoted\"\n3|c\n5|too\n6|q\n7|=1+1", here:ask "SELECT * FROM item ORDER BY id")
  end)

  it("does not write over what was corrected", function()
    run_pipeline()
    here:write("bad.csv", "mine")
    local bad = here.folder .. "/bad.csv"
    must_fail(1, ("'%s' exists, and corrections in it would be lost: load or remove it, or give "
      .. "--force"):format(bad), "--csv", bad)
    assert.equal("mine", here:read "bad.csv")
    rejects("--csv", bad, "--force")
    assert.equal(7, #python_rows "bad.csv")
  end)

  it("reads the records in the dialect and the encoding of their files", function()
    here:write("item.csv", "id;'na;me'\rx;'a\nb'\r1;c\ry;'it''s'\r")
    here:write("pipeline.lua", (script:gsub('"name"', '"na;me"'):format("{ delimiter = ';', quote = \"'\" }", "")))
    here:run "pipeline.lua"
    local rows = written()
    assert.same({ "id", "na;me" }, { rows[1][1], rows[1][2] })
    assert.same({ "x", "a\nb", "y", "it's" }, { rows[2][1], rows[2][2], rows[3][1], rows[3][2] })
    here:write("item.csv", "id,name,gr\xf6\xdfe\nx,\xe9,1\n1,b,2\n")
    run_pipeline "{ encoding = 'windows-1252' }"
    rows = written()
    assert.same({ "id", "name", "gr\u{f6}\u{df}e" }, { table.unpack(rows[1], 1, 3) })
    assert.same({ "x", "\u{e9}", "1" }, { table.unpack(rows[2], 1, 3) })
  end)

  it("takes several files and tables together, whatever their headers", function()
    here:write("item_2.csv", "name,id\na,z\n")
    here:write("other.csv", "id\nz\n1\n")
    run_pipeline(nil, [[run:load("oth'er", "other.csv", r.table("o", { { "id", r.bigint() } }))]])
    local rows = written()
    assert.equal("_columns", rows[1][9])
    assert.same({ "z", "a", "item_2.csv", "name,id" }, { rows[8][1], rows[8][2], rows[8][4], rows[8][9] })
    assert.same({ "z", "", "other.csv", "id" }, { rows[9][1], rows[9][2], rows[9][4], rows[9][9] })
    assert.equal("id,_reject,", (rejects("--csv", "-", "--table", "oth'er")):sub(1, 11))
    assert.same({ "name", "id", "_reject" }, { table.unpack(written("--file", "item_2.csv")[1], 1, 3) })
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
    assert.matches("^id,name,[^\n]*\ny,1,[^\n]*\n$", (rejects("1", "--csv", "-", "--file", "b.csv")))
    assert.matches("^id,name,[^\n]*\nx,1,[^\n]*\ny,1,[^\n]*\n$",
      (rejects("1", "--csv", "-", "--file", "item.csv.zip")))
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
    -- a duplicate of what is published is found on the server, and standard input cannot be read again
    here:write("pipeline.lua", (script:gsub('"item%*%.csv"', '"-"'):format("{ mode = 'append' }", "")))
    local function run(text)
      local _, err, code = pghost.run({ "--dsn", here.dsn, "pipeline.lua" }, { cd = here.folder, stdin = text })
      assert.equal(0, code, err)
    end
    run "id,name\n1,a\n"
    run "id,name\n2,a\nx,b\n1,c\n"
    local out, said = rejects("--csv", "-")
    assert.matches("^id,name,[^\n]*\nx,b,[^\n]*\n$", out)
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
    assert.matches('^id,name,"a\'"";b",[^\n]*\n,,,[^\n]*,"x,b,\27%[31m"\n$', (rejects("--csv", "-")))
    must_fail(1, "no rule '' OR 1=1 --' in run 1: it has type", "--rule", "' OR 1=1 --")
  end)

  it("says when it cannot write", function()
    run_pipeline()
    local _, err, code = here:pghost("rejects", "--csv", here.folder .. "/none/x.csv")
    assert.equal(1, code)
    assert.truthy(err:find("^pghost: could not write the rejects '[^\n]*': no such file or directory\n$"), err)
  end)

  it("refuses what makes no sense, and says when there is no run", function()
    local out, err = rejects()
    assert.same({ "", "no runs yet: no pipeline has run in this database\n" }, { out, err })
    must_fail(1, "no run 3 in this database: `pghost runs` lists them", "3")
    must_fail(2, "--force needs --csv (see pghost rejects --help)", "--force")
    must_fail(2, "--csv cannot be combined with --json (see pghost rejects --help)", "--csv", "x", "--json")
    must_fail(2, "--limit: whole number expected, got 'x' (see pghost rejects --help)", "--limit", "x")
  end)
end)
