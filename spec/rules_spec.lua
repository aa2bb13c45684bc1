local r = require "pghost.rules"
local native = require "pghost.native.rules"
local server = require "support.server"

-- One column named "x", and what becomes of one value in it.
local function try(column, value, options)
  local record, detail = r.table("t", { { "x", column } }, options):try { x = value }
  if record then
    return record.x, detail
  end
  return nil, detail
end

local function reason_of(column, value)
  local rules = r.table("t", { { "x", column } })
  local record, failure = rules:try { x = value }
  assert.is_nil(record)
  return failure.reason, failure.rule, failure.column
end

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

describe("columns", function()
  it("are not changed by calls on them", function()
    local clean = r.text():trim()
    local lower, required = clean:lower(), clean:required():one_of("A")
    assert.equal("A", (try(clean, " A ")))
    assert.equal("a", (try(lower, " A ")))
    assert.equal("one_of", select(2, reason_of(required, "b")))
    assert.equal("b", (try(clean, "b")))
    assert.is_nil((try(clean, nil)))
    r.table("t", { { "x", clean } }, { key = "x" })
    assert.is_nil((try(clean, nil)))
  end)

  it("are described as SQL types and in text", function()
    local rules = r.table("t", {
      { "id", r.bigint():trim() },
      { "price", r.numeric(10, 2):null_if({ "", "-" }, { ignore_case = true }):range(0):on_fail("default", 0) },
      { "day", r.date { format = "DD/MM/YYYY" }:required() },
      { "name", r.varchar(5):replace("a", "b"):matches("^b") },
    }, { key = "id", row = { r.compare("id", "<>", "id"), r.filter("price", "is null") } })
    assert.same({
      { name = "id", type = "bigint", required = true },
      { name = "price", type = "numeric(10,2)", required = false },
      { name = "day", type = "date", required = true },
      { name = "name", type = "varchar(5)", required = false },
    }, rules:columns())
    assert.equal([[
t: 4 columns, key id
column  type               operations                  checks
id      bigint             trim                        required
price   numeric(10,2)      null_if('', '-', any case)  range(0..), on_fail default 0
day     date 'DD/MM/YYYY'                              required
name    varchar(5)         replace('a', 'b')           matches('^b')
row: id <> id
row: leave out where price is null]], rules:describe())
  end)

  it("take every type", function()
    local values = {
      text = "a", varchar = "a", smallint = 1, integer = 1, bigint = 9007199254740993, numeric = "1.5", real = 1.5,
      double = 0.1, boolean = true, date = "2024-02-29", time = "10:00", timestamp = "2024-02-29 10:00",
      timestamptz = "2024-02-29 10:00+02", timetz = "10:00+02", interval = "1 day", inet = "::1", cidr = "10.0.0.0/8",
      bytea = "\\x00", uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", json = "{}", jsonb = "[1]",
    }
    for name, value in pairs(values) do
      assert.equal(value, (try(r[name](), value)), name)
      local sql_name = name == "double" and "double precision" or name
      assert.equal(sql_name, r.table("t", { { "x", r[name]() } }):columns()[1].type)
    end
    assert.equal("integer", math.type((try(r.bigint(), "9007199254740993"))))
    assert.equal("float", math.type((try(r.real(), "2"))))
    assert.equal("2024-12-31", (try(r.date { format = "YYYY-MM-DD" }, "2024-12-31")))
  end)
end)

