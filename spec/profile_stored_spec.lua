-- Profiles that a run stores: against what the server says of the very tables.

local history = require "pghost.report.recorded_run"
local pipeline = require "pghost.pipeline"
local report = require "pghost.report"
local stored_profile = require "pghost.report.stored_profile"
local table_profile = require "pghost.report.table_profile"
local connection = require "pghost.connection"
local r = require "pghost.rules"
local fixture = require "support.fixture"
local server = require "support.server"
local shown = require "support.shown"

local columns = {
  { "id", r.bigint():required() },
  { "kind", r.text():trim() },
  { "code", r.varchar(12) },
  { "amount", r.numeric(12, 3) },
  { "size", r.double() },
  { "seen", r.timestamp() },
  { "day", r.date() },
  { "open", r.boolean() },
}
local rules = r.table("thing", columns)

local header = "id,kind,code,amount,size,seen,day,open\n"
local folder, dsn, conn

local function write(name, text)
  local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
  file:write(text)
end

-- Values of every sort, from a generator with a fixed seed of its own.
local function records(first, last)
  local out, state = {}, first * 7 + 1
  local function random(n)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % n
  end
  for i = first, last do
    out[#out + 1] = ("%d,%s,%s,%s,%s,%s,%s,%s"):format(i, ({ "", "größe", "b ", "c", "日本" })[random(5) + 1],
      random(3) == 0 and "" or ("c%04d"):format(random(3000)), random(10) == 0 and "" or ("%d.%03d"):format(
        random(5000) - 2500, random(1000)), random(9) == 0 and "" or ("%.6g"):format(random(30000) / 7),
      ("2024-%02d-%02d %02d:%02d:%02d"):format(random(12) + 1, random(28) + 1, random(24), random(60), random(60)),
      random(4) == 0 and "" or ("2024-01-%02d"):format(random(31) + 1), ({ "t", "f", "" })[random(3) + 1])
  end
  return header .. table.concat(out, "\n") .. "\n"
end

local function load_things(config, load)
  local out = shown.sink()
  config.data = folder
  local run <close> = pipeline.start("spec", config, { arguments = {}, dsn = dsn,
    log = { out = out, format = "text", quiet = false }, out = shown.sink() })
  load(run)
  run:publish()
  return run.id, out.text
end

local function ask(sql, ...)
  return conn:query(sql, ...)[1]
end

local function profile_of(id, column)
  return ask([[SELECT *, details->'length'->>'min' AS shortest, details->'length'->>'max' AS longest,
    (details->'length'->>'mean')::float8 AS mean_length FROM pghost.profiles
    WHERE run_id = $1 AND table_name = 'thing' AND column_name = $2]], id, column)
end

local numbers = { id = true, amount = true, size = true }
local texts = { kind = true, code = true }

local function assert_like_server(id, column)
  local found = profile_of(id, column)
  local name = '"' .. column .. '"'
  local order = texts[column] and name .. ' COLLATE "C"' or column == "open" and name .. "::int" or name
  local real = ask(([[SELECT count(*) AS records, count(*) - count(%s) AS nulls, count(DISTINCT %s) AS kinds,
    min(%s)::text AS least, max(%s)::text AS greatest FROM thing]]):format(name, name, order, order))
  assert.same({ real.records, real.nulls, 0 }, { found.records, found.nulls, found.left_out }, column)
  if found.distinct_exact then
    assert.equal(real.kinds, found.distinct_values, column)
  else
    assert.near(real.kinds, found.distinct_values, real.kinds * 0.035, column)
  end
  if column == "amount" then -- the scale of a column is not part of a value
    assert.same({ tonumber(real.least), tonumber(real.greatest) }, { tonumber(found.least), tonumber(found.greatest) })
  elseif column ~= "open" then
    assert.same({ real.least, real.greatest }, { found.least, found.greatest }, column)
  end
  if numbers[column] then
    local sums = ask(("SELECT avg(%s)::float8 AS mean, stddev_samp(%s::numeric)::float8 AS sd FROM thing"):format(name,
      name))
    local rounded = column == "size" and 1e-12 or 1e-15 -- avg(float8) adds rounded sums
    assert.near(sums.mean, found.mean, math.abs(sums.mean) * rounded)
    assert.near(sums.sd, found.stddev, sums.sd * 1e-9)
  end
  if texts[column] then
    local lengths = ask(("SELECT min(length(%s))::text AS a, max(length(%s))::text AS b, avg(length(%s))::float8 AS c "
      .. "FROM thing"):format(name, name, name))
    assert.same({ lengths.a, lengths.b }, { found.shortest, found.longest })
    assert.near(lengths.c, found.mean_length, 1e-9)
  end
  return found
end

local function assert_frequencies(id, column)
  local differing = ask(([[
    SELECT count(*) AS n FROM (
      SELECT v->>'value' AS value, (v->>'count')::int8 AS n FROM pghost.profiles AS p,
        jsonb_array_elements(p.details->'values') AS v
      WHERE p.run_id = $1 AND p.table_name = 'thing' AND p.column_name = $2
    ) AS p FULL JOIN (
      SELECT %s::text AS value, count(*) AS n FROM thing WHERE %s IS NOT NULL GROUP BY 1
    ) AS t USING (value) WHERE p.n IS DISTINCT FROM t.n]]):format('"' .. column .. '"', '"' .. column .. '"'), id,
    column).n
  assert.equal(0, differing, column)
