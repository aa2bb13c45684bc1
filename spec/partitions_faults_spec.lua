-- Partitioned tables and runs that are killed, resumed or replayed: the published table is the old or the new one.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local rules = [[
  local r = require "pghost.rules"
  return r.table("item", {
    { "id", r.bigint():required() },
    { "day", r.date() },
    { "v", r.text() },
  }, { key = { "id", "day" } })
]]

-- Kills itself before or after the statement that KILL says.
local script = [[
  local pipeline = require "pghost.pipeline"
  local connection = require "pghost.connection"
  local when, what = (os.getenv "KILL" or ""):match "^(%l+):(.*)$"
  local run <close> = pipeline.start("shop", { data = ".", schema = "public", resume = os.getenv "RESUME" == "yes",
    checkpoint = 1 }, { arguments = {} })
  local function kill(sql)
    if sql:find(what) then
      os.execute("kill -9 $PPID; sleep 5")
    end
  end
  for _, name in ipairs(when and { "query", "exec" } or {}) do
    local real = run.conn[name]
    rawset(run.conn, name, function(self, sql, ...)
      if when == "before" then
        kill(sql)
      end
      return (function(...)
        if when == "after" then
          kill(sql)
        end
        return ...
      end)(real(self, sql, ...))
    end)
  end
  run:load("item", os.getenv "FILES", require "rules", { mode = os.getenv "MODE", max_rejects = "100%",
    partition = { by = "month", column = "day" } })
  run:publish()
  kill = nil
  if when == "finally" then
    os.execute("kill -9 $PPID; sleep 5")
  end
]]

describe("a partitioned table", function()
  local here

  local function run(mode, files, more, ...)
    local arguments = select("#", ...) > 0 and { ... } or { "pipeline.lua" }
    local _, log, code = pghost.run({ "--dsn", here.dsn, table.unpack(arguments) },
      { cd = here.folder, env = ("MODE=%s FILES=%s %s"):format(mode, files, more or "") })
    return code, log
  end

  local function held()
    return here:ask "SELECT tableoid::regclass, id, v FROM item ORDER BY id"
  end

  local old = "item_p2026_01|1|a\nitem_p2026_02|2|b\nitem_p2026_03|3|c"
  local new = "item_p2026_01|1|a\nitem_p2026_02|2|b\nitem_p2026_03|3|C\nitem_p2026_05|6|f"

  fixture.each(function(keep)
    here = keep(project.new { ["rules.lua"] = rules, ["pipeline.lua"] = script })
    here:write("a.csv", "id,day,v\n1,2026-01-05,a\n2,2026-02-01,b\n3,2026-03-01,c\n")
    here:write("b.csv", "id,day,v\n3,2026-03-01,C\n")
    here:write("b2.csv", "id,day,v\n6,2026-05-01,f\n")
    local code, log = run("partitions", "a.csv")
    assert.equal(0, code, log)
    assert.equal(old, held())
  end)

  local function left()
    return here:ask [[SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'),
      (SELECT count(*) FROM pg_constraint WHERE conname = 'pghost_bounds'),
      (SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class AS c WHERE relkind IN ('r', 'p')
        AND relnamespace = 'public'::regnamespace AND NOT relispartition)]]
  end

  local places = { "CREATE TABLE .* PARTITION BY", "PARTITION OF", "INSERT INTO .*SELECT.*pghost_flat",
    "DROP TABLE .*pghost_flat", "CREATE VIEW", "DETACH PARTITION", "LOCK TABLE", "ATTACH PARTITION" }
  for _, when in ipairs { "before", "after" } do
    for _, place in ipairs(places) do
      it(("is the old one after a kill %s %s"):format(when, place), function()
        local code, log = run("partitions", "'b*.csv'", ("KILL='%s:%s'"):format(when, place))
        assert.truthy(code ~= 0 and not log:find "attempt", code .. log)
        assert.equal(old, held())
        assert.equal(0, (run("partitions", "'b*.csv'")))
        assert.equal(new, held())
        assert.equal("0|0|item item_raw", left())
      end)
    end
  end

  it("is the new one after a kill at the end", function()
    run("partitions", "'b*.csv'", "KILL=finally:")
    assert.equal(new, held())
  end)

  local killed_at = {
    append = { "after:CREATE VIEW", "before:ATTACH PARTITION" },
    partitions = { "after:CREATE TABLE .* PARTITION BY", "after:DETACH PARTITION", "before:LOCK TABLE ONLY" },
    replace = { "after:CREATE TABLE .* PARTITION BY", "before:LOCK TABLE .*ACCESS EXCLUSIVE" },
  }
  for mode, list in pairs(killed_at) do
    it("is resumed in mode " .. mode, function()
      for _, place in ipairs(list) do
        run(mode, "'b*.csv'", ("RESUME=yes KILL='%s'"):format(place))
        assert.equal(old, held())
      end
      local code, log = run(mode, "'b*.csv'", "RESUME=yes")
      assert.equal(0, code, log)
      assert.equal(mode == "replace" and "item_p2026_03|3|C\nitem_p2026_05|6|f"
        or mode == "append" and old .. "\nitem_p2026_05|6|f" or new, held())
    end)
  end

  for _, mode in ipairs { "partitions", "append", "replace" } do
    it("gets what a replay takes in, in mode " .. mode, function()
      here:write("d.csv", "id,day,v\n7,none,x\n8,2026-06-01,y\n")
      local code, log = run(mode, "d.csv")
      assert.equal(0, code, log)
      here:write("rules.lua", (rules:gsub("r.date%(%)", 'r.date():replace("none", "2026-07-01")')))
      code, log = run(mode, "d.csv", "", "replay", "2")
      assert.equal(0, code, log)
      assert.equal("item_p2026_06|8|y\nitem_p2026_07|7|x", here:ask [[
        SELECT tableoid::regclass, id, v FROM item WHERE id > 6 ORDER BY 1]])
    end)
  end
end)
