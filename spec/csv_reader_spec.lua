local csv = require "pghost.native.csv"
local dialects = require "support.dialects"
local lfs = require "lfs"
local new_seed = require "support.seed"
local server = require "support.server"

local build = lfs.symlinkattributes("/proc/self/exe", "target"):match("^(.*)/")
local here = arg[0]:match("^(.*)/") or "."
local driver = build .. "/csv_driver"
local fixtures = here .. "/fixtures/csv/"

-- "line: a|b|NULL" for good records, "line! problem: bytes" for bad ones.
local function read(text, options)
  return (dialects.in_one_go(text, options))
end

local function read_fixture(name)
  local file <close> = assert(io.open(fixtures .. name, "rb"))
  return read(file:read("a"))
end

describe("the CSV reader", function()
  it("tells NULL from the empty string and trims nothing", function()
    assert.same({ "2: NULL||NULL", "3:  a |\tb\t|  c " }, read('a,b,c\n,"",\n a ,\tb\t,"  c "\n'))
  end)

  it("reads quoted newlines and counts physical lines", function()
    assert.same({
      "2: 1|one\ntwo\r\nthree",
      '5: 2|say "hi"',
      "7: 3|\n",
      "9: 4|plain",
    }, read_fixture("quoted_newlines.csv"))
  end)

  it("mixes LF and CRLF and passes over blank lines", function()
    assert.same({ "2: 1|2", "5: 3|4" }, read("a,b\r\n1,2\n\r\n\n3,4\r\n"))
  end)

  it("takes a blank line as the NULL of one column", function()
    assert.same({ "2: NULL", "3: a", "4: ", "5: NULL", "6: b" }, read_fixture("one_column.csv"))
  end)

  it("reads files whose lines end in CR", function()
    assert.same({
      "2: 1|Ada",
      "3: 2|B\rob",
      "6! line feed outside quotes: 3,C\nx",
      "7: 4|D",
    }, read_fixture("mac_cr.csv"))
  end)

  it("rejects every kind of broken record and goes on behind it", function()
    assert.same({
      "2: 1|Ada|fine",
      "3! too few fields: 2 of 3: 2,Bob",
      "4! too many fields: 4 of 3: 3,Cy,x,y",
      '5! stray quote: 4,D"ot,x',
      '6! stray quote: 5,"Eve"x,y',
      '7! stray quote: 6,"two',
      '8! stray quote: lines"x,y',
      "9! carriage return outside quotes: 7,a\rb,c",
      "10: 8|Zürich|€",
      "11! column 2: not valid utf-8: 0xFC: 9,Z\xfcrich,x",
      "12! column 2: NUL byte: 10,nul\0byte,x",
      "13! carriage return outside quotes: 11,x,y\r",
      '14! unterminated quote: 12,"open,x',
      "15: 13|Last|one",
    }, read_fixture("dirty.csv"))
  end)

  it("rejects a CR that is the last byte of an LF file", function()
    assert.same({ "2! carriage return outside quotes: 1,2\r" }, read("a,b\n1,2\r"))
  end)

  it("keeps a record within max_record", function()
    local options = { max_record = 10 }
    assert.same({ "2: 12345|7890" }, read("a,b\n12345,7890\n", options))
    assert.same({ "2! record too long: 11 bytes: 123456,7890", "3: 1|2" }, read("a,b\n123456,7890\n1,2\n", options))
    assert.same({ "2: 1|2345\n7" }, read('a,b\n1,"2345\n7"\n', options))
    assert.same({ '2! unterminated quote: 1,"2345', '3! stray quote: 78"' }, read('a,b\n1,"2345\n78"\n', options))
  end)

  it("takes other delimiters and quotes", function()
    assert.same({ "2: 1|a\tb", "3: NULL|'" }, read("a\tb\n1\t'a\tb'\n\t''''\n", { delimiter = "\t", quote = "'" }))
  end)

  it("takes as UTF-8 exactly what the server takes", function()
    local edges = { 0x01, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
      0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff }
    local samples, text = {}, { "a\n" }
    local function add(...)
      samples[#samples + 1] = ("(%d,'\\x%s')"):format(#samples, ("%02x"):rep(select("#", ...)):format(...))
      text[#text + 1] = string.char(...) .. "\n"
    end
    local inner = { 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0 }
    for _, a in ipairs(edges) do
      add(a)
      for _, b in ipairs(inner) do
        add(a, b)
        for _, c in ipairs(inner) do
          add(a, b, c)
          add(a, b, c, 0x80)
          add(a, b, c, 0xbf)
          add(a, b, c, 0x80, 0x80)
        end
      end
    end
    local verdicts = server.get():psql(([[
      create function pg_temp.accepts(bytes bytea) returns text language plpgsql as $$
      begin
        perform convert_from(bytes, 'UTF8');
        return '1';
      exception when others then
        return '0';
      end $$;
      select string_agg(pg_temp.accepts(bytes::bytea), '' order by n) from (values %s) as samples(n, bytes)]])
      :format(table.concat(samples, ",")))
    assert.equal(#samples, #verdicts:match("[01]+$"))
    local ours = {}
    local source <close> = assert(csv.open_string(table.concat(text)))
    for line, record in source:records() do
      ours[line - 1] = record and "1" or "0"
    end
    assert.equal(verdicts:match("[01]+$"), table.concat(ours))
  end)

  it("gives the same records for every chunk size and in two calls, as the oracles say", function()
    local seed, count = new_seed(), tonumber(os.getenv("PGHOST_SPEC_CASES") or 300)
    local cases <const> = os.tmpname()
    local out = server.shell(
      ("%s random %d %d %s && python3 %s/support/csv_oracle.py %s || echo failed with seed %d"):format(
        driver, seed, count, cases, here, cases, seed))
    os.remove(cases)
    local total, by_module = out:match("^(%d+) cases, (%d+) by the csv module$")
    assert(total, out)
    assert.is_true(tonumber(total) > count * 0.9 and tonumber(by_module) > count * 0.25, out)
  end)

  it("gives the same records for every chunk size of every fixture", function()
    local paths = {}
    for name in lfs.dir(fixtures) do
      paths[#paths + 1] = name:find("%.csv$") and fixtures .. name or nil
    end
    assert.is_true(#paths > 8)
    assert.equal("", server.shell(driver .. " same " .. table.concat(paths, " ")))
  end)

  it("gives the same records for every chunk size of larger files full of quotes", function()
    local name = os.tmpname()
    local file <close> = assert(io.open(name, "wb"))
    file:write("a,b\n")
    for i = 1, 400 do
      file:write(i, ',"', ("x\n"):rep(i % 50 * 4), '"\n')
      file:write(i % 7 == 0 and 'x,hello "world\n' or "x,y\n")
      file:write(i % 11 == 0 and '"z"x\n' or "", i % 13 == 0 and 'u,"v\n' or "")
    end
    file:close()
    assert.equal("", server.shell(driver .. " same " .. name))
    os.remove(name)
  end)

  it("is not slowed down by quotes that never end", function()
    for _, line in ipairs { '"abc\n', 'x,"""\n', 'x,""""\n', '"\n', '"a"\n"', 'x,"y\n\n' } do
      local name = os.tmpname()
      local file <close> = assert(io.open(name, "wb"))
      file:write("a,b\n", (line:rep(5000000 // #line)))
      file:close()
      local out = server.shell(("%s time %s 65536"):format(driver, name))
      os.remove(name)
      local seconds = tonumber(out:match("(%d+%.%d+) s,"))
      assert.is_true(seconds < 10, line .. out) -- CPU seconds; 0.1 is usual
    end
  end)
end)
