-- Values of forms that only the server knows: `pghost load` stores what `\copy` stores, and what the server refuses is
-- told as any other reject. The oracle is `\copy` of the same file.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local server = require "support.server"

local folder, dsn

local function psql(sql)
  return pghost.psql(dsn, sql)
end

local function load(words, environment)
  return pghost.run({ "--dsn", dsn, "load", "f.csv", "--into", "ours", table.unpack(words or {}) },
    { cd = folder, env = environment })
end

-- Forms of each type that the server takes, many of which the client's types do not know.
local forms = {
  timestamp = { "infinity", "-infinity", "2024-01-02", "2024-01-02 03:04:05.1234567", "2023-07-20 22:02:38 UTC",
    "2024-01-02 9:05", "Jan 5 2021", "20240102T030405", "epoch", "2024-01-02T03:04:05Z", "January 8, 1999 BC",
    "2024-02-29 24:00" },
  ["timestamp(2)"] = { "2024-01-02 03:04:05.127", "infinity", "2024-01-02 03:04:05.9999999" },
  timestamptz = { "infinity", "2024-01-02", "2023-07-20 22:02:38 UTC", "2024-01-02 03:04 Europe/Berlin",
    "2024-01-02 9:05 PST", "2024-01-02 03:04:05+05:30:15", "2024-01-02 03:04:05" },
  date = { "infinity", "Jan 5 2021", "20240102", "1/2/2024", "2024-Feb-03", "J2451187", "2024-01-02 03:04:05" },
  time = { "9:05", "040506", "04:05 PM", "04:05:06.7891234", "allballs" },
  timetz = { "9:05", "04:05:06 PST", "04:05:06-08:00" },
  interval = { "1.5 days", "1-2", "1 12:59:10", "P1Y2M", "1.5 weeks", "-1 day 2:03", "@ 1 minute", "3 4:05:06" },
  ["interval minute"] = { "5", "1:30", "2 hours" },
  inet = { "10.1.2.3/8", "::1", "10.1.2.3" },
  cidr = { "10/8", "192.168", "10.1" },
  ["integer[]"] = { "[2:3]={1,2}", "{1,NULL}", "{{1,2},{3,4}}", "{}" },
  ["text[]"] = { "{a\\,b}", "[0:0]={x}", '{"a b",c}' },
  ["timestamp[]"] = { "{infinity,2024-01-02}" },
  ["double precision"] = { "NaN", "0x10p1", "1e5", "-Infinity" },
  numeric = { "1e3", "NaN", "  12.5 ", "1_000" },
  ["numeric(5,2)"] = { "1.005", "1e2", "NaN" },
  boolean = { "on", "y", "n", "off", "tr", "T", "of", "oN" },
  ["bit(3)"] = { "101", "x5", "b111" },
  money = { "$1,234.50", "-3" },
  int4range = { "[1,5]", "empty", "(,3)" },
  point = { "(1,2)", "1,2" },
  xml = { "<a/>" },
  tsvector = { "a:1 b:2" },
  oid = { "12", "0x1" },
  macaddr = { "08:00:2b:01:02:03", "08002b010203" },
  jsonpath = { "$.a" },
  regclass = { "pg_class" },
  mood = { "glad" },
  pair = { "(1,x)" },
  small = { "2024-01-02", "infinity" },
}

local setup = [[
  DROP TABLE IF EXISTS theirs, ours; DROP TYPE IF EXISTS mood, pair; DROP DOMAIN IF EXISTS small;
  CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TYPE pair AS (a int, b text);
  CREATE DOMAIN small AS timestamp CHECK (VALUE > '2000-01-01');
  CREATE TABLE theirs (id int, v %s); CREATE TABLE ours (LIKE theirs);
]]

local function csv_field(text)
  return '"' .. text:gsub('"', '""') .. '"'
end