describe("types with names and parts", function()
  local function described(column)
    local rules = r.table("t", { { "x", column } })
    return rules:columns()[1].type, rules:describe():match("\nx +([^\n]*)")
  end

  it("are named as the server names them", function()
    assert.same({ "char(1)", "char(1)" }, { described(r.char()) })
    assert.same({ "char(3)", "char(3)" }, { described(r.char(3)) })
    assert.same({ "bigint[]", "bigint[]" }, { described(r.array("bigint")) })
    assert.same({ "numeric(5,2)[]", "numeric(5,2)[]" }, { described(r.array(r.numeric(5, 2))) })
    assert.same({ "text", "text of 'a', 'b'" }, { described(r.enum { "a", "b" }) })
    assert.same({ "public.mood", "public.mood of 'a', 'b'" }, { described(r.enum("public.mood", { "a", "b" })) })
    assert.same({ "small", "small over integer  trim" }, { described(r.domain("small", r.integer()):trim()) })
    assert.same({ "small", "small over varchar(5)" }, { described(r.domain("small", r.varchar(5))) })
    assert.same({ "mine", "mine over mood of 'a'" }, { described(r.domain("mine", r.enum("mood", { "a" }))) })
    assert.same({ "money", "money" }, { described(r.type("money")) })
    assert.same({ "small[]", "small[]" }, { described(r.array(r.domain("small", r.integer()))) })
  end)

  it("know their values", function()
    assert.equal("a", (try(r.enum { "a", "b" }, "a")))
    assert.same({ "not one of 'a', 'b': 'A'", "type", "x" }, { reason_of(r.enum { "a", "b" }, "A") })
    assert.same({ "not one of 'a': 'b'", "type", "x" }, { reason_of(r.enum("mood", { "a" }), "b") })
    assert.equal("ab", (try(r.char(3), "ab ")))
    assert.same({ "too long for char(1): 'ab'", "type", "x" }, { reason_of(r.char(), "ab") })
    assert.same({ "too long for code: 'ab'", "type", "x" }, { reason_of(r.domain("code", r.varchar(1)), "ab") })
    assert.same({ "not a bigint in the array '{1,x}'", "type", "x" }, { reason_of(r.array("bigint"), "{1,x}") })
    assert.same({ "bad syntax in the array '1'", "type", "x" }, { reason_of(r.array("bigint"), "1") })
    assert.equal("{1,NULL}", (try(r.array("bigint"), "{1,NULL}")))
    assert.equal("anything", (try(r.type("money"), "anything")))
    assert.equal(7, (try(r.domain("small", r.integer()), "7")))
  end)

  it("compare as values", function()
    local mood = r.enum { "low", "middle", "high" }
    assert.equal("middle", (try(mood:range("middle"), "middle")))
    assert.equal("range", select(2, reason_of(mood:range("middle"), "low")))
    assert.equal("24 hours", (try(r.interval():one_of("1 day", "P1M"), "24 hours")))
    assert.equal("30 days", (try(r.interval():range("1 day", "P1M"), "30 days")))
    assert.equal("range", select(2, reason_of(r.interval():range("1 day", "P1M"), "31 days")))
    assert.equal("10.1.2.3", (try(r.inet():range("10.0.0.0/8", "10.255.255.255"), "10.1.2.3")))
    assert.equal("range", select(2, reason_of(r.inet():range("10.0.0.0/8"), "9.255.255.255")))
    assert.equal("12:00+01", (try(r.timetz():range("10:00Z"), "12:00+01")))
    assert.equal("range", select(2, reason_of(r.timetz():range("10:00Z"), "12:00+02"))) -- then by the zone
    assert.equal("\\101", (try(r.bytea():one_of("\\x41"), "\\101")))
    assert.equal("", (try(r.bytea():one_of("\\x"), "")))
  end)
end)

