local csv = require "pghost.native.csv"
local lfs = require "lfs"
local server = require "support.server"
local shown = require "support.shown"

local build = lfs.symlinkattributes("/proc/self/exe", "target"):match("^(.*)/")
local here = arg[0]:match("^(.*)/") or "."
local fixtures = here .. "/fixtures/csv/"

local function temporary(bytes)
  local name = os.tmpname()
  local file <close> = assert(io.open(name, "wb"))
  file:write(bytes)
  return name
end

local function count_records(source)
  local count = 0
  for _ in source:records() do
    count = count + 1
  end
  return count
end

-- The lines of a child pghost that reads its standard input.
local function through_stdin(command)
  local script <const> = temporary [[
    local csv = require "pghost.native.csv"
    local source <close> = assert(csv.open("-"))
    local last, count = nil, 0
    for line, record in source:records() do
      last, count = record and record[1] or line, count + 1
    end
    print(count, last, source:totals().bytes)]]
  local out = server.shell(("%s | %s/pghost %s"):format(command, build, script))
  os.remove(script)
  return out
end

local repairable = ": if it is data, give stray_quote = 'repair' (--stray-quote repair)"

describe("a CSV source", function()
  it("reads names behind a BOM, in quotes and over lines, without blanks around them", function()
    for name, columns in pairs {
      ["bom_crlf.csv"] = { "id", "name", "note" },
      ["blanks.csv"] = { "id", "name" },
      ["header_multiline.csv"] = { "long\nheader", "b" },
      ["header_only.csv"] = { "id", "name" },
    } do
      local source <close> = assert(csv.open(fixtures .. name))
      assert.same(columns, source:columns())
    end
  end)

  it("gives fields by name and by position, with a width that counts nulls", function()
    local source <close> = assert(csv.open_string("id,line,records\n1,,x\n"))
    local step = source:records()
    local line, record, problem, bytes = step()
    assert.same({ 2, "1", "1", "x", 3 }, { line, record[1], record.id, record.records, #record })
    assert.is_nil(record.line)
    assert.is_nil(problem or bytes)
    local names, values = {}, {}
    for name, value in pairs(record) do
      names[#names + 1] = name
      values[name] = value
    end
    assert.same({ "id", "line", "records" }, names)
    assert.same({ id = "1", records = "x" }, values)
    assert.is_nil(step())
    assert.is_nil(step())
    assert.equal("1", record.id)
  end)

  it("goes on where a loop was left", function()
    local source <close> = assert(csv.open_string("a\n1\n2\n3\n"))
    local seen
    for _, record in source:records() do
      seen = record.a
      if seen == "1" then
        break
      end
    end
    assert.equal("1", seen)
    assert.equal(2, count_records(source))
  end)

  it("has no records when there is only a header", function()
    local source <close> = assert(csv.open(fixtures .. "header_only.csv"))
    assert.equal(0, count_records(source))
    assert.same(7, source:totals().bytes)
  end)

  it("numbers the columns of a file without a header", function()
    local source <close> = assert(csv.open_string('\n"a\nb",2\n3,4\n5\n', { header = false }))
    assert.same({ "column1", "column2" }, source:columns())
    local seen = {}
    for line, record, problem in source:records() do
      seen[#seen + 1] = { line, record and record.column1 or problem }
    end
    assert.same({ { 2, "a\nb" }, { 4, "3" }, { 5, "too few fields: 1 of 2" } }, seen)
  end)

  it("counts the columns by the second record where the first cannot be read", function()
    local function read(text, options)
      options.header = false
      local source <close> = assert(csv.open_string(text, options))
      local seen = {}
      for line, record, problem in source:records() do
        seen[#seen + 1] = line .. ":" .. (record and record.column1 .. "|" .. record.column2 or problem)
      end
      return table.concat(seen, ", ")
    end
    assert.equal('1:stray quote, 2:2|b', read('1,5" a\n2,b\n', {}))
    assert.equal('1:1|5" a, 2:2|b', read('1,5" a\n2,b\n', { stray_quote = "repair" }))
    assert.equal("1:column 2: not valid utf-8: 0xFF, 2:2|b", read("1,\xff\n2,b\n", {}))
    shown.refused("string:1: could not count the columns of the first two records: stray quote" .. repairable, "header",
      csv.open_string('1,5" a\n2,6" b\n', { header = false }))
    shown.refused("string:1: could not count the columns of the first two records: unterminated quote", "header",
      csv.open_string('1,"a\n', { header = false }))
  end)

  it("finds the line end", function()
    for text, line_end in pairs {
      ["a,b\n"] = "lf",
      ["a,b\r\n"] = "lf",
      ["a,b\r1,2"] = "cr",
      ["a,b\r"] = "cr",
      ["a,b"] = "lf",
      ['"a\rx",b\n1,2'] = "lf",
      ['"a\nx",b\r1,2'] = "cr",
      ['"a""\r",b\n'] = "lf",
    } do
      local source <close> = assert(csv.open_string(text))
      assert.equal(line_end, source:line_end(), ("%q"):format(text))
    end
    local source <close> = assert(csv.open_string("a", { line_end = "cr" }))
    assert.equal("cr", source:line_end())
  end)

  it("totals every byte and hashes them", function()
    for name in lfs.dir(fixtures) do
      local source = name:find("%.csv$") and csv.open(fixtures .. name)
      if source then
        count_records(source)
        local totals = source:totals()
        assert.equal(lfs.attributes(fixtures .. name, "size"), totals.bytes)
        assert.equal(server.shell("sha256sum " .. fixtures .. name):match("^%x+"), totals.sha256)
        source:close()
      end
    end
  end)

  it("has no hash before the end", function()
    local name <const> = temporary("a\n" .. ("x\n"):rep(300000))
    local source <close> = assert(csv.open(name))
    os.remove(name)
    assert.is_nil(source:totals().sha256)
    assert.equal(300000, count_records(source))
    assert.equal(64, #source:totals().sha256)
  end)

  it("has no hash where nobody asks for it", function()
    local name <const> = temporary("a\n" .. ("x\n"):rep(300000))
    local source <close> = assert(csv.open(name))
    os.remove(name)
    source:leave_digest()
    assert.equal(300000, count_records(source))
    assert.equal(600002, source:totals().bytes)
    assert.is_nil(source:totals().sha256)
  end)

  it("reads a header longer than a block", function()
    local names, cells = {}, {}
    for i = 1, 20000 do
      names[i], cells[i] = '"column\n' .. i .. '"', tostring(i)
    end
    local source <close> =
      assert(csv.open_string(table.concat(names, ",") .. "\r" .. table.concat(cells, ",") .. "\r1\r"))
    assert.equal(20000, #source:columns())
    local step = source:records()
    local line, record = step()
    assert.same({ 2, "777" }, { line, record["column\n777"] })
    assert.same({ 3, "too few fields: 1 of 20000" }, { (select(1, step())), "too few fields: 1 of 20000" })
  end)

  it("reads standard input, also in small pieces", function()
    assert.equal("3\t3\t7", through_stdin("printf 'a\\n1\\n2\\n3'"))
    local slowly = [[(printf 'a\r'; sleep 0.1; printf '\n1\n"2\n'; sleep 0.1; printf '5"\n')]]
    assert.equal("2\t2\n5\t11", through_stdin(slowly))
    assert.equal("200000\t200000\t1288897", through_stdin("(echo a; seq 200000)"))
  end)

  it("refuses what is no CSV with one line that names it", function()
    shown.refused("could not open '/no/such.csv': no such file or directory", "ENOENT", csv.open("/no/such.csv"))
    shown.refused(("could not open '%s': is a directory"):format(here), "EISDIR", csv.open(here))
    shown.refused(("'%sempty.csv' is empty"):format(fixtures), "empty", csv.open(fixtures .. "empty.csv"))
    shown.refused("'string' is empty", "empty", csv.open_string("\xef\xbb\xbf"))
    shown.refused(("'%sblank.csv' is empty: it has only blank lines"):format(fixtures), "empty",
      csv.open(fixtures .. "blank.csv"))
    local binary = build .. "/pghost"
    shown.refused(("'%s' looks like a binary file, not CSV"):format(binary), "binary", csv.open(binary))
    shown.refused("'string' looks like a binary file, not CSV", "binary", csv.open_string("\x1f\x8b\x08\0abc"))
    shown.refused("'string' looks like a binary file, not CSV", "binary", csv.open_string("\x7fELF\2\1\1\0\rb\nc\nd\n"))
  end)

  it("refuses headers that cannot name columns", function()
    shown.refused("string:1: column 2 of the header has no name: header_names 'repair' numbers such columns", "header",
      csv.open_string("a, ,c\n"))
    shown.refused(
      "string:1: columns 1 and 3 of the header are both named 'A': header_names 'repair' numbers such columns",
      "header", csv.open_string("a,b,A \n"))
    shown.refused("string:2: could not read the header: stray quote" .. repairable, "header",
      csv.open_string('\na"b,c\n1,2\n'))
    for _, text in ipairs { '"a" ,b\n1,2\n', 'a,"b"  \n1,2\n', 'a,"b"\t' } do
      shown.refused("string:1: could not read the header: stray quote: if blanks after a closing quote are not data, "
        .. "give blanks_after_quote = 'skip' (--blanks-after-quote skip)", "header", csv.open_string(text))
    end
    shown.refused("string:1: could not read the header: unterminated quote", "header", csv.open_string('a,"b\n1,2\n'))
    shown.refused("string:1: could not read the header: column 1: not valid utf-8: 0xF6 0x73", "header",
      csv.open_string("Gr\xf6sse,b\n"))
  end)

  it("takes any header where the caller names the columns", function()
    local source <close> = assert(csv.open_string("a, ,A \n1,2,3\n", { any_header = true }))
    assert.same({ "a", "", "A" }, source:columns())
    for _, record in source:records() do
      assert.same({ "1", "2", "3" }, { record[1], record[2], record[3] })
    end
    shown.refused("string:1: could not read the header: stray quote" .. repairable, "header",
      csv.open_string('a"b\n', { any_header = true }))
  end)

  it("refuses a line without end", function()
    local endless = ("x"):rep((16 << 20) + 1)
    local options = { max_record = 4 << 20 }
    shown.refused("string:1: a line of more than 16 MiB: not a CSV file?", "too_long",
      csv.open_string(endless, options))
    local source <close> = assert(csv.open_string("a\n1\n" .. endless, options))
    local _, message = pcall(count_records, source)
    assert.equal("string:3: a line of more than 16 MiB: not a CSV file?", message)
  end)

  it("raises on misuse", function()
    local function raises(pattern, ...)
      local ok, message = pcall(csv.open_string, "a\n", ...)
      assert.is_false(ok)
      assert.matches(pattern, message)
    end
    raises("unknown option 'delimeter'", { delimeter = ";" })
    raises("option 'delimiter': 1 to 8 bytes without line ends expected", { delimiter = ";\n" })
    raises("option 'quote': one ASCII character", { quote = 7 })
    raises("option 'line_end': 'lf' or 'cr' expected", { line_end = "crlf" })
    raises("option 'max_record': bytes from 1", { max_record = 0 })
    raises("option 'header': a boolean or lines from 0 to 16 expected, got '17'", { header = 17 })
    raises("delimiter and quote are the same", { delimiter = '"' })
    local source = assert(csv.open_string("a\n1\n"))
    local step = source:records()
    source:close()
    source:close()
    assert.has_error(step, "the source is closed")
    assert.has_error(function()
      source:columns()
    end)
    assert.matches("closed", tostring(source))
  end)

  it("is closed by leaving its scope through an error", function()
    local handle
    pcall(function()
      local source <close> = assert(csv.open(fixtures .. "dirty.csv"))
      handle = source
      for _ in source:records() do
        error("out")
      end
    end)
    assert.matches("closed", tostring(handle))
    local open_files = 0
    for name in lfs.dir("/proc/self/fd") do
      local target = lfs.symlinkattributes("/proc/self/fd/" .. name, "target")
      open_files = open_files + (target and target:find("dirty.csv", 1, true) and 1 or 0)
    end
    assert.equal(0, open_files)
  end)

  it("reads in constant memory", function()
    local function peak(records)
      local name = temporary("a,b,c\n" .. ('1,"two\nlines",some more text here\n'):rep(records))
      local out = server.shell(("%s/csv_driver time %s"):format(build, name))
      os.remove(name)
      assert.matches(("^%d records, 0 bad"):format(records), out)
      return tonumber(out:match("peak (%d+) kB"))
    end
    local small, large = peak(20000), peak(400000)
    assert.is_true(large < small + 1024, ("%d and %d kB"):format(small, large))
  end)

  it("is annotated in docs/meta", function()
    local file <close> = assert(io.open(here .. "/../docs/meta/csv.lua"))
    local text = file:read("a")
    local source <close> = assert(csv.open_string("a\n"))
    for prefix, registered in pairs { ["csv."] = csv, ["Source:"] = getmetatable(source).__index } do
      local expected, found = {}, {}
      for name in pairs(registered) do
        expected[#expected + 1] = name
      end
      for name in text:gmatch("\nfunction " .. prefix:gsub("%.", "%%.") .. "([%w_]+)%(") do
        found[#found + 1] = name
      end
      table.sort(expected)
      table.sort(found)
      assert.same(expected, found)
    end
  end)
end)
