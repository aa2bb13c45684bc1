-- Whoever may create in the target schema shadows every function, aggregate and operator of the server with
-- better matches, and pghost goes about all of its work: nothing of theirs may ever be called. Being first
-- on the search_path does not save an unqualified call, see docs/SECURITY.md.

local assert = require "luassert"
local connection = require "pghost.connection"
local hostile_schema = require "support.hostile_schema"
local pghost = require "support.pghost"
local server = require "support.server"


local own, template

local rules = [[
local r = require "pghost.rules"
return r.table("item", {
  { "id", r.bigint():required() },
  { "code", r.varchar(20) },
  { "price", r.numeric(10, 2) },
  { "day", r.date() },
}, { key = %s })
]]

local script = [[
local pipeline = require "pghost.pipeline"
local check = require "pghost.check"
local config = { data = "data", wait = false, retries = 0, %s }
local run <close> = pipeline.start("shadow", config)
run:load("item", "item*.csv", require "rules", { %s })
%s
if os.getenv "KILL" then
  os.execute("kill -9 $PPID; sleep 5")
end
run:check { check.not_null("item.id"), check.unique("item", { "id" }, { severity = "warn" }),
  check.not_empty("item"), check.row_count("item", 1, 99),
  check.holds("item", "id IS NOT NULL"), check.references("item.id", "item.id", { severity = "warn" }) }
local warn = { warn_if = "> 0", store = true, where = "id IS NOT NULL" }
run:check { check.missing_share("item.code", "50%%"), check.not_blank("item.code", warn),
  check.accepted_values("item.code", { "a" }, warn), check.accepted_values("item.id", { 1 }, warn),
  check.accepted_values("item.day", { "2024-01-01" }, warn), check.rejected_values("item.code", { "b" }, warn),
  check.range("item.price", 1.5, 2, warn), check.range("item.day", "2024-01-02", nil, warn),
  check.length("item.code", 2, nil, warn), check.pattern("item.code", "^a", warn),
  check.not_pattern("item.code", "^a", warn), check.compare("item.id", "<", "price", warn),
  check.sum("item.price", 0), check.avg("item.price", 0), check.min("item.day", "2000-01-01"), check.max("item.id", 1),
  check.stddev("item.price", 0), check.distinct_count("item.code", 1), check.quantile("item.price", 0.5, 0),
  check.freshness("item.day", "100 years"), check.duplicate_share("item", { "code" }, "99%%"),
  check.same_row_count("item", "item_raw", warn), check.matches_source("item", { warn_if = "> 0" }),
  check.reconcile("item", "pg_catalog.sum(price)", "item", "pg_catalog.max(price)", { by = "day", warn_if = "> 0" }),
  check.reconcile("item", "pg_catalog.sum(id)", "item", "pg_catalog.sum(id)", { tolerance = 1 }),
  check.same_rows("item", "item", { "id", "price" }, warn), check.monotonic("item.code", "id", { warn_if = "> 0" }),
  check.sequential("item.id", 1, { by = "code", repeats = true, warn_if = "> 0" }),
  check.sequential("item.day", "1 day", { warn_if = "> 0" }), check.z_score("item.price", 9, { by = "code" }),
  check.avg_length("item.code", 0), check.no_overlap("item.id", "id", { warn_if = "> 0", by = "code" }),
  check.columns("item", { "id" }),
  check.sql("none", "SELECT id FROM item WHERE id IS NULL"), check.lua("fine", function() end) }
run:analyse "sql"
run:publish()
]]

local good = "id,code,price,day\n1,a,1.50,2024-01-01\n2,b,2.50,2024-01-02\n3,c,3.50,2024-01-03\n"
local dirty = "id,code,price,day\n7,g,1,2024-01-01\nx,d,1,2024-01-01\n4,e,f,2024-01-01\n5,many,1,2024-01-01,1\n"
local twice = good .. "1,again,1,2024-01-01\n"

local Place = {}
Place.__index = Place

function Place:write(name, text)
  pghost.write(self.folder .. "/" .. name, text)
  return self
end

function Place:pipeline(config, options, more, key)
  self:write("rules.lua", rules:format(key or '"id"'))
  return self:write("pipeline.lua", script:format(config or "", options or "", more or ""))
