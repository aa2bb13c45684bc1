local native = require "pghost.native.rules"
local r = require "pghost.rules"
local server = require "support.server"
local tried = require "support.tried"

local try, reason_of = tried.value, tried.reason_of

local function hex(text)
  return (text:gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end

-- Results of a one-column query, one value a line; "\N" for null.
local function query(sql)
  local lines = {}
  for line in (server.get():psql("\\pset null '\\\\N'\n" .. sql) .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

describe("a type", function()
  it("has a function of its name, up to a blank", function()
    for _, kind in ipairs(native.types()) do
      local column = r[kind.name:match("^%S+")]()
      assert.equal(kind.name, (r.table("t", { { "x", column } }):columns()[1].type:gsub("%(.*", "")))
    end
  end)
end)

describe("operations", function()
  it("run in the order written", function()
    assert.equal("x", (try(r.text():trim():unquote():trim(), ' " x " ')))
    assert.equal(' " x', (try(r.text():unquote(), '" " x"')))
    assert.equal('" x "', (try(r.text():unquote():trim(), ' " x " ')))
    assert.equal("b", (try(r.text():upper():replace("A", "b"), "a")))
    assert.equal("B", (try(r.text():replace("a", "b"):upper(), "a")))
  end)

  it("leave null alone, and '' is not null", function()
    assert.is_nil((try(r.text():trim():lower():replace("a", "b"), nil)))
    assert.equal("", (try(r.text():trim(), "  ")))
    assert.equal("", (try(r.text():unquote(), '""')))
    assert.equal('"', (try(r.text():unquote(), '"')))
  end)

  it("null_if takes words or a list with options", function()
    local words = r.text():null_if("NULL", "")
    assert.is_nil((try(words, "NULL")))
    assert.is_nil((try(words, "")))
    assert.equal("null", (try(words, "null")))
    local any_case = r.text():null_if({ "NULL", "n/a" }, { ignore_case = true })
    assert.is_nil((try(any_case, "Null")))
    assert.is_nil((try(any_case, "N/A")))
    assert.equal("NULLS", (try(any_case, "NULLS")))
    assert.equal("", (try(any_case, "")))
    local long = ("x"):rep(100)
    assert.is_nil((try(r.text():null_if(long), long)))
    assert.equal(long .. "y", (try(r.text():null_if(long), long .. "y")))
  end)

  it("decimal takes numbers with other marks, strictly", function()
    local price = r.numeric():decimal(",", ".")
    for text, value in pairs { ["1.234,5"] = "1234.5", ["1234,50"] = "1234.50", ["-1.234.567"] = "-1234567",
      ["+,5"] = "+.5", ["5,"] = "5.", [" 7,25 "] = "7.25", ["0"] = "0" } do
      assert.equal(value, (try(price, text)), text)
    end
    for _, text in ipairs { "12.34", "1.23,4", "1234.567,8", "1,234.5", ".234", "1..234", "1,2,3", ",", "-", "1e5",
      "NaN", "1.234,5.6", "" } do
      local value, reject = try(price, text)
      assert.is_nil(value, text)
      assert.equal(("not a number with ',' before decimals and '.' between thousands: '%s'"):format(text),
        reject.reason, text)
    end
    assert.is_nil((try(price, nil)))
    assert.equal(1234567, (try(r.bigint():decimal(".", "’"), "1’234’567")))
    assert.equal("1234.5", (try(r.numeric():decimal(",", "\u{a0}"), "1\u{a0}234,5")))
    assert.equal("not a number with ',' before decimals: '1.5'", (select(2, try(r.real():decimal(","), "1.5"))).reason)
    assert.equal(0, (try(r.integer():decimal(","):on_fail("default", 0), "1.5")))
    assert.equal("1.5", (try(r.numeric():default("1,5"):decimal(","), nil)))
  end)

  it("replace takes the text literally, every occurrence, left to right", function()
    assert.equal("a.b.c", (try(r.text():replace("->", "."), "a->b->c")))
    assert.equal("1234", (try(r.text():replace(".", ""), "1.2.3.4")))
    assert.equal("bba", (try(r.text():replace("aa", "b"), "aaaaa")))
    assert.equal("äöü", (try(r.text():replace("--", "ö"), "ä--ü")))
    assert.equal(1234567, (try(r.integer():replace(",", ""), "1,234,567")))
  end)

  it("default fills null, before the type", function()
    assert.equal(7, (try(r.integer():null_if(""):default(7), "")))
    assert.equal(7, (try(r.integer():default("7"):required(), nil)))
    assert.equal("", (try(r.text():default("x"), "")))
    assert.equal(true, (try(r.boolean():default(true), nil)))
  end)

  it("clean as SQL does", function()
    math.randomseed(20240630)
    local pieces = { " ", "\t", "\n", "\r", "\f", "\v", '"', '""', "NULL", "null", "a", "ä", "b c", "\u{a0}", "" }
    local values, cells = {}, {}
    for i = 1, 3000 do
      local parts = {}
      for k = 1, math.random(0, 6) do
        parts[k] = pieces[math.random(#pieces)]
      end
      values[i] = table.concat(parts)
      cells[i] = ("(%d, '%s')"):format(i, hex(values[i]))
    end
    local expected = query([[
      with hexed(i, h) as (values ]] .. table.concat(cells, ", ") .. [[),
      cells as (select i, convert_from(decode(h, 'hex'), 'UTF8') x from hexed),
      a as (select i, btrim(x, E' \t\n\x0b\f\r') x from cells),
      b as (select i, case when x like '"%"' then substr(x, 2, length(x) - 2) else x end x from a),
      c as (select i, btrim(x, E' \t\n\x0b\f\r') x from b)
      select case when upper(x) not in ('', 'NULL') then encode(convert_to(x, 'UTF8'), 'hex') end
      from c order by i]])
    assert.equal(#values, #expected)
    local rules = r.table("t", { { "x", require("rules.cleaning")(r.text()) } })
    local nulls = 0
    for i, value in ipairs(values) do
      local cleaned = rules:try({ x = value }).x
      nulls = nulls + (cleaned and 0 or 1)
      assert.equal(expected[i], cleaned and hex(cleaned) or "\\N", ("%q"):format(value))
    end
    assert.is_true(nulls > 100 and nulls < 2000)
  end)

  it("change case as the server does under C.UTF-8", function()
    local rules = r.table("t", { { "lower", r.text():lower() }, { "upper", r.text():upper() } })
    local codes = {}
    for code = 1, 0x1FFFF do
      if code < 0xD800 or code > 0xDFFF then
        codes[#codes + 1] = code
      end
    end
    local all = utf8.char(table.unpack(codes, 1, 60000)) .. utf8.char(table.unpack(codes, 60001))
    local record = rules:try { lower = all, upper = all }
    for name, text in pairs(record) do
      local changed, expected = 0, query(([[select i, encode(convert_to(%s(chr(i)), 'UTF8'), 'hex')
        from generate_series(1, 131071) i where i not between 55296 and 57343 order by i]]):format(name))
      assert.equal(#codes, #expected)
      for i, code in utf8.codes(text) do
        changed = changed + 1
        local line = codes[changed] .. "|" .. hex(utf8.char(code))
        if line ~= expected[changed] then
          assert.equal(expected[changed], line, name .. " at byte " .. i)
        end
      end
      assert.equal(#codes, changed)
      assert.is_not.equal(all, text)
    end
  end)
end)

describe("checks", function()
  it("required", function()
    local reason, rule, column = reason_of(r.text():null_if(""):required(), "")
    assert.same({ "is required", "required", "x" }, { reason, rule, column })
    assert.equal("", (try(r.text():required(), "")))
  end)

  it("type", function()
    assert.same({ "not a timestamp 'ABC'", "type", "x" }, { reason_of(r.timestamp(), "ABC") })
    for _, zone in ipairs { "CEST", "America/New_York", "Etc/GMT+1", "PST" } do
      assert.equal(("names a time zone, give its offset, as +02:00: '2024-07-05 10:00 %s'"):format(zone),
        (reason_of(r.timestamptz(), "2024-07-05 10:00 " .. zone)))
      assert.equal(("has a time zone, which a timestamptz keeps and a timestamp drops: '2024-07-05 10:00 %s'"):format(
        zone), (reason_of(r.timestamp(), "2024-07-05 10:00 " .. zone)))
    end
    assert.equal("has a time zone, which a timestamptz keeps and a timestamp drops: '2024-07-05 10:00+02'",
      (reason_of(r.timestamp(), "2024-07-05 10:00+02")))
    for _, text in ipairs { "2024-07-05 10:00 x", "2024-07-05 10:00 foo", "CEST", "2024-07-05 CEST" } do
      assert.equal(("not a timestamptz '%s'"):format(text), (reason_of(r.timestamptz(), text)))
    end
    local day = r.date { format = "DD/MM/YYYY" }
    assert.equal("not a date '2024-12-31', expected DD/MM/YYYY", (reason_of(day, "2024-12-31")))
    assert.equal("too long for varchar(3): 'äöüß'", (reason_of(r.varchar(3), "äöüß")))
  end)

  it("one_of compares values of the type", function()
    local status = r.text():one_of { "a", "b" }
    assert.equal("b", (try(status, "b")))
    assert.same({ "not one of 'a', 'b': 'x'", "one_of", "x" }, { reason_of(status, "x") })
    assert.equal("1.50", (try(r.numeric(10, 2):one_of(2, "1.5"), "1.50")))
    assert.equal(7, (try(r.integer():one_of(9, 8, 7), "007")))
    assert.is_nil((try(status, nil)))
    local many = {}
    for i = 1, 500 do
      many[i] = ("v%d"):format((i * 7919) % 1009)
    end
    local rules = r.table("t", { { "x", r.text():one_of(many) } })
    for _, value in ipairs(many) do
      assert.equal(value, rules:try({ x = value }).x)
    end
    assert.matches("%(500 values%): 'w1'$", select(2, rules:try { x = "w1" }).reason)
  end)

  it("range has typed, inclusive, open bounds", function()
    local column = r.integer():range(1, 10)
    assert.equal(1, (try(column, "1")))
    assert.equal(10, (try(column, "+10")))
    assert.same({ "out of range 1..10: '11'", "range", "x" }, { reason_of(column, "11") })
    assert.equal("less than 0: '-1'", (reason_of(r.integer():range(0), "-1")))
    assert.equal("greater than 9.5: '9.51'", (reason_of(r.numeric():range(nil, 9.5), "9.51")))
    assert.equal("9.5000", (try(r.numeric():range(nil, "9.5"), "9.5000")))
    local this_year = r.date():range("2024-01-01", "2024-12-31")
    assert.equal("2024-02-29", (try(this_year, "2024-02-29")))
    assert.equal("out of range 2024-01-01..2024-12-31: '2025-01-01'", (reason_of(this_year, "2025-01-01")))
  end)

  it("length counts characters", function()
    local column = r.text():length(2, 3)
    assert.equal("äöü", (try(column, "äöü")))
    assert.same({ "too short, 1 characters of at least 2: 'ä'", "length", "x" }, { reason_of(column, "ä") })
    assert.equal("too long, 4 characters of at most 3: 'abcd'", (reason_of(column, "abcd")))
    assert.equal("", (try(r.text():length(nil, 3), "")))
  end)

  it("matches a PCRE2 pattern on the cleaned text", function()
    local column = r.text():trim():matches("^[A-ZÄ]{2}\\d+$")
    assert.equal("ÄB12", (try(column, " ÄB12 ")))
    assert.same({ "does not match '^[A-ZÄ]{2}\\d+$': 'a1'", "matches", "x" }, { reason_of(column, "a1") })
    assert.equal("xay", (try(r.text():matches("a"), "xay")))
    assert.equal("does not match '^a$': 'a\\n'", (reason_of(r.text():matches("^a$"), "a\n")))
    assert.equal("ä", (try(r.text():matches("^.$"), "ä")))
    assert.equal("42", tostring((try(r.integer():matches("^\\d\\d$"), "42"))))
  end)

  it("gives up on a pattern that would take for ever", function()
    local start = os.clock()
    local reason, rule = reason_of(r.text():matches("^(a|aa|b?a)+$"), ("a"):rep(60) .. "!")
    assert.matches("^gave up matching '%^%(a|aa|b%?a%)%+%$': 'a+!?'?", reason)
    assert.equal("matches", rule)
    assert.is_true(os.clock() - start < 5)
  end)

  it("run in the order written, the first failure counts", function()
    local column = r.text():length(1, 3):one_of("abcd")
    assert.equal("length", select(2, reason_of(column, "abcd")))
    assert.equal("one_of", select(2, reason_of(column, "abc")))
  end)
end)

describe("reasons", function()
  it("cut long values at a character and escape control characters", function()
    local long = ("ä"):rep(100)
    assert.equal("not an integer '" .. ("ä"):rep(60) .. "...'", (reason_of(r.integer(), long)))
    assert.equal("not an integer 'a\\n\\t\\x1b[31m\\u009b'", (reason_of(r.integer(), "a\n\t\27[31m\u{9b}")))
  end)

  it("stay valid UTF-8 within their bounds", function()
    local values = {}
    for i = 1, 8 do
      values[i] = i .. ("\u{1F600}"):rep(40)
    end
    local reason = reason_of(r.text():one_of(values), ("\u{1F601}"):rep(70))
    assert.is_true(#reason < 512 and #reason > 480)
    assert.truthy(utf8.len(reason))
  end)

  it("name the first column that fails", function()
    local rules = r.table("t", { { "a", r.integer() }, { "b", r.integer() }, { "c", r.integer() } })
    local _, failure = rules:try { a = 1, b = "x", c = "y" }
    assert.same({ column = "b", rule = "type", reason = "not an integer 'x'" }, failure)
  end)
end)

describe("on_fail", function()
  it("null stores null for a type or check that fails", function()
    local column = r.integer():range(1, 10):on_fail("null")
    assert.equal(3, (try(column, "3")))
    local record, changes = r.table("t", { { "x", column } }):try { x = "ABC" }
    assert.same({}, record)
    assert.same({ { column = "x", rule = "type (null)", before = "ABC" } }, changes)
    record, changes = r.table("t", { { "x", column } }):try { x = "11" }
    assert.same({}, record)
    assert.same({ { column = "x", rule = "range (null)", before = "11" } }, changes)
  end)

  it("default stores the value, also where a required one is missing", function()
    local column = r.integer():required():range(1, 10):on_fail("default", -1)
    assert.equal(-1, (try(column, "ABC")))
    assert.equal(-1, (try(column, "11")))
    local value, changes = try(column, nil)
    assert.equal(-1, value)
    assert.same({ { column = "x", rule = "required (default)", after = "-1" } }, changes)
    assert.equal("0.10", (try(r.numeric(4, 2):on_fail("default", "0.10"), "x")))
  end)

  it("warn keeps a value that breaks checks, and counts each", function()
    local column = r.text():length(nil, 2):one_of("a"):on_fail("warn")
    local value, changes = try(column, "abc")
    assert.equal("abc", value)
    assert.same({ "length (warn)", "one_of (warn)" }, { changes[1].rule, changes[2].rule })
    value, changes = try(r.integer():on_fail("warn"), "abc")
    assert.is_nil(value)
    assert.same({ { column = "x", rule = "type (warn)", before = "abc" } }, changes)
  end)

  it("warn never lets a required column become null", function()
    local column = r.integer():required():range(1):on_fail("warn")
    assert.equal(0, (try(column, "0")))
    assert.same({ "not an integer 'x'", "type", "x" }, { reason_of(column, "x") })
    assert.same({ "is required", "required", "x" }, { reason_of(column, nil) })
  end)
end)

describe("cleaning counts", function()
  it("tell each operation that changed the cell, with samples", function()
    local column = r.text():trim():unquote():trim():null_if("x"):default("y")
    local _, changes = try(column, ' " x\t" ')
    assert.same({
      { column = "x", rule = "trim", before = ' " x\\t" ', after = '" x\\t"' },
      { column = "x", rule = "unquote", before = '" x\\t"', after = " x\\t" },
      { column = "x", rule = "trim 2", before = " x\\t", after = "x" },
      { column = "x", rule = "null_if", before = "x" },
      { column = "x", rule = "default", after = "y" },
    }, changes)
    _, changes = try(column, "z")
    assert.same({}, changes)
    _, changes = try(r.text():lower():replace("a", "a"), "abc")
    assert.same({}, changes)
  end)

  it("cut samples at a character", function()
    local _, changes = try(r.text():trim(), " " .. ("ä"):rep(100))
    assert.equal(("ä"):rep(39), changes[1].after)
  end)
end)

describe("row rules", function()
  local times = {
    { "from", r.timestamp() },
    { "to", r.timestamp() },
  }

  local function compare(op, left, right)
    local rules = r.table("t", times, { row = { r.compare("from", op, "to") } })
    local record, failure = rules:try { from = left, to = right }
    return record ~= nil, failure
  end

  it("compare values of the type, not their text", function()
    local early, late = "2024-01-02 03:04", "2024-01-02 03:04:00.000001"
    local expected = { -- early op late, late op early, early op early
      ["<"] = { true, false, false }, ["<="] = { true, false, true }, ["="] = { false, false, true },
      ["=="] = { false, false, true }, ["<>"] = { true, true, false }, ["~="] = { true, true, false },
      [">="] = { false, true, true }, [">"] = { false, true, false },
    }
    for op, results in pairs(expected) do
      assert.equal(results[1], (compare(op, early, late)), op)
      assert.equal(results[2], (compare(op, late, early)), op)
      assert.equal(results[3], (compare(op, early, "2024-01-02T03:04:00")), op)
    end
  end)

  it("pass where either is null", function()
    for _, op in ipairs { "<", "<=", "=", "<>", ">=", ">" } do
      assert.is_true((compare(op, nil, "2024-01-01 00:00")))
      assert.is_true((compare(op, "2024-01-01 00:00", nil)))
      assert.is_true((compare(op, nil, nil)))
    end
  end)

  it("say what is wrong", function()
    local _, failure = compare("<=", "2024-01-02 10:00", "2024-01-01 09:00")
    assert.same({
      rule = "compare",
      reason = "from '2024-01-02 10:00' is after to '2024-01-01 09:00'",
    }, failure)
    local rules = r.table("t", { { "a", r.smallint() }, { "b", r.bigint() } }, { row = { r.compare("a", ">", "b") } })
    _, failure = rules:try { a = 3, b = 3 }
    assert.equal("a '3' is not greater than b '3'", failure.reason)
    assert.same({ a = 4, b = 3 }, (rules:try { a = 4, b = 3 }))
  end)

  it("filter by a column's value", function()
    local function passes(rule, value)
      local record, failure = r.table("t", { { "x", r.integer() } }, { row = { rule } }):try { x = value }
      assert.equal(record == nil and "filter" or nil, not record and failure.rule or nil)
      return record ~= nil
    end
    assert.is_false(passes(r.filter("x", "=", 5), "05"))
    assert.is_true(passes(r.filter("x", "=", 5), "6"))
    assert.is_true(passes(r.filter("x", "=", 5), nil))
    assert.is_false(passes(r.filter("x", ">", 5), "6"))
    assert.is_true(passes(r.filter("x", ">", 5), "5"))
    assert.is_false(passes(r.filter("x", "is null"), nil))
    assert.is_true(passes(r.filter("x", "is null"), "1"))
    assert.is_false(passes(r.filter("x", "is not null"), "1"))
    assert.is_true(passes(r.filter("x", "is not null"), nil))
  end)
end)
