-- Checks as they are written and judged: mistakes and the nearest name, thresholds, coverage, samples, what is kept.

local check = require "pghost.check"
local checks = require "support.checks"
local kinds = require "pghost.checks.kinds"
local fixture = require "support.fixture"
local pghost = require "support.pghost"

local script = [[
  CREATE TABLE item (id bigint PRIMARY KEY, age integer, name text, nothing text);
  INSERT INTO item SELECT i, CASE WHEN i <= 4 THEN NULL ELSE i END, 'n' || i, NULL FROM generate_series(1, 200) AS i;
  CREATE TABLE hollow (id bigint, item_id bigint);
  CREATE SCHEMA elsewhere;
  CREATE TABLE elsewhere.item (id bigint);
]]

local world

fixture.once(function(keep)
  world = keep(checks.new(script))
end)

-- The message without its place.
local function refusal(fn)
  local done, problem = pcall(fn)
  assert.is_false(done)
  return (tostring(problem):gsub("^spec/[^:]*:%d+: ", ""))
end

describe("a check that is written wrongly", function()
  it("is refused where it is written, with what is meant", function()
    local cases = {
      ["check.range 'item.age': unknown option 'exclusve': did you mean 'exclusive'?"] = function()
        check.range("item.age", 1, 2, { exclusve = true })
      end,
      ["check.not_null 'age': column 'table.column' expected, got 'age'"] = function() check.not_null "age" end,
      ["check.range 'item.age': range needs a lower or an upper limit"] = function() check.range "item.age" end,
      ["check.range 'item.age': nothing is between 3 and 2"] = function() check.range("item.age", 3, 2) end,
      ["check.range 'item.age': least: number, or text such as '2024-01-31', expected, got boolean"] = function()
        check.range("item.age", true)
      end,
      ["check.row_count 'item': least: whole number expected, got '1.5'"] = function() check.row_count("item", 1.5) end,
      ["check.compare 'item.age': operator: unknown operator '=>': did you mean '='?"] = function()
        check.compare("item.age", "=>", "id")
      end,
      ["check.accepted_values 'item.age': values: list of values expected"] = function()
        check.accepted_values("item.age", {})
      end,
      ["check.accepted_values 'item.age': values: value 2: texts, numbers or booleans expected, all of one "
        .. "type"] = function()
        check.accepted_values("item.age", { 1, "a" })
      end,
      [ [[check.not_null 'item.age': warn_if: '10' is not a threshold: write "> 10" or "> 1%" (>, >=, ]]
        .. "<, <=, =, !=)"] =
        function() check.not_null("item.age", { warn_if = "10" }) end,
      ["check.not_null 'item.age': error_if: '> 101%' is not a share between 0% and 100%"] = function()
        check.not_null("item.age", { error_if = "> 101%" })
      end,
      ["check.sum 'item.age': error_if: '> 1%' is a share of rows, but this check measures a value: "
        .. "write a number without %"] = function() check.sum("item.age", 1, 2, { error_if = "> 1%" }) end,
      ["check.not_null 'item.age': severity cannot be combined with warn_if or error_if, which say it themselves"] =
        function() check.not_null("item.age", { severity = "warn", error_if = "> 1" }) end,
      ["check.not_null 'item.age': severity: 'warn' or 'error' expected, got 'fatal'"] = function()
        check.not_null("item.age", { severity = "fatal" })
      end,
      ["check.missing_share 'item.age': most: share such as '5%' expected, got '5'"] = function()
        check.missing_share("item.age", 5)
      end,
      ["check.quantile 'item.age': fraction: number between 0 and 1 expected, got '90'"] = function()
        check.quantile("item.age", 90, 1)
      end,
      ["check.sequential 'item.id': step: number other than 0, or interval such as '1 day', expected, got '0'"] =
        function() check.sequential("item.id", 0) end,
      ["check.z_score 'item.age': most: number expected, got 'nil'"] = function() check.z_score "item.age" end,
      ["check.columns 'item': new: unknown reaction 'halt' (has: evolve, warn, stop)"] = function()
        check.columns("item", { "id" }, { new = "halt" })
      end,
      ["check.not_null 'item.age': takes 1 arguments and options, got 3"] = function()
        check.not_null("item.age", {}, 3)
      end,
    }
    for message, fn in pairs(cases) do
      assert.equal(message, refusal(fn))
    end
    local _, problem = pcall(check.not_null, "age")
    assert.matches("^spec/checks_usage_spec.lua:%d+: ", tostring(problem))
  end)

  it("is refused before any of them runs, where it names what is not there", function()
    for message, one in pairs {
      ["check 'itme.id is never null': no table 'itme': did you mean 'item'?"] = check.not_null "itme.id",
      ["check 'item.aeg is never null': no column 'aeg' in table 'item': did you mean 'age'?"] =
        check.not_null "item.aeg",
      ["check 'item.id references hollow': no column 'itemid' in table 'hollow': did you mean 'item_id'?"] =
        check.references("item.id", "hollow.itemid", { name = "item.id references hollow" }),
      ["check 'x': no column 'nmae' in table 'item': did you mean 'name'?"] =
        check.monotonic("item.id", "nmae", { name = "x" }),
      ["check 'x': no column 'naem' in table 'item': did you mean 'name'?"] =
        check.unique("item", { "id", "naem" }, { name = "x" }),
    } do
      local lines, _, problem = world:run { check.not_null "item.id", one }
      assert.same({}, lines)
      assert.equal(message, tostring(problem))
    end
  end)

  it("that the server cannot run does not keep the others from running", function()
    local lines, _, problem = world:run { check.holds("item", "1 / (id - 5) >= 0"), check.not_null "item.age",
      { name = "wrong", sql = "SELECT nope" }, check.row_count("item", 1) }
    assert.same({ "error 4", "passed 0" }, lines)
    assert.matches("division by zero", tostring(problem))
  end)
end)

describe("thresholds", function()
  local function outcome(one)
    local lines, log, problem = world:run { one }
    return lines[1], log, problem
  end

  it("of rows and of shares decide what a number of violations means", function()
    assert.equal("error 4", (outcome(check.not_null "item.age")))
    assert.equal("warn 4", (outcome(check.not_null("item.age", { severity = "warn" }))))
    assert.equal("passed 4", (outcome(check.not_null("item.age", { error_if = "> 4" }))))
    assert.equal("error 4", (outcome(check.not_null("item.age", { error_if = ">= 4" }))))
    assert.equal("warn 4", (outcome(check.not_null("item.age", { warn_if = "> 1%", error_if = "> 2%" }))))
    assert.equal("error 4", (outcome(check.not_null("item.age", { warn_if = "> 1%", error_if = "> 1.9%" }))))
    assert.equal("error 4", (outcome(check.not_null("item.age", { error_if = "= 4", where = "id < 100" }))))
    assert.equal("error 4", (outcome(check.not_null("item.age", { error_if = "> 50%", where = "id < 5" }))))
    assert.equal("passed 4", (outcome(check.missing_share("item.age", "2%"))))
    assert.equal("error 4", (outcome(check.missing_share("item.age", "1.99%"))))
  end)

  it("of measures are about the value", function()
    assert.equal("passed 0", (outcome(check.max("item.id", nil, nil, { warn_if = "> 200" }))))
    assert.equal("warn 1", (outcome(check.max("item.id", nil, nil, { warn_if = "> 199", error_if = "> 1000" }))))
    assert.equal("error 1", (outcome(check.row_count("item", 1, 99, { warn_if = "> 50" }))))
  end)
end)

describe("what a check has looked at", function()
  it("is said where it proves nothing", function()
    local list = { check.not_null "hollow.item_id", check.references("item.nothing", "item.name"),
      check.range("item.nothing", "a", "b"), check.not_null("item.age", { where = "id > 999" }),
      check.not_null "item.id", check.unique("hollow", { "id" }), check.matches_source "item",
      check.holds("item", "id > 0"), check.references("item.age", "item.id") }
    local lines, log, problem = world:run(list)
    assert.is_nil(problem)
    assert.equal(9, #lines)
    assert.matches("hollow.item_id is never null ok, but proves nothing: the table is empty", log, 1, true)
    assert.equal(table.concat({ "the table is empty", "column 'nothing' is always null",
      "column 'nothing' is always null",
      "no row meets its where", "the column is NOT NULL in the table", "the table is empty",
      "no file of the table was read in this run", "", "" }, "\n"),
      world:ask [[SELECT vacuous FROM pghost.checks WHERE run_id = (SELECT max(run_id) FROM pghost.checks)
        ORDER BY check_id]])
  end)

  it("is one scan for all checks of a table that only count or measure", function()
    local function scans()
      world:ask "SELECT pg_stat_force_next_flush()"
      return tonumber(world:ask [[SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables
        WHERE relname = 'item' AND schemaname = 'public']])
    end
    local list = {}
    for i = 1, 30 do
      list[i] = check.range("item.id", 1 - i, 200 + i)
      list[i + 30] = check.sum("item.age", i)
      list[i + 60] = check.not_null("item.name", { where = "id > " .. i })
    end
    local before
    list[#list + 1] = check.lua("before", function() end)
    local supports = world.conn:query("SELECT current_setting('server_version_num')::int >= 150000 AS y")[1].y
    before = supports and scans()
    local lines = world:run(list)
    assert.equal(91, #lines)
    for _ = 1, supports and 50 or 0 do -- the run's session tells the server's statistics while it ends
      if scans() > before then
        break
      end
      world:ask "SELECT pg_sleep(0.1)"
    end
    if supports then
      world:ask "SELECT pg_sleep(0.3)"
      assert.equal(1, scans() - before)
    end
  end)

  it("is recorded", function()
    world:run({ check.range("item.age", 0, 190, { error_if = "> 50%", where = "id > :least", samples = 2, owner = "Ann",
      description = "ages of people", tags = { "people", "it's" } }), check.avg("item.id", 0) },
      { parameters = { least = 5 } })
    assert.equal([[range|item|{age}|195|10|t|error|2||people,it's|Ann|ages of people
avg|item|{id}|200|0|t|error||100.5000000000000000|||]], (world:ask [[
      SELECT kind, table_name, column_names, rows_checked, violations, passed, severity, jsonb_array_length(samples),
        measured, array_to_string(tags, ','), owner, description
      FROM pghost.checks WHERE run_id = (SELECT max(run_id) FROM pghost.checks) ORDER BY check_id]]))
  end)
end)

describe("what breaks a check", function()
  it("is kept as samples, as SQL, and in a table if wanted", function()
    world:run({ check.holds("item", "id < :top", { store = true, samples = 1 }),
      check.not_null("item.age", { store = true, samples = 0 }), check.unique("item", { "nothing" }, { store = true }),
      check.not_null("item.id", { store = true }) }, { parameters = { top = 191 } })
    assert.equal("1|10\n|4\n1|1\n|0", world:ask [[
      SELECT jsonb_array_length(samples), (SELECT count(*) FROM pghost.check_rows AS r WHERE r.check_id = c.check_id)
      FROM pghost.checks AS c WHERE run_id = (SELECT max(run_id) FROM pghost.checks) ORDER BY check_id]])
    local query = world:ask [[SELECT query FROM pghost.checks WHERE name LIKE '%:top' ORDER BY check_id DESC LIMIT 1]]
    assert.matches('FROM "public"."item"', query, 1, true)
    assert.equal(10, #world.conn:query(query))
    assert.equal("200", world:ask [[SELECT max((row->>'id')::int) FROM pghost.check_rows]])
  end)
end)

describe("docs/CHECKS.md", function()
  it("has every kind, with an example that is one", function()
    local text = pghost.read(pghost.root .. "/docs/CHECKS.md")
    local tried = {}
    for example in text:gmatch "| `(check%.[^`]*)` |" do
      local one = assert(load("return " .. example, example, "t", { check = check }))()
      tried[one.kind] = true
    end
    for _, kind in ipairs(kinds.list) do
      assert.matches("`" .. kind.name .. "`", text, 1, true)
    end
    assert.is_true(tried.reconcile and tried.columns and tried.lua and tried.not_null)
  end)
end)
