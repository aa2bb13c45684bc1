-- pghost replay: rules are edited, and the rejects of a run go through them again.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local here

local function rules(price, more)
  return ([[
    local r = require "pghost.rules"
    return r.table("item", {
      { "id", r.bigint():required() },
      { "price", %s },
      %s
    }, { key = "id" })
  ]]):format(price, more or "")
end

local strict = rules "r.numeric(10, 2):required()"
local lenient = rules "r.numeric(10, 2):null_if('none', 'n/a')"

local script = [[
  local pipeline = require "pghost.pipeline"
  local check = require "pghost.check"
  local run <close> = pipeline.start("shop", { data = ".", as_of = "2024-01-01", schema = "public" })
  run:load("item", "item*.csv", require "rules")
  run:check { check.holds("item", "price is null or price < 1000") }
  run:analyse "sql"
  run:publish()
]]

local function must(code, message, ...)
  local _, err, got = here:pghost(...)
  assert.equal(code, got, err)
  if message then
    assert.equal(message, err:match("pghost: ([^\n]*)") or err:gsub("\n$", ""), err)
  end
  return err
end

local function states()
  return here:ask [[SELECT concat_ws(':', line, state, replayed_by, note) FROM pghost.rejects
    ORDER BY file_id, line]]
end

describe("pghost replay", function()
  fixture.each(function(keep)
    here = keep(project.new { ["rules.lua"] = strict, ["pipeline.lua"] = script })
    os.execute("mkdir " .. here.folder .. "/sql")
    here:write("sql/total.sql", "SELECT count(*) AS items, sum(price) AS total FROM item")
  end)

  it("takes in what passes the edited rules, and keeps the trail", function()
    here:write("item.csv", 'id,price,remark\n1,1.50,"a\nb"\n2,none,"two\n""lines"""\n3,x,\n4,n/a\n1,2,again\n'
      .. "5,none,five\n")
    must(0, nil, "pipeline.lua")
    assert.equal("1|1.50", here:ask "SELECT * FROM item")
    here:write("rules.lua", lenient)
    must(0, nil, "replay", "1")
    assert.equal("1|1.50\n2|\n5|", here:ask "SELECT * FROM item ORDER BY id")
    assert.equal("3|1.50", here:ask "SELECT * FROM total")
    assert.equal("4:replayed:2\n6:open:in run 2: price: not a numeric 'x'\n"
      .. "7:open:in run 2: too few fields: 2 of 3\n8:open:in run 2: duplicate of id '1' in the table\n9:replayed:2",
      states())
    assert.equal("1|1.50|a\nb|2\n2|none|two\n\"lines\"|4\n3|x||6\n1|2|again|8\n5|none|five|9",
      here:ask "SELECT id, price, remark, _line FROM item_raw ORDER BY _line")
    assert.equal("published|1|replay|item|5|2|3", here:ask [[
      SELECT r.state, r.replay_of, s.kind, s.name, s.counts->>'records', s.counts->>'loaded', s.counts->>'rejected'
      FROM pghost.runs AS r JOIN pghost.steps AS s USING (run_id) WHERE run_id = 2 AND s.kind = 'replay']])
    assert.equal("0", here:ask "SELECT count(*) FROM pghost.rejects WHERE run_id = 2")
    assert.equal("0", here:ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
    assert.equal("t", here:ask "SELECT bool_and(passed) FROM pghost.checks WHERE run_id = 2")
  end)

  it("again goes on with what is still open", function()
    here:write("item.csv", "id,price\n1,1\n2,x\n3,none\n4,y\n")
    must(0, nil, "pipeline.lua")
    must(0, nil, "replay", "1") -- nothing passes
    assert.equal("3:open:in run 2: price: not a numeric 'x'\n4:open:in run 2: price: not a numeric 'none'\n"
      .. "5:open:in run 2: price: not a numeric 'y'", states())
    assert.equal("1|1.00", here:ask "SELECT * FROM item")
    here:write("rules.lua", lenient)
    must(0, nil, "replay", "1")
    here:write("rules.lua", rules "r.numeric(10, 2):null_if('x')")
    must(0, nil, "replay", "1")
    assert.equal("3:replayed:4\n4:replayed:3\n5:open:in run 4: price: not a numeric 'y'", states())
    assert.equal("1|1.00\n2|\n3|", here:ask "SELECT * FROM item ORDER BY id")
    must(0, nil, "rejects", "1", "--waive", "sold out")
    must(0, "no open reject of run 1: nothing to replay", "replay", "1")
    assert.equal("5:waived:sold out", here:ask [[SELECT concat_ws(':', line, state, replayed_by, note)
      FROM pghost.rejects WHERE line = 5]])
    must(1, "run 3 is a replay of run 1: replay that one", "replay", "3")
  end)

  it("publishes nothing when a check fails, and the rejects stay open", function()
    here:write("item.csv", "id,price\n1,1\n2,none\n3,2000\n")
    here:write("rules.lua", rules "r.numeric(10, 2):required():range(0, 1000)")
    must(0, nil, "pipeline.lua")
    here:write("rules.lua", lenient)
    must(4, nil, "replay", "1")
    assert.equal("1|1.00", here:ask "SELECT * FROM item")
    assert.equal("3:open\n4:open", states())
    assert.equal("failed", here:ask "SELECT state FROM pghost.runs WHERE run_id = 2")
  end)

  it("puts each record under the header of its own file", function()
    here:write("item_1.csv", "\239\187\191price,id\r\nnone,1\r\n5,2\r\n\"n/a\",3\r\n")
    here:write("item_2.csv", "ID, Price ,remark\n4,none,\"a,\n\n b\"\n5,1,x\n6,n/a,\n")
    must(0, nil, "pipeline.lua")
    assert.equal("2|5.00\n5|1.00", here:ask "SELECT * FROM item ORDER BY id")
    here:write("rules.lua", lenient)
    must(0, nil, "replay", "1")
    assert.equal("1|\n2|5.00\n3|\n4|\n5|1.00\n6|", here:ask "SELECT * FROM item ORDER BY id")
    assert.equal("6|6", here:ask "SELECT count(*), count(DISTINCT (_file_id, _line)) FROM item_raw")
  end)

  it("lets no record with an open quote swallow those behind it", function()
    here:write("item.csv", "id,price,remark\n1,none,a\n2,none,\"b\n3,none,c\n4,1,d\n5,none,\"e\"f\n6,none,g\n"
      .. "7,none,h\n8,none,\"i\n")
    must(0, nil, "pipeline.lua")
    local before = here:ask "SELECT string_agg(line::text, ',' ORDER BY line) FROM pghost.rejects WHERE rule <> 'type'"
    here:write("rules.lua", lenient)
    must(0, nil, "replay", "1")
    assert.equal(before, here:ask [[SELECT string_agg(line::text, ',' ORDER BY line) FROM pghost.rejects
      WHERE state = 'open']])
    assert.equal("t", here:ask [[SELECT count(*) = (SELECT count(*) FROM pghost.rejects WHERE state = 'replayed') + 1
      FROM item]])
  end)

  it("puts a record that can be read now into the raw table too", function()
    here:write("item.csv", "id,price\n1,1\n2\n3,x\n")
    must(0, nil, "pipeline.lua")
    here:ask "UPDATE pghost.rejects SET original = '2,7' WHERE line = 3" -- as if its reader had let it pass
    must(0, nil, "replay", "1")
    assert.equal("1|1.00\n2|7.00", here:ask "SELECT * FROM item ORDER BY id")
    assert.equal("1|1|2\n2|7|3\n3|x|4", here:ask "SELECT id, price, _line FROM item_raw ORDER BY _line")
    assert.equal("1", here:ask "SELECT count(DISTINCT _file_id) FROM item_raw")
  end)

  it("notes what the rules leave out now", function()
    here:write("item.csv", "id,price\n1,1\n-2,none\n")
    must(0, nil, "pipeline.lua")
    here:write("rules.lua", (lenient:gsub('key = "id" }', [[key = "id", row = { r.filter("id", "<", 0) } }]])))
    must(0, nil, "replay", "1")
    assert.equal("3:replayed:2:left out in run 2", states())
    assert.equal("1|1.00", here:ask "SELECT * FROM item")
  end)

  it("of one table leaves the others as they are", function()
    here:write("pipeline.lua", (script:gsub("run:check", [[run:load("other", "item.csv", require "rules")
      run:check]])))
    here:write("item.csv", "id,price\n1,1\n2,none\n")
    must(0, nil, "pipeline.lua")
    local old = here:ask "SELECT 'item'::regclass::oid, 'other'::regclass::oid"
    here:write("rules.lua", lenient)
    must(0, "no open reject of run 1 for table 'none': nothing to replay", "replay", "1", "--table", "none")
    must(0, nil, "replay", "1", "--table", "other")
    assert.equal("1|2", here:ask "SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM other)")
    assert.equal(old:match("^%d+"), here:ask "SELECT 'item'::regclass::oid")
    assert.equal("item:open\nother:replayed", here:ask [[SELECT table_name || ':' || state FROM pghost.rejects
      ORDER BY table_name]])
  end)

  it("works for a pipeline of stage and clean", function()
    here:write("pipeline.lua", (script:gsub('run:load%("item", "item%*.csv", require "rules"%)',
      [[run:stage("item", "item.csv", require "rules") run:clean("item", require "rules")]])))
    here:write("item.csv", "id,price\n1,1\n2,none\n3\n1,4\n")
    must(0, nil, "pipeline.lua")
    here:write("rules.lua", lenient)
    must(0, nil, "replay", "1")
    assert.equal("1|1.00\n2|", here:ask "SELECT * FROM item ORDER BY id")
    assert.equal("3:replayed:2\n4:open:in run 2: too few fields: 1 of 2\n"
      .. "5:open:in run 2: duplicate of id '1' in the table", states())
    assert.equal("3", here:ask "SELECT count(*) FROM item_raw")
  end)

  it("adds to a table that its loads append to or merge into, whatever ran since", function()
    for mode, expected in pairs {
      append = "1|1.00\n2|\n7|7.00\n8|8.00",
      merge = "1|5.00\n2|\n7|7.00\n8|8.00",
      history = "1|5.00\n1|9.00\n2|\n7|7.00\n8|8.00",
    } do
      here:ask "DROP TABLE IF EXISTS item, item_raw, total"
      here:ask "DROP SCHEMA IF EXISTS pghost CASCADE"
      here:write("rules.lua", rules "r.numeric(10, 2):range(0, 100)")
      here:write("pipeline.lua", (script:gsub('require "rules"%)', ('require("rules"), { mode = %q })'):format(mode))))
      here:write("item.csv", "id,price\n1,1\n2,none\n3,x\n1,9\n")
      must(0, nil, "pipeline.lua")
      os.remove(here.folder .. "/item.csv")
      here:write("item2.csv", mode == "append" and "id,price\n7,7\n" or "id,price\n1,5\n7,7\n")
      must(0, nil, "pipeline.lua")
      os.remove(here.folder .. "/item2.csv")
      here:ask("INSERT INTO item VALUES (8, 8" .. (mode == "history" and ", now())" or ")"))
      local old = here:ask "SELECT 'item'::regclass::oid"
      here:write("rules.lua", rules "r.numeric(10, 2):null_if('none'):range(0, 100)")
      must(0, nil, "replay", "1")
      assert.equal(expected, here:ask "SELECT id, price FROM item ORDER BY id, price")
      assert.equal(old, here:ask "SELECT 'item'::regclass::oid")
      assert.equal("key:open:in run 3: duplicate of id '1' in the table\ntype:open:in run 3: price: not a numeric 'x'\n"
        .. "type:replayed", here:ask [[SELECT concat_ws(':', rule, state, note) FROM pghost.rejects ORDER BY 1]])
    end
  end)

  it("runs with the settings that the run was given", function()
    here:write("item.csv", "id,price\n1,1\n2,none\n")
    must(0, nil, "pipeline.lua", "--as-of", "2020-02-03", "--schema", "shop")
    here:write("rules.lua", lenient)
    must(0, nil, "replay", "1", "pipeline.lua")
    assert.equal("2", here:ask "SELECT count(*) FROM shop.item")
    assert.equal("2020-02-03 00:00:00|shop", here:ask "SELECT as_of, target_schema FROM pghost.runs WHERE run_id = 2")
  end)

  it("says what it cannot do", function()
    here:write("item.csv", "id,price\n1,1\n2,none\n")
    must(0, nil, "pipeline.lua")
    must(1, "no run 7 in this database: `pghost runs` lists them", "replay", "7")
    must(2, "number of a run expected, got 'x' (see pghost replay --help)", "replay", "x")
    must(2, "no script 'gone.lua': name it, pghost replay 1 SCRIPT", "replay", "1", "gone.lua")
    here:write("other.lua", (script:gsub('"shop"', '"stall"')))
    must(2, "run 1 is of pipeline 'shop', but this script starts 'stall'", "replay", "1", "other.lua")
    here:write("rules.lua", rules "r.text()")
    must(1, "table 'item': column 'price' is text by the rules and numeric(10,2) in the published table: a replay "
      .. "cannot change columns, run the pipeline again", "replay", "1")
    here:write("rules.lua", lenient)
    here:write("item.csv", "id,price\n1,1\n2,z\n")
    must(0, nil, "pipeline.lua")
    must(1, "run 3 has rebuilt table 'item' since run 1: replay that one", "replay", "1")
    here:write("item.csv", "id\n1\n")
    must(1, nil, "pipeline.lua")
    must(1, "run 5 published nothing (failed), so there is nothing to add to: run the pipeline again", "replay", "5")
  end)

  it("leaves no column of the published table behind", function()
    here:write("item.csv", "id,price\n1,1\n2,none\n")
    must(0, nil, "pipeline.lua")
    here:ask "ALTER TABLE item ADD COLUMN note text DEFAULT 'mine'"
    here:write("rules.lua", lenient)
    must(1, "table 'item': column 'note' is not there by the rules and text in the published table: a replay cannot "
      .. "change columns, run the pipeline again", "replay", "1")
    assert.equal("1|1.00|mine", here:ask "SELECT * FROM item")
    assert.equal("3:open", states())
  end)

  it("reads a blank line as the record that it was", function()
    here:write("pipeline.lua", (script:gsub('require "rules"%)', 'require("rules"), { blank_lines = "keep" })')))
    here:write("item.csv", "id,price\n1,1\n\n2,none\n")
    must(0, nil, "pipeline.lua")
    here:write("rules.lua", lenient)
    must(0, nil, "replay", "1")
    assert.equal("3:open:in run 2: too few fields: 1 of 2\n4:replayed:2", states())
  end)

  it("adds nothing to a table that another pipeline, or another mode, has built anew since", function()
    here:write("item.csv", "id,price\n1,1\n2,none\n")
    must(0, nil, "pipeline.lua")
    here:write("rules.lua", lenient)
    here:write("item.csv", "id,price\n1,5\n")
    here:write("other.lua", (script:gsub('"shop"', '"stall"')))
    must(0, nil, "other.lua")
    local message = "run 2 has rebuilt table 'item' since run 1: replay that one"
    must(1, message, "replay", "1")
    here:write("pipeline.lua", (script:gsub('require "rules"%)', 'require("rules"), { mode = "append" })')))
    must(1, message, "replay", "1")
    assert.equal("1|5.00", here:ask "SELECT * FROM item")
    assert.equal("3:open", states())
  end)

  -- Its script runs a statement when all is built, as somebody else's.
  local function replay_while(lua, mode)
    local text = script:gsub('require "rules"', ('require("rules"), { mode = %q }'):format(mode or "replace"))
    here:write("pipeline.lua", text)
    here:write("rules.lua", rules "r.numeric(10, 2)")
    here:write("item.csv", "id,price\n1,1\n2,none\n")
    must(0, nil, "pipeline.lua")
    here:write("rules.lua", lenient)
    here:write("pipeline.lua", (text:gsub("run:publish", function(step)
      return ("do %s end\n%s"):format(lua, step)
    end)))
  end

  local function query(sql)
    return ([[local other <close> = require("pghost.connection").open { dsn = %q } other:query(%q)]])
      :format(here.dsn, sql)
  end

  it("puts nothing in the table that was waived meanwhile", function()
    replay_while(query "UPDATE pghost.rejects SET state = 'waived', note = 'sold out'")
    must(1, "1 reject was waived, corrected or deleted during the replay: run it again", "replay", "1")
    assert.equal("1|1.00", here:ask "SELECT * FROM item")
    assert.equal("3:waived:sold out", states())
  end)

  it("loses nothing that was written to the table meanwhile", function()
    replay_while(query "INSERT INTO item VALUES (9, 9)")
    must(0, nil, "replay", "1")
    assert.equal("1|1.00\n2|\n9|9.00", here:ask "SELECT * FROM item ORDER BY id")
  end)

  it("rebuilds no table that was written to meanwhile", function()
    replay_while(query "INSERT INTO item VALUES (9, 9)")
    here:ask "CREATE MATERIALIZED VIEW items AS SELECT count(*) AS items FROM item"
    must(1, [["public"."item" was written to during the replay: run it again]], "replay", "1")
    assert.equal("1|1.00\n9|9.00", here:ask "SELECT * FROM item ORDER BY id")
    assert.equal("3:open", states())
  end)

  it("overwrites no record whose key has come into the table meanwhile", function()
    for mode, more in pairs { replace = "", merge = "", append = "", history = ", now()" } do
      here:ask "DROP TABLE IF EXISTS item, item_raw, total"
      here:ask "DROP SCHEMA IF EXISTS pghost CASCADE"
      replay_while(query(("INSERT INTO item VALUES (2, 7%s)"):format(more)), mode)
      must(1, [["public"."item" got a key of a replayed record during the replay: run it again]], "replay", "1")
      assert.equal("1|1.00\n2|7.00", here:ask "SELECT id, price FROM item ORDER BY id")
      assert.equal("3:open", states())
    end
  end)

  it("adds nothing to a table that is built anew meanwhile", function()
    replay_while(("os.execute(%q)"):format(("%s --dsn '%s' other.lua 2>other.log"):format(pghost.path, here.dsn)),
      "append")
    here:write("other.lua", (script:gsub('"shop"', '"stall"'):gsub("item%*", "other")))
    here:write("other.csv", "id,price\n5,7\n")
    must(1, "run 3 has rebuilt table 'item' since run 1: replay that one", "replay", "1")
    assert.equal("5|7.00", here:ask "SELECT * FROM item")
  end)

  it("does what names say and not what is in them", function()
    local table_name = [[we"ird '; drop table x; %s]]
    here:write("pipeline.lua", ([[
      local pipeline = require "pghost.pipeline"
      local r = require "pghost.rules"
      local run <close> = pipeline.start("o'shop", { data = "." })
      run:load(%q, "it'em%%d.csv", r.table("t", {
        { "i\"d %%s", r.bigint():required() }, { "p'r, ice", r.integer()%s },
      }, { key = "i\"d %%s" }))
      run:publish()
    ]]):format(table_name, ""))
    here:write("it'em%d.csv", '"i""d %s","p\'r, ice"\n1,2\n2,none\n3\n')
    must(0, nil, "pipeline.lua")
    here:write("pipeline.lua", (here:read "pipeline.lua":gsub("r%.integer%(%)", "r.integer():null_if('none')")))
    must(0, nil, "replay", "1")
    assert.equal("1|2\n2|", here:ask(('SELECT * FROM %s ORDER BY 1'):format(here.conn:quote_identifier(table_name))))
    assert.equal("3:replayed:2\n4:open:in run 2: too few fields: 1 of 2", states())
  end)
end)
