-- Databases whose history an earlier pghost has made: each state that its migrations went through is brought to the
-- newest with what is in it, and a pghost that is older than the history says so.

local old_history = require "support.old_history"
local process = require "faults.process"
local project = require "support.project"

local script <const> = [[
  local pipeline = require "pghost.pipeline"
  local r = require "pghost.rules"
  local run <close> = pipeline.start("upgraded", { data = ".", schema = "public", lock_wait = 30 })
  run:load("item", "item.csv", r.table("item", { { "id", r.bigint():required() } }))
  run:publish()
]]

-- What a run that was recorded then has left.
local rows <const> = [[
  INSERT INTO pghost.runs (pipeline, target_schema, state, version, config)
    VALUES ('older', 'public', 'published', '0.0.1', '{"data": "x"}'), ('older', 'public', 'killed', '0.0.1', NULL);
  INSERT INTO pghost.steps (run_id, kind, name, state) VALUES (1, 'load', 'item', 'done')]]

local kept <const> = [[
  SELECT string_agg(concat_ws(',', run_id, pipeline, target_schema, state, version, config), ';' ORDER BY run_id)
    || (SELECT string_agg(concat_ws(',', run_id, kind, name, state), ';') FROM pghost.steps WHERE run_id = 1)
  FROM pghost.runs WHERE pipeline = 'older']]

-- Everything in the schema, its comments too, but for the order of columns.
local shape <const> = [[
  SELECT md5(string_agg(what, E'\n' ORDER BY what)) FROM (
    SELECT concat_ws(' ', c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
      pg_get_expr(d.adbin, d.adrelid), a.attidentity, col_description(c.oid, a.attnum)) AS what
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'pghost'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'i', 'm')
    UNION ALL
    SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'pghost'::regnamespace
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'pghost'
    UNION ALL
    SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = 'pghost') AS all_of_it]]

-- The history as it was when `count` migrations existed.
local function make_old(p, count)
  old_history.make(p.conn, count)
  p.conn:exec(rows)
end

describe("a history", function()
  local p

  before_each(function()
    p = project.new { ["pipeline.lua"] = script, ["item.csv"] = "id\n1\n2\n" }
  end)

  after_each(function()
    p:remove()
  end)

  local function fresh_shape()
    local other <close> = setmetatable(project.new { ["pipeline.lua"] = script, ["item.csv"] = "id\n1\n" },
      { __index = getmetatable(p).__index, __close = p.remove })
    assert.equal(0, select(2, other:run "pipeline.lua"))
    return other:ask(shape)
  end

  it("of each earlier state becomes the newest, with what is in it", function()
    local expected = fresh_shape()
    for count = 1, #old_history.migrations() do
      make_old(p, count)
      local before = p:ask(kept)
      local err, code = p:run "pipeline.lua"
      assert.equal(0, code, ("%d migrations: %s"):format(count, err))
      assert.equal(before, p:ask(kept), count)
      assert.equal(expected, p:ask(shape), count)
      local _, problem, status = p:pghost("runs", "1")
      assert.equal(0, status, problem)
      p.conn:exec "DROP SCHEMA pghost CASCADE; DROP TABLE public.item, public.item_raw CASCADE"
    end
  end)

  it("that is older is migrated once, by one of several pipelines at once", function()
    make_old(p, 1)
    local list = {}
    for i = 1, 3 do
      list[i] = process.start({ "-q", "--dsn", p.dsn, "pipeline.lua" }, nil, { cd = p.folder })
    end
    for _, one in ipairs(list) do
      local code, err = one:wait()
      assert.is_true(code == 0 or err:find "is already running" ~= nil, err)
    end
    assert.equal(tostring(#old_history.migrations()), p:ask "SELECT count(*) FROM pghost.migrations")
  end)

  it("that is newer is refused in one line by everything that would write to it", function()
    assert.equal(0, select(2, p:run "pipeline.lua"))
    local newest = p:ask "SELECT max(version) FROM pghost.migrations"
    p.conn:exec "INSERT INTO pghost.migrations (version, name) VALUES (999, 'future')"
    local before = p:ask "SELECT count(*) FROM pghost.runs"
    for _, words in ipairs { { "pipeline.lua" }, { "purge", "--keep", "1d" },
      { "load", "item.csv", "--into", "item", "--max-rejects", "1", "--rejects", "table" } } do
      local _, err, code = p:pghost("-q", table.unpack(words))
      assert.same({ ("pghost: schema 'pghost' is at version 999, this pghost knows up to %s: use a newer pghost\n")
        :format(newest), 1 }, { err, code }, words[1])
    end
    assert.equal(before, p:ask "SELECT count(*) FROM pghost.runs")
  end)

  it("that gets newer while a run is on lets it end", function()
    local slow = script:gsub("  run:publish", "  require 'pghost.native.sys'.sleep(1)\n  run:publish")
    p:write("slow.lua", slow)
    local one <close> = process.start({ "-q", "--dsn", p.dsn, "slow.lua" }, nil, { cd = p.folder })
    for _ = 1, 1000 do
      if p:ask "SELECT to_regclass('pghost.runs') IS NOT NULL" == "t"
        and p:ask "SELECT count(*) FROM pghost.runs" == "1" then
        break
      end
      require "pghost.native.sys".sleep(0.005)
    end
    p.conn:exec "INSERT INTO pghost.migrations (version, name) VALUES (999, 'future')"
    local code, err = one:wait()
    assert.equal(0, code, err)
    assert.equal("published|2", p:ask "SELECT state, (SELECT count(*) FROM public.item) FROM pghost.runs")
  end)
end)
