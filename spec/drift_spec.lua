-- Checks against the runs before: what they learn, what breaks them, what is wrongly written.

local check = require "pghost.check"
local connection = require "pghost.connection"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"
local shown = require "support.shown"

local rules = r.table("thing", { { "id", r.bigint():required() }, { "kind", r.text() }, { "price", r.numeric() } })
local folder, dsn, conn

-- A run over these records; returns the checks as they are recorded, the log and the error.
local function run(records, checks)
  local file <close> = assert(io.open(folder .. "/thing.csv", "w"))
  file:write("id,kind,price\n", table.concat(records, "\n"), "\n")
  file:close()
  local out, id = shown.sink(), nil
  local _, problem = pcall(function()
    local one <close> = pipeline.start("drift", { data = folder }, { arguments = {}, dsn = dsn,
      log = { out = out, format = "text", quiet = false }, out = shown.sink() })
    id = one.id
    one:expect(checks)
    one:load("thing", "thing.csv", rules)
    one:check()
    one:publish()
  end)
  local lines = {}
  for row in conn:query([[SELECT CASE WHEN passed THEN 'passed' ELSE severity END AS state, vacuous, measured,
      samples::text AS samples FROM pghost.checks WHERE run_id = $1 AND kind LIKE '%drift' ORDER BY check_id]],
      id or 0):rows() do
    lines[#lines + 1] = row
  end
  return lines, problem, out.text
end

-- Records whose number, nulls, values and mean are known.
local function records(count, options)
  local list = {}
  for i = 1, count do
    list[i] = ("%s,%s,%s"):format(i <= (options.bad or 0) and "x" or i, i <= (options.nulls or 0) and ""
      or ("abc"):sub(i % 3 + 1, i % 3 + 1), (options.price or 10) + i % 2)
  end
  for _, text in ipairs(options.more or {}) do
    list[#list + 1] = text
  end
  return list
end

local function state_of(lines)
  local states = {}
  for i, line in ipairs(lines) do
    states[i] = line.state
  end
  return states
end

describe("drift", function()
  before_each(function()
    dsn = server.get():database()
    conn = connection.open { dsn = dsn }
    folder = server.shell "mktemp -d /tmp/pghost_drift.XXXXXX"
  end)

  after_each(function()
    conn:close()
    server.shell("rm -rf " .. folder)
  end)

  it("learns first, and then compares", function()
    local checks = {
      check.row_count_drift("thing", "10%"), check.missing_share_drift("thing.kind", 0.05),
      check.distinct_count_drift("thing.id", "10%"), check.avg_drift("thing.price", "3 sd"),
      check.quantile_drift("thing.price", 0.5, 2), check.reject_share_drift("thing", 0.02),
      check.reject_share_drift("thing", 0.02, { rule = "type" }), check.values_drift("thing.kind", { new = "stop" }),
    }
    local passed = {}
    for i = 1, #checks do
      passed[i] = "passed"
    end
    for i = 1, 3 do
      local lines, problem = run(records(100 + i, { nulls = 5, price = 10 + i / 10 }), checks)
      assert.is_nil(problem, tostring(problem))
      assert.same(passed, state_of(lines))
      for _, line in ipairs(lines) do
        assert.equal(("it learns: %d of 3 runs"):format(i - 1), line.vacuous)
      end
    end
    local lines, problem = run(records(105, { nulls = 5, price = 10.2 }), checks)
    assert.is_nil(problem, tostring(problem))
    assert.same(passed, state_of(lines))
    for _, line in ipairs(lines) do
      assert.is_nil(line.vacuous)
    end
    lines, problem = run(records(200, { nulls = 90, price = 50, bad = 20, more = { "900,new,50" } }), checks)
    assert.equal("check", problem.code)
    assert.same({ "error", "error", "error", "error", "error", "error", "error", "error" }, state_of(lines))
    assert.equal("181", lines[1].measured)
    assert.truthy(lines[8].samples:find('"new": "new"', 1, true))
  end)

  it("says which values are new and which have vanished", function()
    local checks = { check.values_drift("thing.kind", { learn = 1 }) }
    run({ "1,a,1", "2,b,1" }, checks)
    run({ "1,a,1", "2,b,1" }, checks)
    local lines, problem = run({ "1,a,1", "2,c,1" }, checks)
    assert.is_nil(problem)
    assert.same({ "warn" }, state_of(lines))
    assert.equal('[{"vanished": "b"}, {"new": "c"}]', lines[1].samples)
  end)

  it("compares with published runs alone, and the last of them", function()
    local checks = { check.row_count_drift("thing", 0, { learn = 1, runs = 1, severity = "error" }) }
    run(records(10, {}), checks)
    local _, problem = run(records(11, {}), checks)
    assert.equal("check", problem.code)
    local lines, same = run(records(10, {}), checks)
    assert.is_nil(same)
    assert.is_nil(lines[1].vacuous)
  end)

  it("refuses what is written wrongly, before anything is loaded", function()
    for text, make in pairs {
      ["'ten' is not a tolerance: write '10%' (of the mean before), '3 sd' (standard deviations) or 0.05"] = function()
        check.row_count_drift("thing", "ten")
      end,
      ["unknown unit 'sds' of a tolerance: did you mean 'sd'?"] = function()
        check.avg_drift("thing.price", "3 sds")
      end,
      ["a quantile that profiles have expected: 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 or 0.99, got '0.9'"] = function()
        check.quantile_drift("thing.price", 0.9, "10%")
      end,
      ["unknown option 'lern': did you mean 'learn'?"] = function()
        check.values_drift("thing.kind", { lern = 2 })
      end,
    } do
      local _, problem = pcall(make)
      assert.truthy(tostring(problem.message):find(text, 1, true), tostring(problem.message))
    end
    local _, problem = run({ "1,a,1" }, { check.avg_drift("thing.prise", "10%") })
    assert.truthy(problem.message:find("no column 'prise' in table 'thing': did you mean 'price'?", 1, true))
    assert.equal(0, conn:query("SELECT count(*) AS n FROM pghost.files")[1].n)
  end)
end)
