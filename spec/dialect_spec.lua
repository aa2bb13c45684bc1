-- Dialects: what bytes become which fields. Each text is read in one go and in chunks of every size.

local cjson = require "cjson"
local csv = require "pghost.native.csv"
local dialects = require "support.dialects"
local new_seed = require "support.seed"
local server = require "support.server"

local here = arg[0]:match("^(.*)/") or "."
local read = dialects.read

local function from_hex(text)
  return (text:gsub("%x%x", function(byte)
    return string.char(tonumber(byte, 16))
  end))
end

local function refused(expected, text, options)
  local source, message = csv.open_string(text, options)
  assert.is_nil(source)
  assert.equal(expected, message)
end

local function misused(expected, options)
  local good, message = pcall(csv.open_string, "a\n", options)
  assert.is_false(good)
  assert(message:find(expected, 1, true), message)
end

describe("a dialect", function()
  it("has a delimiter of several bytes", function()
    assert.same({ "2: 1|a:b|NULL", "3: 2|x::y|", "4: x|:3|z" },
      read('a::b::c\n1::a:b::\n2::"x::y"::""\nx:::3::z\n', { delimiter = "::" }))
    assert.same({ "2: 1|2" }, read("a§b\n1§2\n", { delimiter = "§" }))
  end)

  it("has no quote", function()
    assert.same({ '2: "1|a"b', '3: "|NULL' }, read('a,b\n"1,a"b\n",\n', { quote = "" }))
    assert.same({ '2: "1|a"b' }, read('a,b\r\n"1,a"b\r\n', { quote = "" }))
  end)

  it("has an escape character, in quotes and outside", function()
    local options = { escape = "\\" }
    assert.same({ [[2: say "hi"|x\y]], "3: a,b|c", '4: two\nlines|""', "6: NULL|" },
      read('a,b\n"say \\"hi\\"","x\\\\y"\na\\,b,\\c\n"two\nlines","\\"\\""\n,""\n', options))
    assert.same({ "2: a\nb|c", "4: d|e" }, read("a,b\na\\\nb,c\nd,e\n", options))
    assert.same({ '2: a"b|c' }, read('a,b\n"a""b",c\n', options))
    local no_end = "escaped line end, and no end of the record after it"
    assert.same({ "2! " .. no_end .. ": 1,x\\" }, read("a,b\n1,x\\\n", options))
    assert.same({ "2! " .. no_end .. ": 1,x\\" }, read("a,b\n1,x\\\r\n", options))
    assert.same({ "2! " .. no_end .. ": 1,x\\", "3: 2|y" }, read("a,b\n1,x\\\n2,y\n", {
      escape = "\\", max_record_lines = 1 }))
    assert.same({ '2! unterminated quote: 1,"x\\' }, read('a,b\n1,"x\\\n', options))
    assert.same({ '2! unterminated quote: 1,x\\', '3! unterminated quote: 2,"y' },
      read('a,b\n1,x\\\n2,"y\n', options))
    assert.same({ "2: 1|x\\" }, read("a,b\n1,x\\", options))
    assert.same({ '2: a"b|c\\' }, read('a,b\n"a""b",c\\\n', { escape = '"' }))
  end)

  it("has comments, where a record would start", function()
    assert.same({ "4: 1|#2", "6: a\n#b|c" },
      read('# a "title\na,b\n#x\n1,#2\n#,"\n"a\n#b",c\n', { comment = "#" }))
    assert.same({ "2: #|1" }, read('a,b\n"#",1\n// 5" disk\n', { comment = "//" }))
  end)

  it("has lines before the header and below the table that are none of it", function()
    local text = 'Report "of\n2024;\na,b\n1,2\n"x\ny",3\nTotal,5\nend'
    local seen, columns = read(text, { skip = 2, footer = 2 })
    assert.same({ "4: 1|2", "5: x\ny|3" }, seen)
    assert.same({ "a", "b" }, columns)
    assert.same({ "2: 1", "3: 2" }, read("a\r1\r2\rTotal\r", { footer = 1 }))
    assert.same({}, read("a\n1\n2\n", { footer = 2 }))
    refused("'string' has no more than the 3 lines that are skipped", "a\nb\n", { skip = 3 })
    refused("'string' is empty: it has only lines that are skipped", "a\n", { footer = 1000 })
  end)

  it("has a header of several lines, joined by a blank", function()
    local seen, columns = read("Q1,,Q2\na,b\n1,2,3\n4,5\n", { header = 2 })
    assert.same({ "Q1 a", "b", "Q2" }, columns)
    assert.same({ "3: 1|2|3", "4! too few fields: 2 of 3: 4,5" }, seen)
    refused("'string' ends in its header: 1 of 2 lines", "a,b\n", { header = 2 })
    seen, columns = read("1,2\n3,4\n", { header = 0 })
    assert.same({ "1: 1|2", "2: 3|4" }, seen)
    assert.same({ "column1", "column2" }, columns)
  end)

  it("keeps blank lines, or blanks at the start of fields, or not", function()
    assert.same({ "2! too few fields: 1 of 2: ", "3: 1|2" }, read("a,b\n\n1,2\n", { blank_lines = "keep" }))
    assert.same({ "2: NULL|NULL", "3: 1|2" }, read("a,b\n\n1,2\n", { blank_lines = "keep", too_few = "pad" }))
    assert.same({ "2: 1|x, y |NULL", "3: a b|c |" },
      read('a, b, c\n1, "x, y ",   \n a b, c , ""\n', { skip_blanks = true }))
  end)

  it("numbers names that are empty or repeated, and cuts what is too long", function()
    local long = ("ä"):rep(40)
    local text = ("a,,A,%s,%s,a_2\n1,2,3,4,5,6\n"):format(long, long)
    local source <close> = assert(csv.open_string(text, { header_names = "repair" }))
    assert.same({ "a", "column_2", "A_2", ("ä"):rep(31), ("ä"):rep(30) .. "_2", "a_2_2" }, source:columns())
    assert.same({ "a", "", "A", long, long, "a_2" }, source:written_columns())
  end)

  it("may be impossible", function()
    misused("delimiter and quote are the same", { delimiter = '"' })
    misused("delimiter and escape are the same", { escape = "," })
    misused("second_table 'stop' needs blank lines", { second_table = "stop", blank_lines = "keep" })
    misused("skip_blanks cannot be combined with a blank as delimiter", { skip_blanks = true, delimiter = " " })
    misused("unknown option 'to_few': did you mean 'too_few'?", { to_few = "pad" })
    misused("option 'too_few': 'reject', 'pad' or 'stop' expected, got 'fill'", { too_few = "fill" })
    misused("option 'footer': lines from 0 to 1000 expected, got '1001'", { footer = 1001 })
    misused("option 'comment': 1 to 16 bytes", { comment = "" })
    misused("option 'delimiter': 1 to 8 bytes without line ends expected, got 'a\nb'", { delimiter = "a\nb" })
  end)

  it("is read as it was written, whatever it is", function()
    local seed = new_seed()
    local out = server.shell(("python3 %s/support/dialect_oracle.py %d 80"):format(here, seed))
    local count, by_module = 0, 0
    for line in (out .. "\n"):gmatch("([^\n]+)\n") do
      local case = cjson.decode(line)
      by_module = case.by_module or by_module
      if case.rows then
        local text, expected = from_hex(case.text), {}
        for name, value in pairs(case.options) do
          case.options[name] = math.tointeger(value) or value
        end
        for i, row in ipairs(case.rows) do
          expected[i] = table.concat(row, "|")
        end
        local seen = read(text, case.options)
        for i, record in ipairs(seen) do
          seen[i] = record:gsub("^%d+: ", ""):gsub("NULL", "")
        end
        assert.same(expected, seen, ("seed %d: %s %q"):format(seed, cjson.encode(case.options), text))
        count = count + 1
      end
    end
    assert.equal(80, count)
    assert.is_true(by_module > 2)
  end)
end)
