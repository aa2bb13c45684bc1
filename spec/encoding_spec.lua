-- Text in other encodings than UTF-8: Python's codecs say what must come out. What is not valid names its
-- column and bytes, and is found in the file at the offset that is told.

local csv = require "pghost.native.csv"
local cjson = require "cjson"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local new_seed = require "support.seed"
local server = require "support.server"
local shown = require "support.shown"
local utf16 = require "support.utf16"

local here = arg[0]:match("^(.*)/") or "."
local folder

local function write(name, bytes)
  return pghost.write(folder .. "/" .. name, bytes)
end

-- Records as one line of text each, NULL as a bar, problems as they are.
local function dump(source)
  local out = { table.concat(source:columns(), "|") }
  for line, record, problem in source:records() do
    local cells = {}
    for i = 1, record and #record or 0 do
      cells[i] = record[i] and ("<%s>"):format(record[i]) or "|"
    end
    out[#out + 1] = ("%d %s"):format(line, problem or table.concat(cells, " "))
  end
  return out
end

local function open(name, options)
  return assert(csv.open(folder .. "/" .. name, options))
end

describe("text in another encoding", function()
  it("may be named as Python and PostgreSQL name it", function()
    local names = {
      ["latin-1"] = { "\xe4", "ä" }, latin_1 = { "\xe4", "ä" }, LATIN1 = { "\xe4", "ä" },
      WIN1252 = { "\x80", "€" }, windows_1252 = { "\x80", "€" }, EUC_JP = { "\xa4\xa2", "あ" },
      ISO_8859_5 = { "\xd0", "а" }, koi8_r = { "\xc1", "а" }, mac_roman = { "\x80", "Ä" },
      utf_8 = { "\xc3\xa4", "ä" }, ["utf-8-sig"] = { "\xc3\xa4", "ä" }, ["utf-16-le"] = { "\xe4\0", "ä" },
    }
    for name, case in pairs(names) do
      local line_end = name == "utf-16-le" and "\n\0" or "\n"
      local source <close> = assert(csv.open_string(case[1] .. line_end .. case[1] .. line_end, { encoding = name }))
      assert.same({ case[2] }, source:columns(), name)
    end
    for _, name in ipairs { "win", "ansi", "sql_ascii", "a/b" } do
      assert.matches(("unknown encoding '%s'"):format(name), select(2, csv.open_string("a\n1\n", { encoding = name })))
    end
  end)

  fixture.once(function(keep)
    folder = keep(pghost.folder())
  end)

  it("is what Python makes of it", function()
    local seed = tostring(new_seed())
    local names = server.shell(("python3 '%s/support/encoded.py' write '%s' %s"):format(here, folder, seed))
    local count = 0
    for line in names:gmatch("[^\n]+") do
      local name = cjson.decode("[" .. line .. "]")[1]
      local expected <close> = open(name .. ".utf8.csv")
      local got <close> = open(name .. ".csv", { encoding = name })
      local all, lines = dump(got), dump(expected)
      for i = 1, #lines do
        assert.equal(lines[i], all[i], name .. " with seed " .. seed)
      end
      assert.equal(#lines, #all)
      assert.same({ name }, { got:encoding() })
      count = count + 1
    end
    assert.equal(33, count)
  end)

  it("keeps lines and places of the file, whatever the bytes become", function()
    local bytes = "id,stra\xdfe\n1,\"\xfc\n\xfc\"\n2,\"a\"\"\xe9\"\n3\xe9\n4,ok\n"
    write("latin.csv", bytes)
    local source <close> = open("latin.csv", { encoding = "iso-8859-1" })
    assert.same({ "id|straße", '2 <1> <ü\nü>', '4 <2> <a"é>', "5 too few fields: 1 of 2", "6 <4> <ok>" }, dump(source))
    local again <close> = open("latin.csv", { encoding = "iso-8859-1" })
    for line, text in pairs { [2] = '1,"\xfc\n\xfc"', [4] = '2,"a""\xe9"', [5] = "3\xe9" } do
      local one <close> = open("latin.csv", { encoding = "iso-8859-1" })
      local offset, found = one:find(line)
      assert.equal(text, found)
      assert.equal(text, bytes:sub(offset + 1, offset + #text))
    end
    assert.is_nil(again:find(3))
    assert.equal("3\xe9", select(2, again:find(5)))
    assert.equal("3\xe9", select(2, again:find(5)))
    assert.is_nil(again:find(7))
  end)

  it("rejects what is not valid with column and bytes, and nothing else", function()
    for _, case in ipairs {
      { "a,b\n1,x\n2,\xe9 t\xe9\n3,\xc3\xa9\n", nil, { "a|b", "2 <1> <x>", "3 column 2: not valid utf-8: 0xE9 0x20",
        "4 <3> <é>" } },
      { "a,b\n\xe2\x82,\xed\xa0\x80\n", nil, { "a|b", "2 column 1: not valid utf-8: 0xE2 0x82" } },
      { "a,b\n1,\xed\xa0\x80\n2,\xff\n3,\xf0\x9f\x98\n", nil, { "a|b", "2 column 2: not valid utf-8: 0xED 0xA0 0x80",
        "3 column 2: not valid utf-8: 0xFF", "4 column 2: not valid utf-8: 0xF0 0x9F 0x98" } },
      { "a,b\n1,\x81\n2,\x80\n", "windows-1252", { "a|b", "2 column 2: not valid windows-1252: 0x81", "3 <2> <€>" } },
      { "a,b\n1,\xb0\n2,\xa4\xa2\n3,\xb0\xff\n", "euc-jp", { "a|b", "2 column 2: not valid euc-jp: 0xB0", "3 <2> <あ>",
        "4 column 2: not valid euc-jp: 0xB0 0xFF" } },
      { "a,b\n1,\xe9\n2,x\n", "ascii", { "a|b", "2 column 2: not valid ascii: 0xE9", "3 <2> <x>" } },
    } do
      local source <close> = assert(csv.open_string(case[1], { encoding = case[2] }))
      assert.same(case[3], dump(source))
    end
  end)

  it("takes fields that are not valid for windows-1252 where asked to", function()
    local source <close> = assert(csv.open_string("a,b\n\xc3\xa9,\xe9\x80\n\x81,x\n", { invalid = "windows-1252" }))
    assert.same({ "a|b", "2 <é> <é€>", "3 column 1: not valid utf-8: 0x81" }, dump(source))
    local ascii <close> = assert(csv.open_string("a\n\xe9\n", { encoding = "ascii", invalid = "windows-1252" }))
    assert.same({ "a", "2 <é>" }, dump(ascii))
  end)

  it("has nothing to take for windows-1252 in what is converted first, and says so where that is named", function()
    for _, name in ipairs { "utf-16le", "UTF-16BE", "utf-16", "utf-7", "iso-2022-jp", "utf-32" } do
      local good, message = pcall(csv.check_options, { encoding = name, invalid = "windows-1252" })
      assert.is_false(good)
      assert.equal(("invalid = 'windows-1252' has no effect in '%s': only in UTF-8 and in encodings that are ASCII "
        .. "with more"):format(name), message:match("%((.*)%)$"))
      csv.check_options { encoding = name, tolerant = true }
      csv.check_options { encoding = name, invalid = "reject" }
    end
    for _, name in ipairs { "utf-8", "ascii", "euc-jp", "shift_jis", "auto", "klingon" } do
      csv.check_options { encoding = name, invalid = "windows-1252" }
    end
    local marked <close> = assert(csv.open_string(utf16 "\u{feff}a,b\n1,{00d8}\n", { invalid = "windows-1252" }))
    assert.same({ "a|b", "2 column 2: not valid utf-16le: 0x00 0xD8" }, dump(marked))
  end)

  it("strips NUL bytes where asked to", function()
    local text = 'a,\0b\n\0x\0,"\0"\n\0,"q""\0"\n\xe9\0,y\n'
    local source <close> = assert(csv.open_string(text, { nul = "strip", encoding = "iso-8859-1" }))
    assert.same({ "a|b", "2 <x> <>", '3 | <q">', "4 <é> <y>" }, dump(source))
    local strict <close> = assert(csv.open_string("a,b\nx\0,y\n1,2\n"))
    assert.same({ "a|b", "2 column 1: NUL byte", "3 <1> <2>" }, dump(strict))
  end)

  it("is text in extra fields too, each of them judged by itself", function()
    for _, case in ipairs {
      { { encoding = "windows-1252" }, "1,2,\xfc,\"\xe9,\x80\"\n3,4\n5,6,\xe9\n7,8,x,\x81\n",
        { '2 <1> <2> <ü,"é,€">', "3 <3> <4> |", "4 <5> <6> <é>", "5 column 4: not valid windows-1252: 0x81" } },
      { { encoding = "shift_jis" }, "1,2,\\x,\xb1\n", { "2 <1> <2> <¥x,ｱ>" } },
      { { encoding = "euc-jp" }, "1,2,\xa4\xa2,\n3,4,x,\xb0\n",
        { "2 <1> <2> <あ,>", "3 column 4: not valid euc-jp: 0xB0" } },
      { { encoding = "ascii", invalid = "windows-1252" }, "1,2,x,\xe9\n", { "2 <1> <2> <x,é>" } },
      { {}, "1,2,\xc3\xa9,\xe9\n", { "2 column 4: not valid utf-8: 0xE9" } },
      -- C3 81 is a letter in UTF-8; 81 is nothing in windows-1252.
      { { invalid = "windows-1252" }, '1,2,\xc3\x81,\xe9\n3,4,"a\n""\xe9",\xc3\xa9,\n5,6,x,\x81\n',
        { "2 <1> <2> <Á,é>", '3 <3> <4> <"a\n""é",é,>', "5 column 4: not valid utf-8: 0x81" } },
      { { nul = "strip" }, "1,2,\0\n3,4,x\0,y\n", { "2 <1> <2> |", "3 <3> <4> <x,y>" } },
      -- The escape parts the bytes of a character: a field is text without it, the bytes as written are not.
      { { escape = "\\" }, "1,\xc3\\\xa9\n1,2,\xc3\\\xa9\n",
        { "2 <1> <é> |", "3 column 3: not valid utf-8: 0xC3 0x5C" } },
    } do
      case[1].too_many = "extra"
      local source <close> = assert(csv.open_string("a,b\n" .. case[2], case[1]))
      table.insert(case[3], 1, "a|b|_extra")
      assert.same(case[3], dump(source))
    end
  end)

  it("is UTF-16 by its mark or by name", function()
    for name, big in pairs { ["utf-16le"] = false, ["utf-16be"] = true } do
      local text = utf16("naïve,b\r\n1,\"x\n€\"\r\n2,😀\r\n", big)
      local marked <close> = assert(csv.open_string(utf16("\u{feff}", big) .. text))
      local named <close> = assert(csv.open_string(text, { encoding = name }))
      local expected = { "naïve|b", "2 <1> <x\n€>", "4 <2> <😀>" }
      assert.same(expected, dump(marked))
      assert.same(expected, dump(named))
      assert.same({ name, "its byte order mark" }, { marked:encoding() })
      assert.same({ name }, { named:encoding() })
      assert.equal(#text + 2, marked:totals().bytes)
    end
  end)

  it("has the place of every record in UTF-16, also of what is no UTF-16", function()
    for _, big in ipairs { false, true } do
      local half = big and "d83d" or "3dd8"
      local text = utf16(("\u{feff}a,b\n1,\"ä\nö\"\n😀,{%s}\nü,{%s}x\n4,y\n5,ß{42}"):format(half, half), big)
      write("utf16.csv", text)
      local half_bytes = big and "0xD8 0x3D" or "0x3D 0xD8"
      local name = big and "utf-16be" or "utf-16le"
      local source <close> = open "utf16.csv"
      local problem = "column 2: not valid " .. name .. ": "
      assert.same({ "a|b", "2 <1> <ä\nö>", "4 " .. problem .. half_bytes, "5 " .. problem .. half_bytes, "6 <4> <y>",
        "7 " .. problem .. "0x42" }, dump(source))
      for line, record in pairs {
        [2] = utf16('1,"ä\nö"', big),
        [4] = utf16(("😀,{%s}"):format(half), big),
        [5] = utf16(("ü,{%s}x"):format(half), big),
        [7] = utf16("5,ß{42}", big),
      } do
        local one <close> = open "utf16.csv"
        local offset, found = one:find(line)
        assert.equal(record, found)
        assert.equal(record, text:sub(offset + 1, offset + #record))
      end
    end
  end)

  it("gives the same from every piece it is read in", function()
    local text = utf16("\u{feff}a,b\n" .. ("é😀,€\n"):rep(20000))
    local half <close> = assert(csv.open_string(text))
    assert.equal(20001, #dump(half))
    local path = write("pieces.csv", utf16("\u{feff}a\né😀\nx\n"))
    local script = write("stdin.lua", [[
      local source <close> = assert(require "pghost.native.csv".open "-")
      for line, record in source:records() do print(line, record[1]) end]])
    local out = server.shell(("python3 -c 'import os, time\nfor b in open(\"%s\", \"rb\").read():\n"
      .. "  os.write(1, bytes([b])); time.sleep(0.001)' | '%s' '%s'"):format(path, pghost.path, script))
    assert.equal("2\té😀\n3\tx", (out:gsub("\n$", "")))
  end)

  it("is guessed from the first 256 KiB where asked to, and says from what", function()
    local russian = "имя,город\n" .. ("Иван,Санкт-Петербург\nОльга,Нижний Новгород\n"):rep(50)
    write("plain.csv", "a\nx\n")
    write("utf8.csv", "a\n" .. ("ü\n"):rep(200000))
    write("late.csv", "a\n" .. ("x\n"):rep(200000) .. "\xe9\n")
    write("russian.csv", russian)
    server.shell(("cd '%s' && iconv -f utf-8 -t windows-1251 russian.csv >cp1251.csv"):format(folder))
    write("utf16.csv", utf16 "a,b\nx,y\n")
    for name, expected in pairs {
      plain = { "utf-8", "the whole file is valid UTF-8" },
      utf8 = { "utf-8", "the first 256 KiB is valid UTF-8" },
      late = { "utf-8", "the first 256 KiB is valid UTF-8" },
      cp1251 = { "windows-1251", "a guess from the whole file" },
      utf16 = { "utf-16le", "a guess from the whole file" },
    } do
      local source <close> = open(name .. ".csv", { encoding = "auto" })
      assert.same(expected, { source:encoding() }, name)
    end
    local guessed <close> = open("cp1251.csv", { encoding = "auto" })
    local meant <close> = open("russian.csv")
    assert.same(dump(meant), dump(guessed))
  end)

  it("is refused where it is unknown, or hides the delimiter in its characters", function()
    shown.refused("could not read 'string': unknown encoding 'klingon': 'iconv -l' lists them", "usage",
      csv.open_string("a\n", { encoding = "klingon" }))
    shown.refused("could not read 'string': unknown encoding 'ascii//IGNORE': 'iconv -l' lists them", "usage",
      csv.open_string("a\n", { encoding = "ascii//IGNORE" }))
    shown.refused("could not read 'string': no byte order mark: give encoding = 'utf-16le' or 'utf-16be'", "encoding",
      csv.open_string("a\n", { encoding = "utf-16" }))
    local clash = "could not read 'string': '|' may be a part of a character in %s, and cannot be a delimiter or a "
      .. "quote there: convert the file to UTF-8 first"
    for _, name in ipairs { "shift_jis", "gbk", "big5", "gb18030" } do
      shown.refused(clash:format(name), "encoding", csv.open_string("a|b\n", { encoding = name, delimiter = "|" }))
      assert(csv.open_string("a;b\n", { encoding = name, delimiter = ";" })):close()
    end
    assert(csv.open_string("a|b\n", { encoding = "euc-jp", delimiter = "|" })):close()
    assert.has_error(function()
      csv.open_string("a\n", { invalid = "latin1" })
    end, "bad argument #2 to 'open_string' (option 'invalid': 'reject' or 'windows-1252' expected, got 'latin1')")
  end)
end)