end

describe("a stored profile", function()
  fixture.once(function(keep)
    dsn = server.get():database()
    conn = keep(connection.open { dsn = dsn })
  end)

  before_each(function()
    folder = server.shell "mktemp -d /tmp/pghost_profile.XXXXXX"
  end)

  after_each(function()
    server.shell("rm -rf " .. folder)
  end)

  it("is what the server says of the table", function()
    for _, count in ipairs { 500, 9000 } do
      write("thing.csv", records(1, count))
      local id = load_things({ workers = count > 500 and 2 or 1 }, function(one)
        one:load("thing", "thing.csv", rules)
      end)
      for _, column in ipairs { "id", "kind", "code", "amount", "size", "seen", "day", "open" } do
        assert_like_server(id, column)
      end
      for _, column in ipairs { "kind", "day", "open" } do
        assert_frequencies(id, column)
      end
    end
  end)

  it("has quantiles as percentile_disc has them where it is exact", function()
    write("thing.csv", records(1, 3000))
    local id = load_things({}, function(one)
      one:load("thing", "thing.csv", rules)
    end)
    for _, column in ipairs { "id", "amount", "size", "seen", "day" } do
      local differing = ask(([[
        SELECT count(*) AS n FROM pghost.profiles AS p, jsonb_array_elements(p.details->'quantiles') AS q
        WHERE p.run_id = $1 AND p.table_name = 'thing' AND p.column_name = $2 AND p.exact AND
          (q->>'value')::%s = (SELECT percentile_disc((q->>'share')::float8) WITHIN GROUP (ORDER BY %s) FROM thing)]])
        :format(column == "id" and "bigint" or column == "amount" and "numeric" or column == "size" and "float8"
          or column == "seen" and "timestamp" or "date", column), id, column).n
      assert.equal(7, differing, column)
    end
  end)

  it("is of all files, and the same for a clean from the raw table", function()
    write("thing1.csv", records(1, 700))
    write("thing2.csv", records(701, 1500))
    local first = load_things({}, function(one)
      one:load("thing", "thing*.csv", rules)
    end)
    local second = load_things({}, function(one)
      one:stage("thing", "thing*.csv", rules)
      one:clean("thing", rules)
    end)
    assert.equal(1500, profile_of(first, "id").records)
    assert.equal(0, ask([[
      SELECT count(*) AS n FROM pghost.profiles AS a FULL JOIN pghost.profiles AS b
        ON a.table_name = b.table_name AND a.column_name = b.column_name AND b.run_id = $2
      WHERE a.run_id = $1 AND to_jsonb(a) - 'run_id' IS DISTINCT FROM to_jsonb(b) - 'run_id']], first, second).n)
  end)

  it("counts what passed the rules, and duplicates of a key with it", function()
    write("thing.csv", header .. "1,a,,,,,,\n1,b,,,,,,\nx,c,,,,,,\n2,a,,,,,,\n")
    local keyed = r.table("thing", columns, { key = "id" })
    local id = load_things({}, function(one)
      one:load("thing", "thing.csv", keyed)
    end)
    assert.equal(3, profile_of(id, "kind").records)
    assert.equal(2, profile_of(id, "kind").distinct_values)
  end)

  it("is what a report shows, as if it had read the table", function()
    write("thing.csv", records(1, 2000))
    local id = load_things({}, function(one)
      one:load("thing", "thing.csv", rules)
    end)
    local stored, read = history.reading(conn, function()
      return stored_profile.of(conn, id, "thing"), table_profile.of(conn, "public", "thing")
    end)
    assert.same({ 2000, 8, true }, { stored.rows, #stored.columns, stored.stored })
    for i, column in ipairs(read.columns) do
      local own = stored.columns[i]
      assert.same({ column.name, column.kind, column.nulls }, { own.name, own.kind, own.nulls })
      assert.near(column.distinct, tonumber((own.distinct:gsub("about ", ""):gsub(",", ""))), column.distinct * 0.035)
      if column.kind == "text" and column.name == "kind" then
        assert.same(column.top, own.top)
      end
      if column.kind == "text" or column.kind == "time" then
        assert.same({ column.low, column.high }, { own.low, own.high }, column.name)
      end
    end
    report.write(conn, id, folder .. "/report.html")
    local file <close> = assert(io.open(folder .. "/report.html"))
    assert.truthy(file:read("a"):find("Of the 2,000 records that passed the rules in this load.", 1, true))
  end)

  it("can be turned off", function()
    write("thing.csv", records(1, 10))
    local id = load_things({ profile = false }, function(one)
      one:load("thing", "thing.csv", rules)
    end)
    assert.is_nil(profile_of(id, "id"))
  end)

  it("holds long texts of many bytes a character", function()
    local lines = {}
    for i = 1, 5000 do
      lines[i] = ("%d,%s%d,,,,,,"):format(i, ("日本語"):rep(60), i)
    end
    write("thing.csv", header .. table.concat(lines, "\n") .. "\n")
    local id = load_things({}, function(one)
      one:load("thing", "thing.csv", rules)
    end)
    assert.equal(("日本語"):rep(60):sub(1, 255), profile_of(id, "kind").least)
  end)
end)
