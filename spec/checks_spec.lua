-- Every kind of check over a random table, against counts by hand-written SQL.

local check = require "pghost.check"
local checks = require "support.checks"
local kinds = require "pghost.checks.kinds"
local fixture = require "support.fixture"

local script = [[
  SELECT setseed(0.4);
  CREATE TYPE mood AS ENUM ('good', 'bad', 'none');
  CREATE TABLE parent (id bigint, label varchar(10));
  INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 40) AS i;
  CREATE TABLE item (id bigint NOT NULL, "Odd ""name" text, age integer, price numeric(10, 2), day date,
    seen timestamptz, mood mood, parent_id bigint, code varchar(12), ok boolean, share double precision, nothing text);
  INSERT INTO item
  SELECT i, CASE WHEN random() < 0.1 THEN '  ' WHEN random() < 0.1 THEN NULL ELSE 'it''s \ ' || i END,
    CASE WHEN random() < 0.2 THEN NULL ELSE (random() * 120)::int - 10 END, (random() * 1000)::numeric(10, 2),
    date '2024-01-01' + (random() * 100)::int, timestamptz '2024-06-01 12:00+00' - random() * interval '9 days',
    (ARRAY['good', 'bad', 'none'])[1 + floor(random() * 3)::int]::mood,
    CASE WHEN random() < 0.1 THEN NULL ELSE (random() * 45)::int END,
    repeat(chr(97 + (random() * 25)::int), (random() * 12)::int), random() < 0.5, random(), NULL
  FROM generate_series(1, 500) AS i;
  CREATE TABLE other AS SELECT * FROM item WHERE id <> 7 UNION ALL SELECT * FROM item WHERE id = 8;
  CREATE TABLE span (room int, "from" int, "to" int);
  INSERT INTO span SELECT (random() * 5)::int, a, a + (random() * 4)::int
    FROM generate_series(1, 60) AS i, LATERAL (SELECT (random() * 200)::int + i * 0 AS a) AS x;
]]

local odd = 'item.Odd "name'

