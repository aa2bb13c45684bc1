local print_ = require "pghost.lib.print"
local terminal_text = require "pghost.lib.terminal"

describe("pghost.print", function()
  it("aligns: numbers right, text left, NULL apart from ''", function()
    assert.equal([[
  id | name   |  price
-----+--------+--------
   1 | Ann    |    2.5
 200 |        | <null>
   3 | <null> |     10
(3 rows)
]], print_.format({ "id", "name", "price" }, { { 1, "Ann", 2.5 }, { 200, "", nil }, { 3, nil, 10.0 } }))
  end)

  it("aligns by type when there are types", function()
    assert.equal([[
   n | t
-----+------
 1.5 | 1
  22 | \x00ff
(2 rows)
]], (print_.format({ "n", "t" }, { { "1.5", "1" }, { "22", "\0\255" } }, { types = { "numeric", "bytea" } })
      :gsub("\\x31", "1"):gsub("%-%-+\n", "------\n")))
  end)

  it("counts rows", function()
    assert.equal(" a\n---\n(0 rows)\n", print_.format({ "a" }, {}))
    assert.equal(" a\n---\n x\n(1 row)\n", print_.format({ "a" }, { { "x" } }))
    assert.equal(" a\n---\n x\n(1 of 3 rows)\n", print_.format({ "a" }, { { "x" }, { "y" }, { "z" } }, { limit = 1 }))
  end)

  it("shows floats as PostgreSQL does, to the last digit", function()
    local out = print_.format({ "f" }, { { 0.1 + 0.2 }, { 0.1 }, { 1e300 * 10 }, { 1 / 0 }, { 0 / 0 }, { 2.0 } })
    assert.equal("0.30000000000000004 0.1 1e+301 Infinity NaN 2",
      (out:gsub("^.-%-\n", ""):gsub("%(.*$", ""):gsub("^%s+", ""):gsub("%s+$", ""):gsub("%s+", " ")))
  end)

  it("cuts to the width, widest columns first", function()
    local out = print_.format({ "id", "text" }, { { 1, ("long "):rep(20) }, { 2, "日本語日本語日本語日本語" } }, { width = 20 })
    assert.equal(" id | text\n----+---------------\n  1 | long long lo…\n  2 | 日本語日本語…\n(2 rows)\n", out)
    for line in print_.format({ "a", "b", "c", "d" }, { { "1", "2", "3", "4" } }, { width = 8 }):gmatch("[^\n]+") do
      assert.truthy(terminal_text.width(line) <= 8, line)
    end
  end)

  it("makes harmless what could harm a terminal or mislead", function()
    for text, expected in pairs {
      ["a\27[31mb"] = "a\\x1b[31mb",
      ["a\nb\r\tc\0"] = "a\\nb\\r\\tc\\x00",
      ["\127"] = "\\x7f",
      ["\u{9b}2J"] = "\\u{9b}2J",
      ["\u{202e}x\u{feff}"] = "\\u{202e}x\\u{feff}",
      ["a\xffb\xc3"] = "a\\xffb\\xc3",
      ["\xed\xa0\x80"] = "\\xed\\xa0\\x80",
      ["é日🎉"] = "é日🎉",
    } do
      assert.equal(expected, terminal_text.harmless(text))
    end
    local out = print_.format({ "x\27]0;title\7" }, { { "\27c" } })
    assert.falsy(out:find("[\27\7]"))
  end)

  it("knows the width of text as Python's unicodedata does", function()
    local codes = { 0x41, 0xe9, 0x301, 0x4e00, 0xac00, 0xff21, 0x1f389, 0x1f600, 0x3042, 0x30ab, 0x5d0, 0x416,
      0x64b, 0x20000, 0x2500, 0x20ac, 0x1100, 0x231a, 0xfe0f, 0x200d, 0xe31, 0xe01, 0x1f680, 0x2603,
      0x26a1, 0x3000, 0xff61 }
    local pipe = io.popen(("python3 -c \"import unicodedata as u\nfor c in [%s]: " ..
      "print(0 if u.category(chr(c)) in ('Mn','Me','Cf') else 2 if u.east_asian_width(chr(c)) in 'WF' else 1)\"")
      :format(table.concat(codes, ",")))
    local expected, got = {}, {}
    for line in pipe:lines() do
      expected[#expected + 1] = ("%x %s"):format(codes[#expected + 1], line)
    end
    pipe:close()
    for i, code in ipairs(codes) do
      got[i] = ("%x %d"):format(code, terminal_text.width(utf8.char(code)))
    end
    assert.same(expected, got)
  end)

  it("prints results: tables of rows, and how many rows a statement touched", function()
    local out = {}
    local file = { write = function(_, text) out[#out + 1] = text end }
    local function result(columns, rows, affected)
      return setmetatable(rows, { __index = {
        affected = affected,
        columns = function() return columns end,
        types = function() return { "int8" } end,
      } })
    end
    print_.result(result({ "n" }, { { 5 } }), { file = file })
    print_.result(result({}, {}, 3), { file = file })
    print_.result(result({}, {}, 1), { file = file })
    assert.same({ " n\n---\n 5\n(1 row)\n", "(3 rows affected)\n", "(1 row affected)\n" }, out)
  end)
end)
