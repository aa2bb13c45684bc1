-- pghost replay: rules are edited, and the rejects of a run go through them again.

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
  before_each(function()
    here = project.new { ["rules.lua"] = strict, ["pipeline.lua"] = script }
    os.execute("mkdir " .. here.folder .. "/sql")
    here:write("sql/total.sql", "SELECT count(*) AS items, sum(price) AS total FROM item")
  end)
  after_each(function()
    here:remove()
  end)

  it("takes in what passes the edited rules, and keeps the trail", function()
    here:write("item.csv", 'id,price,remark\n1,1.50,"a\nb"\n2,none,"two\n""lines"""\n3,x,\n4,n/a\n1,2,again\n5,none,five\n')
    must(0, nil, "pipeline.lua")
    assert.equal("1|1.50", here:ask "SELECT * FROM item")
    here:write("rules.lua", lenient)
    must(0, nil, "replay", "1")
    assert.equal("1|1.50\n2|\n5|", here:ask "SELECT * FROM item ORDER BY id")
    assert.equal("3|1.50", here:ask "SELECT * FROM total")
    assert.equal("4:replayed:2\n7:open:in run 2: price: not a numeric(10,2) 'x'\n"
      .. "8:open:in run 2: too few fields: 2 of 3\n9:open:in run 2: duplicate of id '1' in the table\n10:replayed:2",
      (states():gsub("\n6:", "\n7:")))
    assert.equal("2|2|0", here:ask "SELECT run_id, replay_of, (SELECT count(*) FROM pghost.rejects AS r WHERE "
      .. "r.run_id = runs.run_id) FROM pghost.runs ORDER BY 1 DESC LIMIT 1")
  end)
end)
