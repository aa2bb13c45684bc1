local r = require "pghost.rules"

local columns = {
  { "id", r.bigint():required() },
  { "amount", r.integer():range(0, 1000) },
  { "share", r.double() },
  { "open", r.boolean() },
  { "note", r.varchar(10) },
  { "day", r.date() },
}

local function rules_with(...)
  return r.table("t", columns, { row = { ... } })
end

local function here()
  return debug.getinfo(2, "l").currentline
end

describe("lua rules", function()
  it("get typed values of the named columns, nil for null", function()
    local got
    local rules = rules_with(r.check({ "day", "amount", "share", "open", "note", "id" }, function(...)
      got = table.pack(...)
      return true
    end))
    local record = { id = "9223372036854775807", amount = "007", share = "2", open = "no", day = "2024-02-29" }
    assert.truthy(rules:try(record))
    assert.same({ "2024-02-29", 7, 2.0, false, nil, math.maxinteger, n = 6 }, got)
    assert.equal("integer", math.type(got[2]))
    assert.equal("float", math.type(got[3]))
    assert.truthy(rules:try { id = 1, note = "ab" })
    assert.same({ nil, nil, nil, nil, "ab", 1, n = 6 }, got)
  end)

  it("are not called for a record that breaks a rule before them", function()
    local calls = 0
    local rules = rules_with(r.compare("id", "<", "amount"), r.check("id", function()
      calls = calls + 1
      return true
    end))
    assert.equal("required", select(2, rules:try {}).rule)
    assert.equal("compare", select(2, rules:try { id = 2, amount = 1 }).rule)
    assert.equal(0, calls)
    assert.truthy(rules:try { id = 0, amount = 1 })
    assert.equal(1, calls)
  end)
end)

