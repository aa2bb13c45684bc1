-- Profiles as the load engine makes them: against counts of their own, and the same for any number of workers and in
-- any order.

local csv = require "pghost.native.csv"
local load = require "pghost.native.load"
local profile = require "pghost.native.profile"
local r = require "pghost.rules"
local rules = require "pghost.native.rules"

local things = r.table("thing", {
  { "id", r.bigint() },
  { "kind", r.text():trim() },
  { "amount", r.numeric() },
  { "size", r.double() },
  { "seen", r.timestamp() },
  { "open", r.boolean() },
})

local names = { "id", "kind", "amount", "size", "seen", "open" }

-- The columns of the profile of records, by name, and its counts.
local function profiled(records, workers, table_rules)
  local program = rules.compile(table_rules or things)
  local made = profile.new(program)
  local handle = assert(load.open { program = program, workers = workers or 1, profile = made })
  local text = table.concat(names, ",") .. "\n" .. table.concat(records, "\n") .. "\n"
  assert(handle:file(assert(csv.open_string(text)), { name = "things.csv", clean_map = { 1, 2, 3, 4, 5, 6 } }))
  assert(handle:finish())
  local by_name = {}
  for _, column in ipairs(made:columns()) do
    by_name[column.name] = column
  end
  return by_name, made:counts(), made
end

local function record(i)
  local missing = i % 10 == 0
  return ("%d,%s,%d.%02d,%g,2024-01-%02d 10:00:00.%d,%s"):format(i, missing and "" or "kind " .. i % 7, i // 3,
    i % 100, i / 4, i % 28 + 1, i % 2 * 5, i % 2 == 0 and "t" or "f")
end

local function many(count)
  local records = {}
  for i = 1, count do
    records[i] = record(i)
  end
  return records
end

local function shuffled(list)
  local out = table.move(list, 1, #list, 1, {})
  for i = #out, 2, -1 do
    local j = (i * 7919) % i + 1
    out[i], out[j] = out[j], out[i]
  end
  return out
end

describe("a profile", function()
  it("counts values, nulls and different ones", function()
    local columns, counts = profiled(many(1000))
    assert.same({ rows = 1000, left_out = 0, sample = 1000 }, counts)
    assert.same({ 1000, 100, 7, true },
      { columns.kind.count, columns.kind.nulls, columns.kind.distinct, columns.kind.distinct_exact })
    assert.same({ "kind 0", "kind 6", true }, { columns.kind.min, columns.kind.max, columns.kind.exact })
    assert.same({ min = 6, max = 6, mean = 6.0 }, columns.kind.length)
  end)

  it("counts each of few values", function()
    local columns, of = profiled(many(1000)), {}
    for i = 1, 1000 do
      local kind = "kind " .. i % 7
      of[kind] = (of[kind] or 0) + (i % 10 == 0 and 0 or 1)
    end
    for _, value in ipairs(columns.kind.values) do
      assert.equal(of[value.value], value.count)
    end
  end)

  it("has numbers as they are", function()
    local columns = profiled { "-9223372036854775808,,1.50,NaN,,", "9223372036854775807,,1.5,1e300,,",
      "0,,-0.000,-0,,", "0,,NaN,0,,", ",,12345678901234567890.12345,0.1,," }
    assert.same({ "-9223372036854775808", "9223372036854775807", 3 },
      { columns.id.min, columns.id.max, columns.id.distinct })
    assert.equal(-0.25, columns.id.mean)
    assert.same({ "0", "NaN", 4, 1 },
      { columns.amount.min, columns.amount.max, columns.amount.distinct, columns.amount.not_finite })
    local values = columns.amount.values
    assert.equal("12345678901234567890.12345", values[values[4].value == "NaN" and 3 or 4].value)
    assert.same({ "0", "NaN", 4 }, { columns.size.min, columns.size.max, columns.size.distinct })
  end)

  it("writes moments as the server does", function()
    local columns = profiled { "1,,,,2024-02-29 00:00:00,", "2,,,,2024-03-01 12:30:00.250,",
      "3,,,,2024-03-01 12:30:00.000001," }
    assert.same({ "2024-02-29 00:00:00", "2024-03-01 12:30:00.25" }, { columns.seen.min, columns.seen.max })
    assert.equal("2024-03-01 12:30:00.000001", columns.seen.quantiles[4].value)
  end)

  it("counts characters, not bytes", function()
    local columns = profiled { "1,äöü,,,,", "2,\"\",,,,", "3,日本語テキスト,,,," }
    assert.same({ min = 0, max = 7, mean = 10 / 3 }, columns.kind.length)
  end)

  it("does not depend on the number of workers", function()
    local records = many(30000)
    local expected, counts = profiled(records, 1)
    for workers = 2, 4 do
      local columns, more = profiled(records, workers)
      assert.same(counts, more)
      assert.same(expected, columns)
    end
  end)

  it("does not depend on the order, but for the sample of many values", function()
    local records = many(300)
    assert.same((profiled(records)), (profiled(shuffled(records))))
    local more = many(20000)
    local a, b = profiled(more), profiled(shuffled(more), 3)
    for _, name in ipairs(names) do
      for _, field in ipairs { "count", "nulls", "distinct", "min", "max", "mean", "stddev" } do
        assert.equal(a[name][field], b[name][field], name .. " " .. field)
      end
    end
  end)

  it("estimates many different values within its error", function()
    for _, count in ipairs { 1000, 20000, 100000 } do
      local records = {}
      for i = 1, count do
        records[i] = ("%d,name %d,,,,"):format(i * 37, i)
      end
      local columns = profiled(records, 2)
      for _, name in ipairs { "id", "kind" } do
        assert.near(count, columns[name].distinct, count * 0.035)
      end
      assert.equal(count <= 4096, columns.id.distinct_exact)
    end
  end)

  it("says of a sample what it was", function()
    local columns, counts = profiled(many(30000))
    assert.equal(4096, counts.sample)
    assert.is_false(columns.id.exact)
    assert.equal(4096, columns.id.looked_at)
    for _, quantile in ipairs(columns.id.quantiles) do
      assert.near(quantile.share, quantile.number / 30000, 0.03)
    end
    local seen = 0
    for _, count in ipairs(columns.id.histogram) do
      seen = seen + count
    end
    assert.equal(4096, seen)
  end)

  it("leaves out what rules refuse and filter", function()
    local strict = r.table("thing", {
      { "id", r.bigint():required() },
      { "kind", r.text() },
      { "amount", r.numeric() },
      { "size", r.double() },
      { "seen", r.timestamp() },
      { "open", r.boolean() },
    })
    local columns, counts = profiled({ "1,a,,,,", "x,b,,,,", ",c,,,,", "2,d,,,," }, 1, strict)
    assert.equal(2, counts.rows)
    assert.same({ { value = "a", count = 1 }, { value = "d", count = 1 } }, columns.kind.values)
  end)

  it("is of one program", function()
    local made = profile.new(rules.compile(things))
    assert.has_error(function()
      load.open { program = rules.compile(things), profile = made }
    end, "profile: not of this program")
  end)

  it("keeps its memory bounded for long texts", function()
    local records = {}
    for i = 1, 2000 do
      records[i] = ("%d,%s%d,,,,"):format(i, ("x"):rep(500), i)
    end
    local columns = profiled(records, 2)
    assert.equal(2000, columns.kind.distinct)
    assert.is_true(columns.kind.distinct_exact)
    assert.is_true(columns.kind.values[1].cut)
    assert.equal(44, #columns.kind.values[1].value)
    assert.equal(503, columns.kind.length.mean // 1)
  end)
end)