describe("values that only the server knows", function()
  fixture.each(function(keep)
    folder = keep(pghost.folder())
    dsn = server.get():database()
  end)

  local function compare(kind, text)
    psql(setup:format(kind))
    pghost.write(folder .. "/f.csv", "id,v\n1," .. csv_field(text) .. "\n")
    local _, _, theirs = psql(("\\copy theirs from '%s/f.csv' (FORMAT csv, HEADER)\n"):format(folder))
    local _, problem, ours = load()
    if theirs ~= 0 then
      return theirs, ours
    end
    assert.equal(0, ours, ("%s '%s': %s"):format(kind, text, problem))
    local differs = psql("SELECT count(*) FROM theirs t JOIN ours o ON o.id = t.id "
      .. "WHERE t.v::text IS DISTINCT FROM o.v::text OR pg_column_size(t.v) <> pg_column_size(o.v);")
    assert.equal("0\n", differs, ("%s '%s'"):format(kind, text))
    return theirs, ours
  end

  for kind, texts in pairs(forms) do
    it(("of %s are stored as \\copy stores them"):format(kind), function()
      for _, text in ipairs(texts) do
        compare(kind, text)
      end
    end)
  end

  it("are read in the session's own zone and date order, in one load with others", function()
    psql("CREATE TABLE theirs (id int, a timestamptz, b date); CREATE TABLE ours (LIKE theirs);")
    psql(("ALTER DATABASE %s SET timezone = 'America/New_York'; ALTER DATABASE %s SET datestyle = 'ISO, DMY';")
      :format(dsn:match("dbname=(%S+)") or dsn:match("([^/?]+)$") or "", dsn:match("dbname=(%S+)") or ""))
    pghost.write(folder .. "/f.csv", "id,a,b\n1,2024-07-02 03:04,02/03/2024\n2,2024-01-02 03:04+02,2024-01-02\n")
    psql(("\\copy theirs from '%s/f.csv' (FORMAT csv, HEADER)\n"):format(folder))
    local _, err, code = load()
    assert.equal(0, code, err)
    assert.equal("0\n", (psql("SELECT count(*) FROM (TABLE theirs EXCEPT TABLE ours) x;")))
    assert.equal("2\n", (psql("SELECT count(*) FROM ours;")))
  end)

  it("are told once a column, and what the server refuses is a reject", function()
    psql("CREATE TABLE ours (id int, v timestamp);")
    pghost.write(folder .. "/f.csv", "id,v\n1,1/2/2024\n2,nonsense\n3,3/4/2024\n4,2024-13-45\n5,2024-01-02 03:04\n")
    local _, err, code = load { "--max-rejects", "5", "--rejects", "r.csv" }
    assert.equal(0, code, err)
    assert.matches("f.csv:2: v: '1/2/2024' is read by the server, as are 1 more", err, 1, true)
    assert.matches("f.csv:3: v: not a timestamp 'nonsense'", err, 1, true)
    assert.matches("f.csv:5: v: date/time field value out of range", err, 1, true)
    assert.equal("1,3,5\n", (psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM ours;")))
  end)

  it("are all there, in a file of many blocks", function()
    psql("CREATE TABLE theirs (id int, v timestamp, w text); CREATE TABLE ours (LIKE theirs);")
    local lines = { "id,v,w" }
    for i = 1, 20000 do
      local moment = ("2024-01-%02d 03:04:05.%07d"):format(i % 28 + 1, i)
      lines[#lines + 1] = ("%d,%s,%s"):format(i, i % 3 == 0 and "J2451187" or i % 5 == 0 and "infinity" or moment,
        ("x"):rep(i % 40))
    end
    pghost.write(folder .. "/f.csv", table.concat(lines, "\n") .. "\n")
    psql(("\\copy theirs from '%s/f.csv' (FORMAT csv, HEADER)\n"):format(folder))
    local _, err, code = load { "--workers", "2" }
    assert.equal(0, code, err)
    assert.equal("0|0|20000\n", (psql([[SELECT (SELECT count(*) FROM (TABLE theirs EXCEPT TABLE ours) x),
      (SELECT count(*) FROM (TABLE ours EXCEPT TABLE theirs) x), (SELECT count(*) FROM ours);]])))
  end)
end)