describe("misuse raises at the caller's line", function()
  local function message_of(fn)
    local ok, message = pcall(fn)
    assert.is_false(ok)
    local line = debug.getinfo(fn, "S").linedefined
    local position, rest = message:match("^.-rules_spec%.lua:(%d+): (.*)$")
    assert.equal(line, tonumber(position), message)
    return rest
  end

  it("in columns", function()
    assert.equal("null_if: at least one value expected", message_of(function() r.text():null_if() end))
    assert.equal("null_if: unknown option 'case'", message_of(function() r.text():null_if({ "a" }, { case = 1 }) end))
    assert.equal("varchar: integer from 1 expected, got '0'", message_of(function() r.varchar(0) end))
    assert.equal("char: integer from 1 expected, got '0'", message_of(function() r.char(0) end))
    assert.equal('array: type expected, as "bigint" or r.bigint(), got nil', message_of(function() r.array() end))
    assert.equal("array: a type without operations, checks and format expected",
      message_of(function() r.array(r.text():trim()) end))
    assert.equal("enum: labels expected, or a name and labels", message_of(function() r.enum("a", "b") end))
    assert.equal("enum: at least one value expected", message_of(function() r.enum {} end))
    assert.equal('domain: name and type expected, as domain("amount", r.integer())',
      message_of(function() r.domain("a", "integer") end))
    assert.equal("type: name expected, got nil", message_of(function() r.type() end))
    assert.equal("check_row: function expected, got string", message_of(function() r.check_row("id") end))
    assert.equal("date: unknown option 'fmt'", message_of(function() r.date { fmt = "x" } end))
    assert.equal("default: string, number or boolean expected, got table",
      message_of(function() r.text():default {} end))
    assert.equal("decimal: the column is of type 'text', not a number",
      message_of(function() r.text():decimal(",") end))
    assert.equal("decimal: one character before the decimals expected, got 'ab'",
      message_of(function() r.numeric():decimal("ab") end))
    assert.equal("replace: text to look for expected, got ''", message_of(function() r.text():replace("", "x") end))
    assert.equal("range: a minimum, a maximum or both expected", message_of(function() r.text():range() end))
    assert.equal("length minimum: integer from 0 expected, got '-1'", message_of(function() r.text():length(-1) end))
    assert.equal("matches: pattern expected, got nil", message_of(function() r.text():matches() end))
    assert.equal("on_fail: 'reject', 'null', 'default' or 'warn' expected, got 'ignore'",
      message_of(function() r.text():on_fail("ignore") end):gsub("\n", ""))
    assert.equal("on_fail: default needs a value", message_of(function() r.text():on_fail("default") end))
    assert.equal("on_fail: 'null' takes no value", message_of(function() r.text():on_fail("null", 1) end))
    assert.equal("compare: unknown operator '=<'", message_of(function() r.compare("a", "=<", "b") end))
    assert.equal("check: function expected, got nil", message_of(function() r.check({ "a" }) end))
  end)

  local function table_message(columns, options)
    return message_of(function() r.table("t", columns, options) end)
  end

  it("in tables", function()
    local x = { "x", r.integer() }
    local cases = {
      { { { "x", "integer" } }, nil, "column 1: { \"name\", type } expected, as { \"id\", r.bigint() }" },
      { { x, { "X", r.text() } }, nil, "column 'X': duplicate name" },
      { { { ("x"):rep(64), r.text() } }, nil, "column '" .. ("x"):rep(64) .. "': a column name has 1 to 63 bytes" },
      { { x }, { key = "y" }, "key: unknown column 'y'" },
      { { x, y = r.text() }, nil, "columns: list expected, got field 'y'" },
      { { x, nil, x }, nil, "columns: list with a nil in it" },
      { { x }, { row = "x > 1" }, "row: list expected, got string" },
      { {}, nil, "a rule table needs at least one column" },
      { { { "x", r.text():matches("a(b") } }, nil,
        "column 'x': bad pattern (missing closing parenthesis at character 4): 'a(b'" },
      { { { "x", r.integer():range("a", 2) } }, nil, "column 'x': range min: not an integer 'a'" },
      { { { "x", r.integer():range(3, 2) } }, nil, "column 'x': range minimum is above the maximum: '3'" },
      { { { "x", r.integer():one_of("1.5") } }, nil, "column 'x': one_of: not an integer '1.5'" },
      { { { "x", r.integer():trim():default("n/a") } }, nil, "column 'x': default: not an integer 'n/a'" },
      { { { "x", r.integer():on_fail("default", "n/a") } }, nil, "column 'x': on_fail default: not an integer 'n/a'" },
      { { { "x", r.integer():on_fail("null") } }, { key = "x" },
        "column 'x': required cannot be combined with on_fail \"null\"" },
      { { { "x", r.json():one_of("1") } }, nil,
        "column 'x': one_of needs values that can be compared, which json cannot" },
      { { { "x", r.type("public.point"):range(1) } }, nil,
        "column 'x': range needs values that can be compared, which public.point cannot" },
      { { { "x", r.enum { "a", "a" } } }, nil, "column 'x': duplicate label 'a'" },
      { { { "x", r.enum { ("a"):rep(64) } } }, nil,
        "column 'x': a label of an enum has at most 63 bytes: '" .. ("a"):rep(60) .. "...'" },
      { { { "x", r.enum("int", { "a" }) } }, nil, "column 'x': labels are for an enum, by its name, or text" },
      { { { "x", r.domain("int", r.text()) } }, nil, "column 'x': not the name of a domain 'int'" },
      { { { "x", r.domain("a; b", r.text()) } }, nil, "column 'x': not the name of a domain 'a; b'" },
      { { { "x", r.type("a; drop table b") } }, nil, "column 'x': not the name of a type: 'a; drop table b'" },
      { { { "x", r.integer() }, { "y", r.type("money") } }, { row = { r.compare("y", "<", "y") } },
        "compare: 'y' (money) cannot be compared with 'y' (money)" },
      { { x }, { row = r.compare("x", "<", "x") }, "row: list expected, got field '.-'" },
      { { x }, { row = { r.compare("x", "<", "y") } }, "compare: unknown column 'y'" },
      { { x, { "y", r.text() } }, { row = { r.compare("x", "<", "y") } },
        "compare: 'x' (integer) cannot be compared with 'y' (text)" },
      { { x }, { row = { r.filter("x", "=", "a") } }, "column 'x': filter: not an integer 'a'" },
      { { x }, { row = { r.check({ "x", "z" }, print) } }, "check: unknown column 'z'" },
      { { x }, { row = { "x > 1" } }, "row: entry 1 is a string, table expected" },
      { { { "x", r.text():null_if("\xff") } }, nil, "column 'x': values: not valid UTF-8" },
    }
    for _, case in ipairs(cases) do
      local message = table_message(case[1], case[2])
      if not message:find("^rules 't': " .. case[3] .. "$") then
        assert.equal("rules 't': " .. case[3], message)
      end
    end
    local message = table_message { { "x", r.date { format = "DD/QQ" } } }
    assert.matches("^rules 't': column 'x': bad format 'DD/QQ': ", message)
    assert.equal("table: unknown option 'keys': did you mean 'key'?", table_message({ x }, { keys = "x" }))
    assert.equal("rules 't': try: unknown column 'y'", message_of(function() r.table("t", { x }):try { y = 1 } end))
  end)

  it("in hand-written rule tables", function()
    local function compile_message(rules)
      return message_of(function() native.compile(rules) end)
    end
    local function column(more)
      more.name, more.type = "x", more.type or "text"
      return { name = "t", more }
    end
    assert.equal("rules '?': name: string expected, got nil", compile_message {})
    local cases = {
      { { type = "a b" }, "not the name of a type: 'a b'" },
      { { operations = { { op = "strip" } } }, "unknown operation 'strip'" },
      { { operations = { {} } }, "op: string expected, got nil" },
      { { operations = "trim" }, "operations: table expected, got string" },
      { { operations = { { op = "default" } } }, "value: string, number or boolean expected, got nil" },
      { { operations = { { op = "replace", from = "", to = "" } } }, "replace needs a text to look for, not ''" },
      { { checks = { { check = "even" } } }, "unknown check 'even'" },
      { { checks = { { check = "length", min = 1.5 } } }, "length min: integer from 0 expected, got '1.5'" },
      { { failure = { action = "stop" } }, "on_fail: unknown action 'stop'" },
      { { failure = { acton = "null" } }, "on_fail: unknown key 'acton': did you mean 'action'?" },
      { { operatoins = {} }, "column: unknown key 'operatoins': did you mean 'operations'?" },
      { { operations = { { op = "replace", form = "a", to = "" } } }, "op: unknown key 'form': did you mean 'from'?" },
      { { operations = { { op = "trim", values = {} } } }, "op: unknown key 'values'" },
      { { checks = { { check = "range", min = 1, mx = 2 } } }, "check: unknown key 'mx': did you mean 'max'?" },
    }
    for _, case in ipairs(cases) do
      assert.equal("rules 't': column 'x': " .. case[2], compile_message(column(case[1])))
    end
    assert.equal("rules 't': table: unknown key 'on_eror': did you mean 'on_error'?",
      compile_message { name = "t", on_eror = "stop", { name = "x", type = "text" } })
    assert.equal("rules 't': compare: unknown key 'rigth': did you mean 'right'?",
      compile_message { name = "t", row = { { rule = "compare", left = "x", rigth = "x" } },
        { name = "x", type = "text" } })
  end)
end)

