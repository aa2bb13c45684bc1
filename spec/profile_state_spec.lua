-- Profiles as bytes: what parts had in them, merged, is the profile of the whole.

local csv = require "pghost.native.csv"
local load = require "pghost.native.load"
local profile = require "pghost.native.profile"
local r = require "pghost.rules"
local rules = require "pghost.native.rules"

local things = r.table("thing", {
  { "id", r.bigint() },
  { "kind", r.text() },
  { "amount", r.numeric() },
  { "size", r.double() },
  { "seen", r.date() },
  { "open", r.boolean() },
  { "key", r.uuid() },
})

local header <const> = "id,kind,amount,size,seen,open,key\n"

-- The profile of some records, by a program of its own, as another process has it.
local function profiled(records, name, table_rules)
  local program = rules.compile(table_rules or things)
  local made = profile.new(program)
  local handle = assert(load.open { program = program, workers = 1, profile = made })
  assert(handle:file(assert(csv.open_string(header .. table.concat(records, "\n") .. "\n")),
    { name = name, clean_map = { 1, 2, 3, 4, 5, 6, 7 } }))
  assert(handle:finish())
  return made
end

local function record(i, different)
  local n = i % different
  return ("%d,%s,%d.%02d,%g,%d-01-%02d,%s,00000000-0000-0000-0000-%012d"):format(i * 7 - 3 * n,
    n % 10 == 0 and "" or ("größe"):rep(n % 70) .. n, n // 3 - 50, n % 100, n / 4 - 0.1, 1900 + n % 200, n % 28 + 1,
    i % 2 == 0 and "t" or "f", n)
end

local function records(first, last, different)
  local list = {}
  for i = first, last do
    list[#list + 1] = record(i, different)
  end
  return list
end

local function columns_of(made)
  local by_name = {}
  for _, column in ipairs(made:columns()) do
    by_name[column.name] = column
  end
  return by_name
end

local function merged(...)
  local all = profile.new(rules.compile(things))
  for _, part in ipairs { ... } do
    assert(all:add_state((assert(part:state()))))
  end
  return all
end

-- Of 100 different values all is exact; of 9,000 some parts are counts and some sketches.
local parts <const> = { { 1, 90 }, { 91, 3000 }, { 3001, 3001 }, { 3002, 9000 } }

describe("the state of a profile", function()
  for _, different in ipairs { 100, 300, 9000 } do
    it(("of %d different values is all that is in it"):format(different), function()
      local whole = profiled(records(1, 9000, different), "all.csv")
      local back = merged(whole)
      assert.same(whole:columns(), back:columns())
      assert.same(whole:counts(), back:counts())
      assert.equal(whole:state(), merged(back):state())
    end)

    it(("of parts with %d different values in all merges to the profile of the whole"):format(different), function()
      local made, again = {}, profile.new(rules.compile(things))
      for i, part in ipairs(parts) do
        made[i] = profiled(records(part[1], part[2], different), "part" .. i)
      end
      local whole = profiled(records(1, 9000, different), "all.csv")
      local all, expected = columns_of(merged(table.unpack(made))), columns_of(whole)
      for i = #made, 1, -1 do
        assert(again:add_state(made[i]:state()))
      end
      assert.same(all, columns_of(again))
      for name, column in pairs(expected) do
        for _, field in ipairs { "count", "nulls", "distinct", "distinct_exact", "min", "max", "mean", "stddev",
          "not_finite", "length" } do
          assert.same(column[field], all[name][field], name .. " " .. field)
        end
        if column.exact then
          assert.same(column, all[name])
        end
      end
    end)
  end

  it("of loads that were merged in memory is the same", function()
    local program = rules.compile(things)
    local made = {}
    for i = 1, 2 do
      made[i] = profile.new(program)
      local handle = assert(load.open { program = program, workers = 1, profile = made[i] })
      assert(handle:file(assert(csv.open_string(header .. table.concat(records(i * 5000, i * 5000 + 4999, 4000),
        "\n") .. "\n")), { name = "file" .. i, clean_map = { 1, 2, 3, 4, 5, 6, 7 } }))
      assert(handle:finish())
    end
    local by_state = merged(made[1], made[2])
    made[1]:add(made[2])
    assert.same(made[1]:columns(), by_state:columns())
  end)

  it("has what is not finite, and the digits of numerics", function()
    local list = { "9223372036854775807,a,NaN,NaN,,,", "-9223372036854775808,,Infinity,-Infinity,,,",
      "0,\"\",12345678901234567890.12345,1e300,infinity,,", "1,b," .. ("9"):rep(600) .. ",-1e-300,0001-01-01,,",
      ",,,,,," }
    local whole = profiled(list, "few")
    assert.same(whole:columns(), merged(whole):columns())
    for i = 1, 400 do
      list[#list + 1] = ("%d,%s,%d.5,%d,,,"):format(i, ("x"):rep(300) .. i, i, i)
    end
    local many = profiled(list, "many")
    assert.same(many:columns(), merged(many):columns())
    assert.equal("NaN", columns_of(merged(many)).amount.max)
  end)

  it("of nothing adds nothing", function()
    local none = profiled({}, "none")
    assert.same(none:columns(), merged(none, none):columns())
    local some = profiled(records(1, 10, 10), "some")
    assert.same(some:columns(), merged(none, some, none):columns())
  end)

  it("is refused by a profile of other columns", function()
    local state = profiled(records(1, 10, 10), "some"):state()
    for _, other in ipairs {
      { { "id", r.bigint() } },
      { { "id", r.bigint() }, { "name", r.text() }, { "amount", r.numeric() }, { "size", r.double() },
        { "seen", r.date() }, { "open", r.boolean() }, { "key", r.uuid() } },
      { { "id", r.integer() }, { "kind", r.text() }, { "amount", r.numeric() }, { "size", r.double() },
        { "seen", r.date() }, { "open", r.boolean() }, { "key", r.uuid() } },
    } do
      local made = profile.new(rules.compile(r.table("thing", other)))
      local added, problem = made:add_state(state)
      assert.is_nil(added)
      assert.equal("of another version or of other columns", problem)
      assert.equal(0, made:counts().rows)
    end
  end)

  it("that is cut or changed anywhere is refused and changes nothing", function()
    local state = profiled(records(1, 900, 500), "some"):state()
    local made = profile.new(rules.compile(things))
    local function refused(bytes)
      local added, problem = made:add_state(bytes)
      assert.is_nil(added)
      assert.equal("damaged", problem)
    end
    refused ""
    refused(("x"):rep(100))
    refused(state .. "\0")
    for at = 1, #state, #state // 150 do
      refused(state:sub(1, at))
      refused(state:sub(1, at - 1) .. string.char(state:byte(at) ~ 0x41) .. state:sub(at + 1))
    end
    assert.equal(0, made:counts().rows)
  end)
end)
