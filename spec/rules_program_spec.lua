-- Columns and programs as values: what they say of themselves, types with names and parts, the example domain.

local native = require "pghost.native.rules"
local r = require "pghost.rules"
local tried = require "support.tried"

local try, reason_of = tried.value, tried.reason_of

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