describe("r.check", function()
  it("rejects with the reason it returns", function()
    local rules = rules_with(r.check({ "id", "amount" }, function(id, amount)
      return id ~= amount, "id and amount are both " .. id
    end))
    assert.truthy(rules:try { id = 1, amount = 2 })
    assert.same({ rule = "check", reason = "id and amount are both 2" }, select(2, rules:try { id = 2, amount = 2 }))
  end)

  it("names the function and the values where it gives no reason", function()
    local line = here() + 1
    local rules = rules_with(r.check({ "note", "day" }, function() return nil end))
    local failure = select(2, rules:try { id = 1, note = "a'b\n" })
    assert.equal("check", failure.rule)
    assert.matches(("lua_rules_spec.lua:%d failed: note 'a'b\\n', day null$"):format(line), failure.reason)
    assert.matches("^check at ", failure.reason)
  end)

  it("is filed under its column if that is the only one", function()
    assert.equal("note", select(2, rules_with(r.check("note", function() return false end)):try { id = 1 }).column)
  end)

  it("keeps reasons to one line within bounds", function()
    local rules = rules_with(r.check("id", function() return false, "a\nb\27" .. ("ä"):rep(1000) end))
    local reason = select(2, rules:try { id = 1 }).reason
    assert.equal("a\\nb\\x1bä", reason:sub(1, 10))
    assert.is_true(#reason < 512)
    assert.truthy(utf8.len(reason))
  end)
end)

describe("r.set", function()
  local function set(value, column)
    return rules_with(r.set(column or "amount", {}, function() return value end)):try { id = 1, amount = 5, note = "x" }
  end

  it("replaces the value, through the column's type", function()
    local rules = rules_with(r.set("amount", { "amount", "share" }, function(amount, share)
      return amount * share
    end))
    assert.equal(10, rules:try({ id = 1, amount = "5", share = "2" }).amount)
    assert.equal("integer", math.type(rules:try({ id = 1, amount = 5, share = 2 }).amount))
    assert.equal("not an integer '2.5'", select(2, rules:try { id = 1, amount = 5, share = 0.5 }).reason)
    assert.equal(true, set("YES", "open").open)
    assert.equal(0.1, set(0.1, "share").share)
    assert.equal(1 / 3, set(1 / 3, "share").share)
    assert.equal(math.huge, set(math.huge, "share").share)
    assert.equal("true", set(true, "note").note)
    assert.equal("2024-02-29", set("2024-02-29", "day").day)
  end)

  it("goes through checks and required", function()
    assert.same({ column = "amount", rule = "range", reason = "out of range 0..1000: '-1'" }, select(2, set(-1)))
    assert.same({ column = "amount", rule = "type", reason = "not an integer 'x'" }, select(2, set("x")))
    assert.same({ column = "id", rule = "required", reason = "is required" }, select(2, set(nil, "id")))
    assert.is_nil(set(nil).amount)
  end)

  it("takes nothing but scalars and valid text", function()
    assert.same({
      column = "amount",
      rule = "lua",
      reason = "set returned a table, expected a string, number, boolean or nil",
    }, select(2, set({})))
    local failure = select(2, set("a\xff", "note"))
    assert.equal("set returned text that is not valid UTF-8 or holds a NUL 'a\\xff'", failure.reason)
    assert.equal("lua", select(2, set("a\0b", "note")).rule)
  end)

  it("is counted where it changes something", function()
    local _, changes = set(6)
    assert.same({ { column = "amount", rule = "set", before = "5", after = "6" } }, changes)
    _, changes = set(5)
    assert.same({}, changes)
    _, changes = set(nil)
    assert.same({ { column = "amount", rule = "set", before = "5" } }, changes)
  end)

  it("is seen by the rules behind it, and by no rule before it", function()
    local double = r.set("amount", "amount", function(amount) return amount * 2 end)
    local compare = r.compare("amount", "<=", "id")
    assert.truthy(rules_with(compare, double):try { id = 5, amount = 5 })
    assert.equal("compare", select(2, rules_with(double, compare):try { id = 5, amount = 5 }).rule)
    assert.equal(20, rules_with(double, double):try({ id = 1, amount = 5 }).amount)
    assert.equal("filter", select(2, rules_with(double, r.filter("amount", "=", 10)):try { id = 1, amount = 5 }).rule)
  end)

  it("follows on_fail", function()
    local rules = r.table("t", { { "x", r.integer():on_fail("null") } }, {
      row = { r.set("x", "x", function() return "abc" end), r.set("x", "x", function() return "def" end) },
    })
    local record, changes = rules:try { x = "1" }
    assert.same({}, record)
    local names = {}
    for i, change in ipairs(changes) do
      names[i] = change.rule
    end
    assert.same({ "set", "set 2", "type (null)" }, names)
  end)
end)

describe("r.filter", function()
  it("leaves out records for which it returns true", function()
    local rules = rules_with(r.filter({ "note", "open" }, function(note, open) return open and note == "x" end))
    local failure = select(2, rules:try { id = 1, note = "x", open = "t" })
    assert.same({ rule = "filter", reason = "left out by a filter" }, failure)
    assert.truthy(rules:try { id = 1, note = "x", open = "f" })
    assert.truthy(rules:try { id = 1 })
  end)
end)

describe("an error in a lua rule", function()
  local function failure_of(fn)
    return select(2, rules_with(r.check("note", fn)):try { id = 1, note = "x" })
  end

  it("rejects the record with file and line", function()
    local line = here() + 1
    local failure = failure_of(function(note) return note.x.y end)
    assert.equal("lua", failure.rule)
    assert.equal("note", failure.column)
    assert.matches(("lua_rules_spec.lua:%d: attempt to index"):format(line), failure.reason)
    failure = failure_of(function() error("no good\nat all") end)
    assert.matches(("lua_rules_spec.lua:%d: no good\\nat all$"):format(line + 4), failure.reason)
  end)

  it("may be any value", function()
    local custom = setmetatable({}, { __tostring = function() return "custom" end })
    assert.equal("custom", failure_of(function() error(custom) end).reason)
    assert.equal("nil", failure_of(function() error() end).reason)
    assert.equal("42", failure_of(function() error(42) end).reason:match("%d+$"))
    local broken = setmetatable({}, { __tostring = function() error("again") end })
    assert.equal("lua", failure_of(function() error(broken) end).rule)
  end)

  it("is caught also where it is a yield or a stack overflow", function()
    local co = coroutine.wrap(function()
      return failure_of(function() coroutine.yield() end)
    end)
    assert.matches("yield across a C%-call boundary", co().reason)
    local function forever(n) return 1 + forever(n) end
    assert.matches("stack overflow", failure_of(forever).reason)
  end)

  it("leaves the program in order", function()
    local bad = true
    local rules = rules_with(r.check("id", function(id) return not bad or error("x" .. id) end))
    for _ = 1, 1000 do
      assert.is_nil((rules:try { id = 1 }))
    end
    bad = false
    assert.truthy(rules:try { id = 1 })
  end)
end)

describe("a lua rule", function()
  it("may try the same rules", function()
    local rules, inner
    rules = rules_with(r.check({ "id", "note" }, function(id, note)
      if id == 1 then
        inner = rules:try { id = 2, note = "in" }
      end
      return note == (id == 1 and "out" or "in")
    end))
    local record = rules:try { id = 1, note = "out" }
    assert.same({ id = 1, note = "out" }, record)
    assert.same({ id = 2, note = "in" }, inner)
  end)
end)

describe("a rule over the whole record", function()
  it("reads typed values by name and by position", function()
    local got
    local rules = rules_with(r.check_row(function(row)
      got = { row.id, row.amount, row.share, row.open, row.note, row[6], n = #row }
      return true
    end))
    local record = { id = "9223372036854775807", amount = "007", share = "2", open = "no", day = "2024-02-29" }
    assert.truthy(rules:try(record))
    assert.same({ math.maxinteger, 7, 2.0, false, nil, "2024-02-29", n = 6 }, got)
    assert.equal("float", math.type(got[3]))
  end)

  it("checks, sets and filters in the order written", function()
    local rules = rules_with(
      r.set_row("note", function(row) return row.open and "open" or nil end),
      r.filter_row(function(row) return row.note == "open" and row.amount == 0 end),
      r.check_row(function(row) return row.note == "open", "not open: " .. row.id end)
    )
    assert.equal("open", rules:try({ id = 1, open = "t" }).note)
    assert.equal("filter", select(2, rules:try { id = 1, open = "t", amount = 0 }).rule)
    assert.same({ rule = "check", reason = "not open: 2" }, select(2, rules:try { id = 2 }))
  end)

  it("gets one row again and again, good for nothing afterwards", function()
    local rows, copies = {}, {}
    local rules = rules_with(r.check_row(function(row)
      rows[#rows + 1], copies[#copies + 1] = row, row:copy()
      return true
    end))
    rules:try { id = 1, note = "a" }
    rules:try { id = 2, open = "f" }
    assert.is_true(rawequal(rows[1], rows[2]))
    assert.same({ { id = 1, note = "a" }, { id = 2, open = false } }, copies)
    for _, use in ipairs { function(row) return row.id end, function(row) return #row end,
      function(row) return row[1] end } do
      assert.error_matches(function() use(rows[1]) end, "row is only valid inside the rule that gets it")
    end
    rules, rows = nil, { rows[1] }
    collectgarbage()
    assert.is_nil(rules)
    assert.error_matches(function() return rows[1].id end, "row is only valid inside")
  end)

  it("is told apart from the row of the same rules tried inside", function()
    local rules, inner, after
    rules = rules_with(r.check_row(function(row)
      if row.id == 1 then
        inner = rules:try { id = 2, note = "in" }
        pcall(rules.try, rules, { id = 3, note = "too long for it" })
        after = row.note
      end
      return true
    end))
    assert.truthy(rules:try { id = 1, note = "out" })
    assert.same({ id = 2, note = "in" }, inner)
    assert.equal("out", after)
  end)

  it("refuses names that are no columns, and changes", function()
    local function reason(fn)
      local failure = select(2, rules_with(r.check_row(fn)):try { id = 1 })
      assert.equal("lua", failure.rule)
      return failure.reason
    end
    assert.matches("no column 'idd': did you mean 'id'%?$", reason(function(row) return row.idd end))
    assert.matches("no column '7'$", reason(function(row) return row[7] end))
    assert.matches("no column '0'$", reason(function(row) return row[0] end))
    assert.matches("no column 'true'$", reason(function(row) return row[true] end))
    assert.matches("a row cannot be changed: write a rule that sets 'id'$", reason(function(row) row.id = 2 end))
  end)
end)

describe("on_error", function()
  it("is reject or stop", function()
    local message = select(2, pcall(r.table, "t", columns, { on_error = "ignore" }))
    assert.matches("rules 't': on_error: 'reject' or 'stop' expected, got 'ignore'$", message)
    local rules = r.table("t", columns, { on_error = "stop", row = { r.check("id", function() error("no") end) } })
    assert.equal("lua", select(2, rules:try { id = 1 }).rule)
  end)
end)

describe("values", function()
  local value = r.value

  it("are trimmed and unquoted as by the operations", function()
    local rules = r.table("t", { { "x", r.text():trim():unquote() } })
    for _, text in ipairs { "", " ", "a", " a\t\n", '"a"', ' "a b" ', '"', '""', '"a', "é " } do
      assert.equal(rules:try({ x = text }).x, value.unquote(value.trim(text)))
    end
  end)

  it("become nil where they are one of a list", function()
    assert.is_nil(value.null_if("NULL", "", "NULL"))
    assert.equal("null", value.null_if("null", "", "NULL"))
    assert.equal(0, value.null_if(0, "0"))
    assert.is_nil(value.null_if(0, 1, 0))
    assert.is_false(value.null_if(false, "x"))
  end)

  it("become booleans and dates, or nil", function()
    for text, expected in pairs { [" T "] = true, yes = true, ["1"] = true, no = false, FALSE = false } do
      assert.equal(expected, value.boolean(text))
    end
    assert.is_nil(value.boolean("onn"))
    assert.is_true(value.boolean(true))
    assert.equal("2024-02-29", value.date(" 2024-02-29 "))
    assert.is_nil(value.date("2023-02-29"))
    assert.equal("2024-02-29", value.date("29/02/2024", "DD/MM/YYYY"))
    assert.equal("0001-01-01", value.date("0001-01-01"))
    assert.equal("9999-12-31", value.date("9999-12-31"))
    assert.has_error(function() value.date("x", "DD/QQ") end)
  end)

  it("are nil for nil", function()
    for _, name in ipairs { "trim", "unquote", "null_if", "boolean", "date" } do
      assert.is_nil((value[name](nil)), name)
    end
    assert.has_error(function() value.trim {} end)
  end)
end)
