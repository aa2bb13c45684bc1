-- The encoding that is found: right, or not sure and so refused, but never another one. Python's codecs say what is
-- right.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"
local shown = require "support.shown"
local sniff = require "pghost.sniff"

local least = 0.5 -- confidence from which a load takes an encoding (input/auto_dialect.lua)

local function encoding_of(text)
  return sniff.sniff_string(text).dialect.encoding
end

local function good_lines(count)
  local lines = {}
  for i = 1, count do
    lines[i] = ("%d,Müller %d\n"):format(i, i)
  end
  return "id,name\n" .. table.concat(lines)
end

-- Texts in many languages and encodings by chance: how many there are, how many of them are right, refused and wrong,
-- and which are wrong.
local function judge(folder, seed)
  local python = ("python3 %s/spec/support/encodings.py"):format(pghost.root)
  local _, err, code = pghost.shell(("%s write %s %d"):format(python, folder, seed))
  assert.equal(0, code, err)
  local lines = {}
  for line in io.lines(folder .. "/list") do
    local path = line:match "^[^\t]+"
    local found = sniff.sniff(path).dialect.encoding
    lines[#lines + 1] = ("%s\t%s\t%s\n"):format(path, found.value, found.confidence >= least and "yes" or "no")
  end
  local out = pghost.shell(("%s judge %s"):format(python, folder), table.concat(lines))
  local right, refused, wrong, which = out:match "^(%d+) (%d+) (%d+) (.*)"
  return #lines, tonumber(right), tonumber(refused), tonumber(wrong), which
end

describe("the encoding", function()
  local folder, dsn, db

  fixture.once(function(keep)
    folder, dsn = keep(pghost.folder()), server.get():database()
    db = keep(require("pghost.connection").open { dsn = dsn })
  end)

  it("of texts in many languages is right or refused, never another", function()
    -- Of fresh seeds one text in 20,000 may be wrong: of a word or two, in an encoding that is seldom used.
    local given = tonumber(os.getenv("PGHOST_SPEC_SEED"))
    for _, seed in ipairs(given and { given } or { 1, 6, 7, 15, 18, 19, 24, 37 }) do
      local files, right, refused, wrong, which = judge(folder, seed)
      io.write(("\nencodings with seed %d: %d files, %d right, %d refused, %d wrong\n"):format(seed, files, right,
        refused, wrong))
      assert.equal(0, wrong, ("seed %d: %s"):format(seed, which))
      assert.is_true(right >= 0.68 * files, ("seed %d: %d right"):format(seed, right))
    end
  end)

  it("of a word or two of Hebrew, Russian and Czech is not a wide or a western one", function()
    for text, wrong in pairs {
      ["id,name\n1,\x93\x8c \x80\x81\x89\x81\n"] = "shift_jis", -- cp862
      ["id,name\n1,Plze\xe5\n2,Plze\xe5\n"] = "windows-1252", -- cp852
      ["id,name\n1,\xc9\xcd\xd1\n2,\xc9\xcd\xd1\n"] = "gb18030", -- koi8-r
    } do
      local found = encoding_of(text)
      assert.is_true(found.value ~= wrong or found.confidence < least, wrong)
    end
  end)

  it("is UTF-8 where all but a few bytes are", function()
    local text = good_lines(399) .. "400,caf\xe9 x\n"
    local found = encoding_of(text)
    assert.equal("utf-8", found.value)
    assert.is_true(found.confidence >= least)
    assert.equal("799 bytes beyond ASCII in the first bytes, valid UTF-8 but in 1 place",
      (found.reason:gsub("^%d+", "799")))
    local path = pghost.write(folder .. "/bad.csv", text)
    local _, err, code = pghost.run { "--dsn", dsn, "load", path, "--auto", "--create", "--into", "public.bad" }
    assert.equal(1, code)
    assert.is_truthy(err:find("bad.csv:401: column 2: not valid utf-8: 0xE9 0x20", 1, true), err)
    _, err, code = pghost.run { "--dsn", dsn, "load", path, "--auto", "--create", "--into", "public.bad",
      "--max-rejects", "1" }
    assert.equal(0, code, err)
    assert.equal("399", shown.text(db, "SELECT count(*) FROM public.bad WHERE name LIKE 'Müller %'"))
  end)

  it("is not said where half of a text is in one and half in another", function()
    local text = good_lines(20) .. ("21,M\xfcller\n"):rep(20)
    local found = encoding_of(text)
    assert.is_true(found.confidence < least)
    assert.matches("could be '.*' or 'utf%-8'", found.reason)
  end)

  it("is refused by a load where it is not sure, with the candidates", function()
    local path = pghost.write(folder .. "/one.csv", "id,name\n1,M\xfcller\n2,Smith\n")
    local function load(...)
      local _, err, code = pghost.run { "--dsn", dsn, "load", path, "--auto", "--create", "--into", "public.one", ... }
      return err, code
    end
    local err, code = load()
    assert.equal(1, code)
    assert.matches("one.csv: the encoding is not clear: not UTF%-8; 1 byte beyond ASCII could be 'windows%-1252' or "
      .. "'.-'; give it: %-%-encoding windows%-1252, %-%-encoding ", err)
    err, code = load("--encoding", "windows-1252")
    assert.equal(0, code, err)
    assert.equal("1|Müller\n2|Smith", shown.text(db, "SELECT * FROM public.one ORDER BY 1"))
  end)

  -- As Python decodes them.
  local names = "id,name\n1,Müller\n2,Sørensen\n3,José\n4,Zoë\n5,François\n6,Nuñez\n7,Ångström\n"
  for _, case in ipairs {
    { "windows-1252", "id,name\n1,M\xfcller\n2,S\xf8rensen\n3,Jos\xe9\n"
      .. "4,Zo\xeb\n5,Fran\xe7ois\n6,Nu\xf1ez\n7,\xc5ngstr\xf6m\n" },
    { "macintosh", "id,name\n1,M\x9fller\n2,S\xbfrensen\n3,Jos\x8e\n"
      .. "4,Zo\x91\n5,Fran\x8dois\n6,Nu\x96ez\n7,\x81ngstr\x9am\n" },
    { "cp850", "id,name\n1,M\x81ller\n2,S\x9brensen\n3,Jos\x82\n"
      .. "4,Zo\x89\n5,Fran\x87ois\n6,Nu\xa4ez\n7,\x8fngstr\x94m\n" },
  } do
    it("of names of several languages is " .. case[1], function()
      local found = sniff.sniff_string(case[2])
      assert.equal(case[1], found.dialect.encoding.value)
      assert.is_true(found.dialect.encoding.confidence >= least)
      local examples = {}
      for name in names:gmatch "%d,([^\n]+)" do
        examples[#examples + 1] = name
      end
      assert.same({ table.unpack(examples, 1, 3) }, found.columns[2].examples)
    end)
  end

  it("may be UTF-16 of no Latin text without a mark, or ISO 2022", function()
    local russian = "id,имя\n1,Пётр\n2,Иван\n"
    local utf16 = {}
    for _, c in utf8.codes(russian) do
      utf16[#utf16 + 1] = string.pack("<I2", c)
    end
    assert.equal("utf-16le", encoding_of(table.concat(utf16)).value)
    assert.equal("iso-2022-jp", encoding_of("id,name\n1,\27$B;3ED\27(B\n").value)
  end)

  -- Bytes are those of Python's codecs.
  local function python(expression)
    return (pghost.shell(("python3 -c 'import sys; sys.stdout.buffer.write(%s)'"):format(expression)))
  end

  it("may be told by the mark of GB18030 and of UTF-7, which is no part of the first name", function()
    local table = [["id,name\n1,Z\u00fcrich\n2,\u5317\u4eac\n"]]
    for name, mark in pairs { gb18030 = [["\ufeff".encode("gb18030")]], ["utf-7"] = [[b"+/v8-"]] } do
      local found = sniff.sniff_string(python(("%s + %s.encode(\"%s\")"):format(mark, table, name)))
      assert.same({ name, "byte order mark" }, { found.dialect.encoding.value, found.dialect.encoding.reason })
      assert.same({ "id", "Zürich" }, { found.columns[1].name, found.columns[2].examples[1] })
    end
  end)

  it("may be UTF-32 without a mark", function()
    for _, name in ipairs { "utf-32le", "utf-32be" } do
      local codec = name:gsub("32", "32-")
      assert.equal(name, encoding_of(python([["id,name\n1,Ann\n2,\u5317\u4eac\n".encode("]] .. codec .. '")')).value)
    end
  end)

  it("may be UTF-7, which is ASCII; with one run in it that is not sure", function()
    for _, text in ipairs { "id,name\n1,Zürich\n2,Köln\n3,Łódź\n", "id,name\n1,東京\n2,大阪\n3,京都 a+b\n",
      "id,name\n1,Müller\n2,Größe\n3,Čapek ~\\x\n" } do
      local escaped = text:gsub("\\", "\\\\"):gsub("\n", "\\n"):gsub("[^\0-\127]+", function(part)
        local out = {}
        for _, code in utf8.codes(part) do
          out[#out + 1] = ("\\u%04x"):format(code)
        end
        return table.concat(out)
      end)
      local found = sniff.sniff_string(python(('"%s".encode("utf-7")'):format(escaped)))
      assert.equal("utf-7", found.dialect.encoding.value)
      assert.is_true(found.dialect.encoding.confidence >= least)
      assert.equal(text:match "1,([^\n]*)", found.columns[2].examples[1])
    end
    pghost.write(folder .. "/one.csv", "id,name\n1,M+APw-ller\n2,Ann\n3,Bob\n4,Cid\n")
    local _, err, code = pghost.run { "--dsn", dsn, "load", folder .. "/one.csv", "--auto", "--create", "--into",
      "public.one" }
    assert.equal(1, code)
    assert.matches("one.csv: the encoding is not clear: nothing beyond ASCII, but '+...-' as UTF-7 writes what is; "
      .. "give it: --encoding utf-7, --encoding utf-8", err, 1, true)
  end)

  it("is not UTF-7 where pluses are in phone numbers, grades, languages and tokens", function()
    for _, text in ipairs {
      "phone,n\n+49301234567,5\n+1-555-0100,6\n+44-20-7946,7\n", "lang,n\nC++,5\nC+age-b,6\na+b,7\n",
      "blood,n\nA+,5\nB+,6\nAB+-,7\n", "id,tok\n1,+AbCdEfGh==\n2,x+y/zAAB\n3,abc+\n", "id,sum\n1,1+-2\n2,3+-1\n",
      "id,when\n1,2024-01-02T03:04:05+01:00\n2,2024-01-02T03:04:05+0200\n", "q,n\na+b+c,1\nfoo+bar-baz,2\n",
    } do
      assert.equal("utf-8", encoding_of(text).value, text)
    end
  end)

  it("is never one that makes control characters", function()
    for byte = 0x80, 0x9f do
      local found = encoding_of(("id,name\n1,M%sller\n2,K%sln\n"):format(string.char(byte), string.char(byte)))
      assert.is_nil(found.value:find "^iso%-8859", found.value)
    end
  end)
end)