describe("a program", function()
  it("tries a list of values in column order", function()
    local columns = { { "a", r.integer() }, { "b", r.text():trim() }, { "c", r.boolean() } }
    local program = native.compile(r.table("t", columns))
    local record = program:try { "1", nil, "yes" }
    assert.same({ 1, nil, true, n = 3 }, record)
    assert.has_error(function() program:try { 1, 2, 3, 4 } end)
    local _, failure = program:try { "1", "a\xff" }
    assert.same({ column = "b", rule = "encoding", reason = "not valid UTF-8 or a NUL byte" }, failure)
    assert.equal("pghost.native.program (3 columns)", tostring(program))
  end)

  it("is plain data before it is compiled", function()
    local rules = require "rules.booking"
    local function check(value)
      assert.is_not.equal("function", type(value))
      if type(value) == "table" then
        for key, item in next, value do
          check(key)
          check(item)
        end
      end
    end
    check(rules)
    assert.equal("booking_id", rules[2].name)
    assert.same({ op = "trim" }, rules[2].operations[1])
  end)

  it("has every registered function in docs/meta", function()
    local file = assert(io.open(arg[0]:gsub("[^/]*$", "") .. "../docs/meta/rules.lua"))
    local text = file:read("a")
    file:close()
    local program = native.compile(r.table("t", { { "a", r.text() } }))
    for name in pairs(native) do
      assert.truthy(text:find("function M." .. name .. "(", 1, true), name)
    end
    for name in pairs(getmetatable(program).__index) do
      assert.truthy(text:find("function Program:" .. name .. "(", 1, true), name)
    end
  end)

  it("survives an eager collector", function()
    collectgarbage("incremental", 1, 1000)
    for _ = 1, 20 do
      local program = native.compile(require "rules.booking")
      assert.truthy(program:try { 1, 2, nil, "x", nil, "2024-01-01 10:00", nil, "f" })
      local column = { name = "x", type = "text", checks = { { check = "matches", pattern = "a" }, 1 } }
      assert.is_false((pcall(native.compile, { name = "t", column })))
    end
    collectgarbage("generational")
  end)
end)

