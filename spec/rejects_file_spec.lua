-- The rejects file: what `pghost load --rejects` and `pghost rejects --csv` write, a person corrects, and
-- `pghost load` takes back. What it holds is held against Python's csv.

local cjson = require "cjson"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local reader = require "pghost.rejects.reader"
local rejects_file = require "pghost.rejects.file"
local server = require "support.server"

local folder, dsn

local function path(name)
  return folder .. "/" .. name
end

local function write(name, text)
  return pghost.write(path(name), text)
end

local function read(name)
  return pghost.read(path(name))
end

local function psql(sql)
  local out, err, code = pghost.psql(dsn, sql)
  assert.equal(0, code, err)
  return (out:gsub("\n$", ""))
end

local function load(...)
  local _, err, code = pghost.run({ "--dsn", dsn, "load", ... }, { cd = folder })
  return err, code
end

local function must_load(...)
  local err, code = load(...)
  assert.equal(0, code, err)
  return err
end

local function must_fail(code, message, ...)
  local err, got = load(...)
  assert.same({ code, message }, { got, err:match "pghost: ([^\n]*)" }, err)
end

-- Rows as Python reads them.
local function python_rows(name)
  return cjson.decode((pghost.shell(([[cd %s && python3 -c '
import csv, json, sys
print(json.dumps(list(csv.reader(open(sys.argv[1], encoding="utf-8-sig", newline="")))))' %s]]):format(folder,
    pghost.quote(name)))))
end

local function change(name, changes)
  local text = read(name)
  for _, one in ipairs(changes) do
    local from, to = text:find(one[1], 1, true)
    assert.truthy(from, text)
    text = text:sub(1, from - 1) .. one[2] .. text:sub(to + 1)
  end
  write(name, text)
end

fixture.each(function(keep)
  folder = keep(pghost.folder())
  dsn = server.get():database()
  psql "CREATE TABLE item (id int, name text)"
end)

local dirty = 'id,name\n1,a\nx,"b ""q"", c"\n2,b\n4,d,e\n'

describe("a rejects file", function()
  it("has the fields as columns, and where and why after them", function()
    write("f.csv", dirty)
    must_load("f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv")
    local rows = python_rows "r.csv"
    assert.same({ "id", "name", "_reject", "_file", "_line", "_column", "_reason", "_original", "_load" },
      rows[1])
    assert.same({ "x", 'b "q", c', rows[2][3], "f.csv", "3", "id", "not an integer 'x'", "",
      '{"into":"public.item"}' }, rows[2])
    assert.same({ "", "", rows[3][3], "f.csv", "5", "", "too many fields: 3 of 2", "4,d,e",
      '{"into":"public.item"}' }, rows[3])
    assert.equal(3, #rows)
    local digest = pghost.shell(([[cd %s && python3 -c '
import hashlib
content = hashlib.sha256(open("f.csv", "rb").read()).hexdigest()
print(hashlib.sha256((content + ":5:4,d,e").encode()).hexdigest()[:24], end="")']]):format(folder))
    assert.equal(digest, rows[3][3]:sub(10)) -- after h and the load
  end)

  it("is corrected in its fields or its original bytes, and loaded again", function()
    write("f.csv", dirty)
    must_load("f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv")
    change("r.csv", { { "x,", "3," } })
    must_fail(1, "r.csv:3: too many fields: 3 of 2", "r.csv", "--into", "item")
    change("r.csv", { { '"4,d,e"', '"4,d"' } })
    assert.matches("^r.csv holds 2 rejected records of 'f.csv'\nloaded 2 records from 1 file",
      must_load("r.csv", "--into", "item"))
    assert.equal('1|a\n2|b\n3|b "q", c\n4|d', psql "SELECT * FROM item ORDER BY id")
    psql "DELETE FROM item WHERE id > 2"
    change("r.csv", { { "\n,,", "\n5,five," } }) -- filled in: these are the record
    must_load("r.csv", "--into", "item")
    assert.equal('1|a\n2|b\n3|b "q", c\n5|five', psql "SELECT * FROM item ORDER BY id")
  end)

  it("is standard CSV whatever the files were, and loads with the options of their load", function()
    local plain = "id,name\n1,a\nx,b\ny,c\n"
    for _, case in ipairs {
      { plain .. "the end,of it\n", "--footer", "1" },
      { "a title\n\n" .. plain, "--skip", "2" },
      { "id,\n,name\n1,a\nx,b\ny,c\n", "--header", "2" },
      { plain:gsub("\n", "\r"), "--line-end", "cr" },
      { plain:gsub(",", ";"), "--delimiter", ";" },
      { plain:gsub(",", "||"), "--delimiter", "||" },
      { plain, "--quote", "" },
      { plain, "--quote", "", "--escape", "\\" },
      { 'id"name\n1"a\nx"b\ny"c\n', "--quote", "", "--delimiter", '"' },
      { plain:gsub(".", "%0\0"), "--encoding", "utf-16le" },
      { (plain:gsub("^[^\n]*\n", "")), "--no-header" },
    } do
      local words = { table.unpack(case, 2) }
      write("x.csv", case[1])
      psql "TRUNCATE item"
      must_load("x.csv", "--into", "item", "--max-rejects", "100%", "--rejects", "r.csv", "--force",
        table.unpack(words))
      change("r.csv", { { "\nx,", "\n2," }, { "\ny,", "\n3," } })
      must_load("r.csv", "--into", "item", table.unpack(words))
      assert.equal("1=a 2=b 3=c", psql "SELECT string_agg(id || '=' || name, ' ' ORDER BY id) FROM item", words[1])
      must_load("r.csv", "--into", "item") -- and without them
      assert.equal("5", psql "SELECT count(*) FROM item")
    end
  end)

  it("takes the columns of several files together, and says which are whose", function()
    psql "ALTER TABLE item ADD more text DEFAULT 'none'"
    write("a.csv", "id,name\nx,one\n")
    write("b.csv", "more,id\nm,y\n")
    write("c.csv", "name,more,id\nn,,z\n")
    must_load("a.csv", "b.csv", "c.csv", "--into", "item", "--max-rejects", "100%", "--rejects", "r.csv")
    local rows = python_rows "r.csv"
    assert.same({ "id", "name", "more", "_reject", "_file", "_line", "_column", "_reason", "_original", "_columns",
      "_load" }, rows[1])
    assert.same({ "id,name", "more,id", "name,more,id" }, { rows[2][10], rows[3][10], rows[4][10] })
    change("r.csv", { { "\nx,", "\n1," }, { "\ny,", "\n2," }, { "\nz,", "\n3," } })
    must_load("r.csv", "--into", "item")
    assert.equal("1|one|none\n2||m\n3|n|", psql "SELECT * FROM item ORDER BY id") -- a's default, c's NULL
  end)

  it("knows columns of one name apart, and files without a header", function()
    write("a.csv", "x,one\n")
    write("b.csv", "y,two\n3,three,four\n")
    must_load("a.csv", "b.csv", "--no-header", "--into", "item", "--max-rejects", "100%", "--rejects", "r.csv")
    assert.equal("*2", python_rows("r.csv")[2][9])
    change("r.csv", { { "\nx,", "\n1," }, { "\ny,", "\n2," }, { "3,three,four", "3,three" } })
    must_load("r.csv", "--into", "item")
    assert.equal("1|one\n2|two\n3|three", psql "SELECT * FROM item ORDER BY id")
    write("rules.lua", [[local r = require "pghost.rules"
      return r.table("item", { { "id", r.integer(), from = 2 }, { "name", r.text(), from = 1 } })]])
    write("c.csv", "n,n\nfour,x\n")
    must_load("c.csv", "--rules", "rules.lua", "--into", "item", "--max-rejects", "1", "--rejects", "c_rejects.csv")
    change("c_rejects.csv", { { "four,x", "four,4" } })
    must_load("c_rejects.csv", "--rules", "rules.lua", "--into", "item")
    assert.equal("four", psql "SELECT name FROM item WHERE id = 4")
  end)

  it("has no cell that a spreadsheet calculates, and gives each back as it was", function()
    psql "CREATE TABLE pair (a text, b text, c int)"
    local values = { "=1+1", "+49", "-5", "@x", "'=1", "''+", "'plain", "\tt", "\rr", " =1", "1-2", "'" }
    local lines = { 'a,b,c' }
    for i, value in ipairs(values) do
      lines[#lines + 1] = ('"%s","-%d",x'):format(value, i)
    end
    write("f.csv", table.concat(lines, "\n") .. "\n")
    must_load("f.csv", "--into", "pair", "--max-rejects", "100%", "--rejects", "r.csv")
    for i, row in ipairs(python_rows "r.csv") do
      for _, cell in ipairs(row) do
        assert.falsy(cell:find "^[=+%-@\t\r]", cell)
      end
      assert.truthy(i == 1 or row[1]:gsub("^'", "") ~= nil)
    end
    local text = read "r.csv"
    write("r.csv", (text:gsub(",x,h", ",7,h")))
    must_load("r.csv", "--into", "pair")
    for i, value in ipairs(values) do
      assert.equal("1", psql(("SELECT count(*) FROM pair WHERE a = E'%s' AND b = '-%d' AND c = 7"):format(
        value:gsub("'", "''"):gsub("\t", "\\t"):gsub("\r", "\\r"), i)), value)
    end
  end)

  it("keeps NULL and '' apart, blanks, line ends and what is not ASCII", function()
    psql "CREATE TABLE wide (a text, b text, c text, d text, e int)"
    local record = ',"", x ,"two\r\nlines, ""é"" 日",'
    write("f.csv", "a,b,c,d,e\n" .. record .. "bad\n")
    must_load("f.csv", "--into", "wide", "--max-rejects", "1", "--rejects", "r.csv")
    change("r.csv", { { "bad,h", "1,h" } })
    must_load("r.csv", "--into", "wide")
    write("good.csv", "a,b,c,d,e\n" .. record .. "1\n")
    must_load("good.csv", "--into", "wide")
    assert.equal("1|2", psql "SELECT count(DISTINCT wide), count(*) FROM wide")
  end)

  it("keeps bytes that are no text as digits, and takes them back", function()
    psql "CREATE TABLE blob (a text, b text)"
    write("f.csv", "a,b\n1,\xe9\n\\x41,b,c\n")
    must_load("f.csv", "--into", "blob", "--max-rejects", "2", "--rejects", "r.csv")
    local rows = python_rows "r.csv"
    assert.equal("\\x312ce9", rows[2][8])
    assert.equal("\\x5c7834312c622c63", rows[3][8]) -- so that \x always means digits
    change("r.csv", { { "\\x5c7834312c622c63", "\\x5c7834312c62" } })
    must_fail(1, "r.csv:2: column 2: not valid utf-8: 0xE9", "r.csv", "--into", "blob")
    must_load("r.csv", "--into", "blob", "--max-rejects", "1")
    assert.equal("\\x41|b", psql "SELECT * FROM blob")
  end)

  it("comes back from a spreadsheet with semicolons, CRLF and a byte order mark", function()
    write("f.csv", dirty)
    must_load("f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv")
    pghost.shell(([[cd %s && python3 -c '
import csv
rows = list(csv.reader(open("r.csv", encoding="utf-8-sig", newline="")))
rows[1][0], rows[2][0], rows[2][1] = "8", "9", "nine"
csv.writer(open("s.csv", "w", encoding="utf-8-sig", newline=""), delimiter=";").writerows(rows)']]):format(folder))
    must_load("s.csv", "--into", "item")
    assert.equal('8|b "q", c\n9|nine', psql "SELECT * FROM item WHERE id > 7 ORDER BY id")
  end)

  it("stays what it was where its records are rejected once more", function()
    write("f.csv", dirty)
    must_load("f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv")
    local first = python_rows "r.csv"
    must_load("r.csv", "--into", "item", "--max-rejects", "2", "--rejects", "again.csv")
    assert.same(first, python_rows "again.csv")
    must_load("r.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv") -- the one that is loaded
    assert.same(first, python_rows "r.csv")
  end)

  it("is not written over once it holds records", function()
    write("f.csv", dirty)
    write("good.csv", "id,name\n8,h\n")
    must_load("good.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv")
    must_load("f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv") -- it held none
    local text, count = read "r.csv", psql "SELECT count(*) FROM item"
    must_fail(1, "'r.csv' exists, and corrections in it would be lost: load or remove it, or give "
      .. "--force", "f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv")
    assert.same({ text, count }, { read "r.csv", psql "SELECT count(*) FROM item" })
    must_load("f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv", "--force")
    write("other.csv", "my,own\n1,2\n")
    must_fail(1, "'other.csv' exists, and corrections in it would be lost: load or remove it, or give "
      .. "--force", "f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "other.csv")
  end)

  it("is loaded as it is where the table has its columns, or is made after it", function()
    write("f.csv", dirty)
    must_load("f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv")
    psql [[CREATE TABLE log (id text, name text, _reject text, _file text, _line int, _column text, _reason text,
      _original text)]]
    must_load("r.csv", "--into", "log")
    must_load("r.csv", "--into", "made", "--create")
    assert.equal("2|2", psql "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM made)")
  end)

  it("holds a record that repeats the header", function()
    psql "CREATE TABLE pair (id text, name text)"
    write("x.csv", "id,name\nid,name\n1,a\n")
    must_load("x.csv", "--into", "pair", "--max-rejects", "1", "--rejects", "r.csv")
    must_load("r.csv", "--into", "pair", "--repeated-header", "load")
    assert.equal("1|a\nid|name", psql 'SELECT * FROM pair ORDER BY id COLLATE "C"')
  end)

  it("holds a record that was too long", function()
    local long = ('"'):rep(18 * 1024 * 1024)
    write("x.csv", 'id,name\n1,"' .. long .. '"\n2,b\n')
    must_load("x.csv", "--into", "item", "--max-rejects", "1", "--rejects", "r.csv")
    must_fail(1, "r.csv:2: record too long: 18874372 bytes", "r.csv", "--into", "item")
    must_load("r.csv", "--into", "item", "--max-record", "20000000")
    assert.equal("1|9437184\n2|1", psql "SELECT id, length(name) FROM item ORDER BY id")
  end)
end)

describe("pghost.rejects.reader", function()
  it("gives each record with where it is from", function()
    write("f.csv", dirty)
    must_load("f.csv", "--into", "item", "--max-rejects", "2", "--rejects", "r.csv")
    local one <close> = reader.open { path = path "r.csv" }
    local list = {}
    for record in one:records() do
      list[#list + 1] = record
    end
    assert.equal(2, #list)
    assert.same({ 2, "f.csv", 3, { "id", "name" }, { "x", 'b "q", c' } }, { list[1].at, list[1].file, list[1].line,
      list[1].columns, list[1].fields })
    assert.same({ 3, 5, nil, "4,d,e" }, { list[2].at, list[2].line, list[2].fields, list[2].original })
    assert.matches("^h%x+$", list[2].reject)
    assert.is_nil(reader.open { path = path "f.csv" })
  end)

  it("makes cells inert in a way that can be undone", function()
    for _, text in ipairs { "", "a", "'", "''", "=", "'=", "''=", "-1", "'-1", "\t", "'a" } do
      assert.equal(text, rejects_file.restored((rejects_file.inert(text))))
    end
  end)
end)
