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