describe("the example domain", function()
  local booking = require "rules.booking"
  local good = {
    user_id = " 1 ", booking_id = '"2"', created_at = "null", status = ' " left" ', checkin_status = "",
    booking_start_time = "2024-01-02 10:00", booking_end_time = "2024-01-02T11:00:00.5", is_demo = '"No"',
  }

  local function with(changes)
    local record = {}
    for key, value in pairs(good) do
      record[key] = value
    end
    for key, value in pairs(changes) do
      record[key] = value
    end
    return booking:try(record)
  end

  it("cleans a booking", function()
    assert.same({
      user_id = 1, booking_id = 2, status = "left", is_demo = false,
      booking_start_time = "2024-01-02 10:00", booking_end_time = "2024-01-02T11:00:00.5",
    }, (with {}))
  end)

  it("rejects what the domain rejects", function()
    local function failure(changes)
      local record, detail = with(changes)
      assert.is_nil(record)
      return { detail.column, detail.rule }
    end
    assert.same({ "created_at", "type" }, failure { created_at = "ABC" })
    assert.same({ "created_at", "type" }, failure { created_at = "2024-02-30 10:00:00" })
    assert.same({ "is_demo", "required" }, failure { is_demo = " NULL " })
    assert.same({ "is_demo", "type" }, failure { is_demo = "maybe" })
    assert.same({ "user_id", "required" }, failure { user_id = '" "' })
    assert.same({ "booking_id", "required" }, failure { booking_id = "Null" })
    assert.same({ "booking_start_time", "required" }, failure { booking_start_time = "" })
    assert.same({ nil, "compare" }, failure { booking_end_time = "2024-01-02 09:59" })
  end)

  it("has keys for users and companies", function()
    local users, company = require "rules.users", require "rules.company"
    assert.same({ "rn" }, users.key)
    assert.same({ "company_id" }, company.key)
    assert.same({ rn = 1, demo_user = true }, (users:try { rn = "1", demo_user = "T" }))
    assert.equal("demo_user", select(2, users:try { rn = "1" }).column)
    assert.equal("company_name", select(2, company:try { company_id = "1", company_name = '""' }).column)
  end)
end)