-- name of the kind, the check, what SQL by hand says is the number of violations
local cases = {
  { "not_null", { "item.age" }, "SELECT count(*) FROM item WHERE age IS NULL" },
  { "not_null", { odd }, [[SELECT count(*) FROM item WHERE "Odd ""name" IS NULL]] },
  { "missing_share", { "item.age", "3%" }, "SELECT count(*) FROM item WHERE age IS NULL" },
  { "not_blank", { odd }, [[SELECT count(*) FROM item WHERE trim("Odd ""name") = '']] },
  { "accepted_values", { "item.mood", { "good", "bad" } }, "SELECT count(*) FROM item WHERE mood = 'none'" },
  { "accepted_values", { "item.age", { 1, 2, 3.5 } }, "SELECT count(*) FROM item WHERE age NOT IN (1, 2)" },
  { "accepted_values", { "item.ok", { true } }, "SELECT count(*) FROM item WHERE NOT ok" },
  { "accepted_values", { odd, { "it's \\ 1", "  " } },
    [[SELECT count(*) FROM item WHERE "Odd ""name" NOT IN ('it''s \ 1', '  ')]] },
  { "accepted_values", { "item.day", { "2024-01-05" } }, "SELECT count(*) FROM item WHERE day <> '2024-01-05'" },
  { "rejected_values", { "item.mood", { "none" } }, "SELECT count(*) FROM item WHERE mood = 'none'" },
  { "range", { "item.age", 0, 99 }, "SELECT count(*) FROM item WHERE age < 0 OR age > 99" },
  { "range", { "item.age", -5.5, nil, { exclusive = true } }, "SELECT count(*) FROM item WHERE age <= -5.5" },
  { "range", { "item.day", "2024-01-10", "2024-03-01" },
    "SELECT count(*) FROM item WHERE day NOT BETWEEN '2024-01-10' AND '2024-03-01'" },
  { "range", { "item.age", 0, 99, { where = "ok" } }, "SELECT count(*) FROM item WHERE ok AND (age < 0 OR age > 99)" },
  { "length", { "item.code", 1, 8 }, "SELECT count(*) FROM item WHERE length(code) NOT BETWEEN 1 AND 8" },
  { "pattern", { "item.code", "^[a-m]*$" }, "SELECT count(*) FROM item WHERE code !~ '^[a-m]*$'" },
  { "pattern", { odd, [[^it's \\ \d+$]] }, [[SELECT count(*) FROM item WHERE "Odd ""name" !~ '^it''s \\ \d+$']] },
  { "not_pattern", { "item.code", "^z" }, "SELECT count(*) FROM item WHERE code ~ '^z'" },
  { "compare", { "item.age", "<=", "price" }, "SELECT count(*) FROM item WHERE age > price" },
  { "compare", { "item.id", "!=", "parent_id" }, "SELECT count(*) FROM item WHERE id = parent_id" },
  { "holds", { "item", "age > 10 OR ok -- a comment" }, "SELECT count(*) FROM item WHERE NOT (age > 10 OR ok)" },
  { "holds", { "item", "id < :top" }, "SELECT count(*) FROM item WHERE id >= 100" },
  { "references", { "item.parent_id", "parent.id" },
    [[SELECT count(*) FROM item LEFT JOIN parent ON parent.id = parent_id
      WHERE parent_id IS NOT NULL AND parent.id IS NULL]] },
  { "references", { "item.parent_id", "parent.id", { where = "ok" } }, [[SELECT count(*) FROM item
    LEFT JOIN parent ON parent.id = parent_id WHERE ok AND parent_id IS NOT NULL AND parent.id IS NULL]] },
  { "unique", { "item", { "age", "ok" } },
    "SELECT count(*) FROM (SELECT FROM item GROUP BY age, ok HAVING count(*) > 1) AS x" },
  { "unique", { "item.code" }, "SELECT count(*) FROM (SELECT FROM item GROUP BY code HAVING count(*) > 1) AS x" },
  { "duplicate_share", { "item", { "age", "ok" }, "1%" },
    "SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT age, ok FROM item) AS x) FROM item" },
  { "duplicate_share", { "item.code", "1%" },
    "SELECT count(*) - count(DISTINCT code) FROM item" },
  { "not_empty", { "item", { where = "id > 1000" } }, "SELECT 1" },
  { "row_count", { "item", 501 }, "SELECT 1" },
  { "row_count", { "item", 500, 500, { where = "ok" } }, "SELECT 1" },
  { "sum", { "item.price", 0, 1 }, "SELECT (sum(price) NOT BETWEEN 0 AND 1)::int FROM item" },
  { "avg", { "item.age", nil, 0.5 }, "SELECT (avg(age) > 0.5)::int FROM item" },
  { "min", { "item.day", "2025-01-01" }, "SELECT (min(day) < '2025-01-01')::int FROM item" },
  { "max", { "item.day", nil, "2024-01-02" }, "SELECT (max(day) > '2024-01-02')::int FROM item" },
  { "stddev", { "item.age", 0, 1 }, "SELECT (stddev_samp(age) NOT BETWEEN 0 AND 1)::int FROM item" },
  { "distinct_count", { "item.mood", 4 }, "SELECT (count(DISTINCT mood) < 4)::int FROM item" },
  { "quantile", { "item.age", 0.9, nil, 5 },
    "SELECT (percentile_cont(0.9) WITHIN GROUP (ORDER BY age) > 5)::int FROM item" },
  { "freshness", { "item.day", "1 day" },
    "SELECT (max(day) < timestamp '2024-06-02' - interval '1 day')::int FROM item" },
  { "same_row_count", { "item", "parent" },
    "SELECT abs((SELECT count(*) FROM item) - (SELECT count(*) FROM parent))" },
  { "reconcile", { "item", "sum(price)", "other", "sum(price)", { by = "mood" } }, [[SELECT count(*) FROM
    (SELECT mood, sum(price) AS p FROM item GROUP BY mood) AS a
    FULL JOIN (SELECT mood, sum(price) AS p FROM other GROUP BY mood) AS b USING (mood)
    WHERE a.p IS DISTINCT FROM b.p]] },
  { "reconcile", { "item", "count(*)", "parent", "count(*)" }, "SELECT 1" },
  { "same_rows", { "item", "other", { "id", "age" } }, "SELECT 2" },
  { "monotonic", { "item.price", "id" }, [[SELECT count(*) FROM item AS a JOIN item AS b ON b.id = a.id + 1
    WHERE b.price < a.price]] },
  { "monotonic", { "item.age", { "id" }, { strict = true, decreasing = true, by = { "ok" } } }, [[SELECT count(*)
    FROM item AS b WHERE age >= (SELECT a.age FROM item AS a WHERE a.id < b.id AND a.age IS NOT NULL AND a.ok = b.ok
      ORDER BY a.id DESC LIMIT 1)]] },
  { "sequential", { "item.id", 1, { where = "id % 7 > 0" } },
    "SELECT count(*) FROM item WHERE id % 7 = 1 AND id > 1" },
  { "sequential", { "item.age", 2, { by = "ok" } }, [[SELECT count(*) FROM item AS b WHERE age IS NOT NULL
    AND b.age - (SELECT a.age FROM item AS a WHERE a.ok = b.ok AND (a.age, a.id) < (b.age, b.id)
      ORDER BY a.age DESC, a.id DESC LIMIT 1) <> 2]] },
  { "sequential", { "item.day", "1 day", { repeats = true } }, [[SELECT count(*)
    FROM (SELECT DISTINCT day FROM item) AS b WHERE day > (SELECT min(day) FROM item)
      AND NOT EXISTS (SELECT FROM item WHERE day = b.day - 1)]] },
  { "z_score", { "item.price", 1.5 }, [[SELECT count(*) FROM item, (SELECT avg(price) AS m, stddev_samp(price) AS s
    FROM item) AS x WHERE abs(price - m) > 1.5 * s]] },
  { "z_score", { "item.age", 1, { by = "mood" } }, [[SELECT count(*) FROM item JOIN (SELECT mood, avg(age) AS m,
    stddev_samp(age) AS s FROM item GROUP BY mood) AS x USING (mood) WHERE abs(age - m) > s]] },
  { "avg_length", { "item.code", 30 }, "SELECT (avg(length(code)) < 30)::int FROM item" },
  { "no_overlap", { "span.from", "to", { by = "room" } }, [[SELECT count(*) FROM (SELECT room, "from", "to",
    row_number() OVER (PARTITION BY room ORDER BY "from", "to") AS n FROM span) AS b WHERE EXISTS (
    SELECT FROM (SELECT room, "from", "to", row_number() OVER (PARTITION BY room ORDER BY "from", "to") AS n FROM span)
      AS a WHERE a.room = b.room AND a.n < b.n AND a."to" > b."from")]] },
  { "sql", { "old items", "SELECT id FROM item WHERE seen < :as_of" },
    "SELECT count(*) FROM item WHERE seen < timestamp '2024-06-02'" },
  { "columns", { "parent", { id = "int", label = "character varying", more = "text" } }, "SELECT 2" },
  { "lua", { "by hand", function(run) return run:query("SELECT count(*) AS n FROM item")[1].n end },
    "SELECT count(*) FROM item" },
}

-- The arguments of a case, nil among them too.
local function arguments_of(list)
  local last = 0
  for i in pairs(list) do
    last = math.max(last, i)
  end
  return table.unpack(list, 1, last)
end

describe("checks", function()
  local world

  fixture.once(function(keep)
    world = keep(checks.new(script))
  end)

  it("count what SQL by hand counts, one by one and all in one go", function()
    local list, expected, config = {}, {}, { as_of = "2024-06-02 00:00:00", parameters = { top = 100 } }
    for i, case in ipairs(cases) do
      list[i] = check[case[1]](arguments_of(case[2]))
      local count = tonumber(world:ask(case[3]))
      assert.is_true(count > 0, case[1] .. " has nothing to find") -- or it could not tell
      expected[i] = ("error %d"):format(count)
    end
    local lines, log, problem = world:run(list, config)
    assert.equal("check", problem and problem.code, tostring(problem) .. log)
    for i, case in ipairs(cases) do
      assert.equal(case[1] .. ": " .. expected[i], case[1] .. ": " .. tostring(lines[i]))
      local alone = world:run({ list[i] }, config)
      assert.equal(case[1] .. " alone: " .. expected[i], case[1] .. " alone: " .. tostring(alone[1]))
    end
  end)

  it("have a query that returns what they have counted", function()
    local seen = 0
    for row in world.conn:query [[
      SELECT name, kind, query, violations FROM pghost.checks WHERE query IS NOT NULL AND kind NOT IN
        ('same_row_count', 'row_count')]]:rows() do
      seen = seen + 1
      assert.equal(row.violations, #world.conn:query(row.query), row.name)
    end
    assert.is_true(seen > 30)
  end)

  it("pass where nothing breaks them", function()
    local lines, log, problem = world:run {
      check.not_null("item.id"), check.missing_share("item.age", "40%"), check.range("item.share", 0, 1),
      check.accepted_values("item.mood", { "good", "bad", "none" }), check.length("item.code", nil, 12),
      check.unique("item.id"), check.references("item.id", "item.id"), check.row_count("item", 500, 500),
      check.sum("item.id", 125250, 125250), check.same_row_count("item", "other"), check.not_empty("span"),
      check.reconcile("item", "sum(price)", "other", "sum(price)", { tolerance = 1e6 }),
      check.same_rows("item", "item", { "id" }), check.monotonic("item.id", "id", { strict = true }),
      check.columns("parent", { id = "bigint", label = "varchar(10)" }), check.columns("parent", { "id", "label" }),
      check.sql("none", "SELECT 1 WHERE false"), check.lua("fine", function() end),
      check.freshness("item.seen", "100 years"), check.sequential("item.id", 1), check.z_score("item.price", 3),
      check.z_score("other.id", 0.1, { by = "id" }), check.avg_length("item.code", 0, 12),
    }
    assert.is_nil(problem, log)
    assert.equal(23, #lines)
    for _, line in ipairs(lines) do
      assert.equal("passed", line:match "%a+", log)
    end
  end)

  it("are all here", function()
    local tried = { matches_source = true } -- checks_usage_spec.lua
    for _, kind in ipairs(require "pghost.checks.drift_kinds") do
      tried[kind.name] = true -- drift_spec.lua
    end
    for _, case in ipairs(cases) do
      tried[case[1]] = true
    end
    for _, kind in ipairs(kinds.list) do
      assert.is_true(tried[kind.name], kind.name)
      assert.is_function(check[kind.name])
    end
  end)
end)