end

-- A command of pghost as the role `pipeline`.
function Place:run(code, ...)
  local _, err, got = pghost.run({ "--dsn", self.dsn, ... }, { cd = self.folder, env = self.env })
  assert.equal(code, got, table.concat({ ... }, " ") .. ": " .. err)
  return self
end

function Place:sql(text)
  local conn <close> = connection.open { dsn = self.dsn }
  conn:exec(text)
  return self
end

local function place()
  local name = ("shadow_%d"):format(os.clock() * 1e6 // 1)
  own:psql(("CREATE DATABASE %s TEMPLATE %s OWNER pipeline"):format(name, template))
  local self = setmetatable({ folder = pghost.folder() }, Place)
  self.dsn = ("host=%s dbname=%s user=pipeline"):format(own.socket, name)
  os.execute(("mkdir %s/data %s/sql"):format(self.folder, self.folder))
  self:write("sql/total.sql", "SELECT id, code FROM item WHERE id IS NOT NULL")
  self:write("data/item1.csv", good)
  return self
end

-- Since when is looked at, so that a scenario is told of what it did itself.
local known = {}

local function news()
  local list = {}
  for _, one in ipairs(hostile_schema.captured(own)) do
    local key = one.what .. one.statement
    if not known[key] then
      known[key] = true
      list[#list + 1] = one
    end
  end
  return list
end

local function nothing_captured()
  local bad = {}
  for _, one in ipairs(news()) do
    bad[#bad + 1] = ("%s: %s: %s"):format(one.file, one.what, one.statement:sub(1, 400))
  end
  assert.equal(0, #bad, table.concat(bad, "\n"))
end

describe("a schema that shadows the server's functions and operators", function()
  setup(function()
    own = server.start "log_min_messages = error\nmax_locks_per_transaction = 1024"
    template = "shadowed"
    own:psql "CREATE ROLE mallory; CREATE ROLE pipeline LOGIN; CREATE DATABASE shadowed"
    local admin <close> = connection.open { dsn = ("host=%s dbname=shadowed user=postgres"):format(own.socket) }
    admin:exec "GRANT CREATE ON SCHEMA public TO mallory, pipeline; SET ROLE mallory"
    admin:exec(hostile_schema.script "public")
  end)

  teardown(function()
    own:stop()
  end)

  it("captures what is not qualified: the trap works", function()
    local here = place()
    local conn <close> = connection.open { dsn = here.dsn }
    for _, text in ipairs {
      "SELECT concat_ws(',', relname) FROM pg_class LIMIT 1",
      "SELECT 1 FROM pg_class WHERE oid = 'pg_class'::regclass LIMIT 1",
      "SELECT 1 FROM pg_class WHERE oid IN ('pg_class'::regclass) LIMIT 1",
      "SELECT relname || 1 FROM pg_class LIMIT 1",
      "SELECT '{}'::jsonb -> relname FROM pg_class LIMIT 1",
      "SELECT count(relname) FROM pg_class",
      "SELECT 1 FROM pg_class WHERE relname::varchar LIKE 'a'::varchar",
      "SELECT CASE relname::varchar WHEN 'a'::varchar THEN 1 END FROM pg_class LIMIT 1",
      "SELECT NULLIF(relname::varchar, 'a'::varchar) FROM pg_class LIMIT 1",
      "SELECT 1 FROM pg_class WHERE relname::varchar IS DISTINCT FROM 'a'::varchar LIMIT 1",
      "SELECT 1 FROM pg_class WHERE relname::varchar BETWEEN 'a'::varchar AND 'b'::varchar LIMIT 1",
      "SELECT 1 FROM (VALUES ('a'::varchar)) AS a (x) JOIN (VALUES ('a'::varchar)) AS b (x) USING (x)",
    } do
      news()
      pcall(conn.query, conn, text)
      local list = news()
      assert.truthy(#list > 0, text)
      assert.matches("^as pipeline by ", list[1].what)
    end
    for _, text in ipairs {
      "SELECT pg_catalog.concat_ws(',', relname) FROM pg_class LIMIT 1",
      "SELECT DISTINCT relname::varchar FROM pg_class ORDER BY relname::varchar LIMIT 1",
      "SELECT relname::varchar FROM pg_class GROUP BY relname::varchar LIMIT 1",
      "SELECT row_number() OVER (PARTITION BY relname::varchar ORDER BY oid) FROM pg_class LIMIT 1",
      "SELECT greatest('a'::varchar, relname::varchar), coalesce(relname::varchar, 'a') FROM pg_class LIMIT 1",
      "SELECT 1 FROM pg_class WHERE relname = 'pg_class' AND oid > 1::oid AND relkind IN ('r', 'v')",
      "SELECT 1 FROM pg_class WHERE relname::varchar OPERATOR(pg_catalog.=) 'a'::varchar",
    } do
      conn:query(text)
      assert.equal(0, #news(), text)
    end
  end)

  it("is not called by a pipeline that replaces, again, and dry", function()
    local here = place():pipeline()
    here:run(0, "pipeline.lua")
    here:sql [[CREATE VIEW seen AS SELECT id, code FROM item; CREATE INDEX ON item (code); COMMENT ON TABLE item IS 'x';
      GRANT SELECT ON item TO public]]
    here:write("data/item2.csv", dirty):run(0, "pipeline.lua"):run(0, "pipeline.lua", "--dry-run")
    here:run(0, "runs"):run(0, "runs", "2"):run(0, "runs", "2", "--json")
    here:run(0, "rejects"):run(0, "rejects", "2", "--json")
    here:run(0, "rejects", "2", "--csv", "bad.csv"):run(0, "rejects", "2", "--file", "item2.csv", "--waive", "no")
    nothing_captured()
  end)

  it("is not called by the prompt", function()
    local here = place():pipeline():write("data/item2.csv", dirty)
    here:run(0, "pipeline.lua")
    here:sql "CREATE VIEW seen AS SELECT id FROM item; CREATE INDEX ON item (code)"
    local lines = { "\\d", "\\d+", "\\d item", "\\d+ seen", "\\d item_pkey", "\\dt", "\\dt+", "\\di", "\\dv", "\\df",
      "\\dn", "\\l", "\\x auto", "run", "rejects", "rejects[1]", "reload()", "try(rejects[1])",
      "\\copy item to out.csv", "complete = require('pghost.prompt.completion').complete",
      "complete({ text = '' }, 'select * from it', '')",
      "complete({ text = '' }, 'select co', ' from item')", "complete({ text = '' }, '\\\\connect sha', '')" }
    os.execute(("mkdir %s/rules && cp %s/rules.lua %s/rules/item.lua"):format(here.folder, here.folder, here.folder))
    local _, err, code = pghost.run({ "--dsn", here.dsn, "-i" }, { cd = here.folder, env = here.env,
      stdin = table.concat(lines, "\n") .. "\n" })
    assert.same({ 0, "" }, { code, err })
    nothing_captured()
  end)

  it("is not called by the other modes, with what is missing", function()
    for _, options in ipairs {
      'mode = "append"', 'mode = "merge"', 'mode = "merge", missing = "delete"', 'mode = "merge", missing = "mark"',
      'mode = "history"', 'mode = "history", missing = "close"',
    } do
      local here = place():pipeline("", options)
      here:run(0, "pipeline.lua")
      here:write("data/item1.csv", "id,code,price,day\n2,B,2.50,2024-01-02\n9,i,1,2024-01-01\n")
      if options:find("append") then
        os.remove(here.folder .. "/data/item1.csv")
        here:write("data/item3.csv", "id,code,price,day\n8,B,2.50,2024-01-02\n9,i,1,2024-01-01\n")
      end
      here:run(0, "pipeline.lua"):run(0, "pipeline.lua"):run(0, "pipeline.lua", "--dry-run")
    end
    nothing_captured()
  end)

  it("is not called by what finds duplicates, in one load and in what is published", function()
    local here = place():pipeline():write("data/item1.csv", twice):run(0, "pipeline.lua")
    here:pipeline("", 'mode = "append", changed = "load"')
    here:write("data/item1.csv", twice .. "9,i,1,2024-01-01\n"):run(0, "pipeline.lua")
    here:pipeline("", 'mode = "merge"'):write("data/item2.csv", twice):run(0, "pipeline.lua")
    nothing_captured()
  end)

  it("is not called by a stage and a clean, by keys of several columns, nor by budgets", function()
    local here = place():pipeline('max_rejects = 50', 'max_rejects = "90%"', [[
      run:stage("other", "item*.csv")
      run:stage("two", "item*.csv", require "rules")
      run:clean("two", require "rules")]], '{ "id", "code" }')
    here:write("data/item2.csv", dirty):run(0, "pipeline.lua")
    nothing_captured()
  end)

  it("is not called by a run that finds a killed one, nor by one that goes on", function()
    for _, resume in ipairs { "false", "true" } do
      local here = place():pipeline("resume = " .. resume .. ", checkpoint = 1")
      here:write("data/item2.csv", dirty)
      here.env = "KILL=1"
      pghost.run({ "--dsn", here.dsn, "pipeline.lua" }, { cd = here.folder, env = here.env })
      here.env = nil
      here:run(0, "pipeline.lua")
    end
    nothing_captured()
  end)

  it("is not called by a shared run whose holder is killed, by who takes it over, nor by its worker", function()
    local here = place():pipeline("share = true, lease = 0.5")
    here:write("data/item2.csv", dirty)
    pghost.run({ "--dsn", here.dsn, "pipeline.lua" }, { cd = here.folder, env = "KILL=1" })
    pghost.run({ "--dsn", here.dsn, "worker", "pipeline.lua" }, { cd = here.folder })
    nothing_captured()
  end)

  it("is not called by a replay", function()
    local here = place():pipeline():write("data/item2.csv", dirty):run(0, "pipeline.lua")
    here:write("rules.lua", (rules:format('"id"'):gsub("numeric%(10, 2%)", "%0:null_if('f')")))
    here:run(0, "replay", "1")
    nothing_captured()
  end)

  it("is not called by the commands that show, check and clear away", function()
    local here = place():pipeline("", "max_rejects = 9"):write("data/item2.csv", dirty):run(0, "pipeline.lua")
    for _, words in ipairs {
      { "report", "-o", "r.html" }, { "report", "--all", "-o", "site" }, { "report", "--markdown" },
      { "report", "--junit", "r.xml" }, { "report", "--metrics", "r.prom" },
      { "profile", "item" }, { "profile", "item", "--json" }, { "profile", "SELECT * FROM item" },
      { "export", "item", "-o", "out.csv" }, { "export", "SELECT id, code FROM item" },
      { "checks" }, { "checks", "--json" },
      { "check", "pipeline.lua" }, { "lint", "pipeline.lua" }, { "adopt", "item" },
      { "rejects", "1", "--csv", "bad.csv" }, { "fix", "bad.csv" }, { "rejects", "--corrected" },
      { "init", "data/item1.csv", "--into", "new" }, { "purge", "--keep", "1d" },
      { "purge", "--keep", "1d", "--dry-run" },
    } do
      here:run(0, table.unpack(words))
    end
    nothing_captured()
  end)

  it("is not called by pghost load with any option", function()
    local here = place():write("data/item2.csv", dirty):pipeline()
    here:run(0, "load", "data/item1.csv", "--into", "made", "--create")
    here:run(0, "load", "data/item1.csv", "--into", "typed", "--create", "--rules", "rules.lua")
    here:run(0, "load", "data/item1.csv", "--into", "made", "--truncate", "--workers", "2")
    here:sql [[CREATE TYPE mood AS ENUM ('a', 'b', 'c'); CREATE DOMAIN price AS numeric(10, 2);
      CREATE TABLE strict (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, code mood, price price, day date);
      CREATE TABLE parts (id bigint, code text, price numeric, day date) PARTITION BY RANGE (id);
      CREATE TABLE part PARTITION OF parts DEFAULT]]
    here:run(0, "load", "data/item1.csv", "--into", "public.strict", "--no-analyze")
    here:run(0, "load", "data/item2.csv", "--into", "parts", "--max-rejects", "9", "--rejects", "bad.csv", "--tolerant")
    here:run(0, "load", "data/item2.csv", "--into", "made", "--max-rejects", "90%", "--rejects", "table")
    here:run(0, "load", "data/item1.csv", "--into", "auto", "--create", "--auto")
    nothing_captured()
  end)
end)
