-- Error budgets and on_error = "stop": pipelines as processes, what they print, what they leave.

local budget_options = require "pghost.load.budget_options"
local fixture = require "support.fixture"
local project = require "support.project"
local server = require "support.server"

local rules = [[
return require("pghost.rules").table("item", {
  { "id", require("pghost.rules").bigint():required() },
  { "name", require("pghost.rules").text():required() },
}, { key = "id" })
]]

local here

-- A file of `count` records, of which those in `bad` have no number.
local function items(count, bad)
  local lines = { "id,name" }
  for i = 1, count do
    lines[i + 1] = (bad[i] and "x%d,n" or "%d,n"):format(i)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- A script that loads with `options`, a Lua table as text, and publishes.
local function script(options, config, body)
  here:write("pipeline.lua", ([[
    local pipeline = require "pghost.pipeline"
    local run <close> = pipeline.start("spec", { data = ".", %s })
    local rules = require "rules"
    %s
    run:publish()
  ]]):format(config or "", body or ('run:load("item", "item*.csv", rules, %s)'):format(options)))
end

-- `message` is the last line; false: whatever it is.
local function must_end(code, message, arguments)
  local err, got = here:run("pipeline.lua", arguments)
  assert.equal(code, got, err)
  if message ~= false then
    assert.equal(message, err:match("pghost: ([^\n]*)"), err)
  end
  return err
end

local function assert_nothing_published()
  assert.equal("", here:ask "SELECT to_regclass('public.item')")
  assert.equal("0", here:ask "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pghost_build%'")
  assert.equal("failed", here:ask "SELECT state FROM pghost.runs ORDER BY run_id DESC LIMIT 1")
end

describe("a budget", function()
  fixture.each(function(keep)
    here = keep(project.new { ["rules.lua"] = rules })
  end)

  it("of a number lets so many pass and not one more", function()
    here:write("item.csv", items(10, { [2] = true, [5] = true, [9] = true }))
    script "{ max_rejects = 3 }"
    must_end(0)
    assert.equal("7", here:ask "SELECT count(*) FROM item")
    script "{ budget = { rejects = 2 } }"
    must_end(4, "table 'item': 3 rejected so far, its budget allows 2: stopped: nothing is published; "
      .. "`pghost rejects 2` lists them")
    assert.equal("7", here:ask "SELECT count(*) FROM item") -- as before
    assert.equal("3|6|10", here:ask [[SELECT string_agg(line::text, '|' ORDER BY line) FROM pghost.rejects
      WHERE run_id = 2]])
    assert.equal("failed|budget", here:ask "SELECT state, error_code FROM pghost.runs WHERE run_id = 2")
  end)

  it("of a number stops early, and keeps what was rejected until then", function()
    local bad = {}
    for i = 1, 200000 do
      bad[i] = i % 2 == 0
    end
    here:write("item.csv", items(200000, bad))
    script "{ max_rejects = 100 }"
    local err = must_end(4, false)
    local seen = tonumber((err:match("table 'item': ([%d,]+) rejected so far, its budget allows 100: stopped")
      :gsub(",", "")))
    assert.is_true(seen > 100 and seen < 50000, err)
    assert.equal(tostring(seen), here:ask "SELECT count(*) FROM pghost.rejects")
    assert.truthy(err:find("first item.csv:3: not a bigint 'x2'", 1, true), err)
    assert_nothing_published()
  end)

  it("of a share is exact at the end", function()
    here:write("item.csv", items(200, { [1] = true, [2] = true, [3] = true }))
    script "{ max_rejects = '1.5%' }"
    must_end(0)
    script "{ budget = { share = '1.49%' } }"
    must_end(4, "table 'item': 3 of 200 records rejected, its budget allows 1.49% (1.5% it is): nothing is "
      .. "published; `pghost rejects 2` lists them")
  end)

  it("of a share stops early only when the whole file would be over it", function()
    local bad = {}
    for i = 1, 400000 do
      bad[i] = i <= 1000
    end
    here:write("item.csv", items(400000, bad)) -- a tenth of the first 10,000, but 0.25 % in all
    script "{ max_rejects = '1%' }"
    must_end(0)
    script "{ max_rejects = '0.1%' }"
    local err = must_end(4, false)
    local records = err:match("1,?000 of the first (%d+) records rejected, its budget allows 0.1%%: stopped")
    assert.is_true(tonumber(records) >= 10000 and tonumber(records) < 300000, err)
    assert.equal("1000", here:ask "SELECT count(*) FROM pghost.rejects WHERE run_id = 2")
    for i = 1001, 3000 do
      bad[i] = true
    end
    here:write("item.csv", items(400000, bad)) -- 0.75 %
    server.shell(("gzip -n '%s/item.csv'"):format(here.folder)) -- its size says nothing about its records
    script(nil, nil, 'run:load("item", "item.csv.gz", rules, { max_rejects = "1%" })')
    must_end(0)
  end)

  it("of a share stops nothing early for a bad start, whatever the records come from", function()
    local bad = {}
    for i = 1, 12000 do
      bad[i] = i % 50 == 0 -- 240: 2 % of these, 0.48 % of all
    end
    local text = items(50000, bad)
    local good = items(400000, {}):gsub("\n(%d)", "\n9%1")
    here:write("item.csv", text)
    script(nil, nil, 'run:stage("item", "item.csv", rules) run:clean("item", rules, { budget = { share = "1%", '
      .. 'rules = { type = "1%" } } })')
    must_end(0)
    server.shell(("cd '%s' && mkfifo pipe.csv"):format(here.folder))
    os.execute(("cd '%s' && (timeout 20 cat item.csv > pipe.csv &)"):format(here.folder))
    script(nil, nil, 'run:load("item", "pipe.csv", rules, { budget = { share = "1%", per_file = "1%" } })')
    must_end(0)
    here.conn:query "DROP TABLE item, item_raw"
    here:write("item.csv", good)
    script "{ mode = 'append' }"
    must_end(0)
    here:write("item.csv", good .. text:gsub("^[^\n]*\n", "")) -- its end alone is read
    script "{ mode = 'append', changed = 'tail', max_rejects = '1%', budget = { per_file = '1%' } }"
    must_end(0)
    assert.equal("240", here:ask "SELECT sum(rejected) FROM pghost.files WHERE run_id = 4")
  end)

  it("of a share allows for records that become shorter", function()
    local lines = { "id,name" }
    for i = 1, 20000 do
      lines[#lines + 1] = ("%s%d,%s"):format(i % 50 == 0 and "x" or "", i, ("n"):rep(100))
    end
    for i = 20001, 120000 do
      lines[#lines + 1] = ("%d,n%s"):format(i, ("n"):rep(45))
    end
    here:write("item.csv", table.concat(lines, "\n") .. "\n") -- 400 of 120,000: 0.33 %
    script "{ budget = { share = '0.34%' } }"
    must_end(0)
  end)

  it("of a file", function()
    here:write("item_1.csv", items(10, { [2] = true }))
    here:write("item_2.csv", (items(10, { [5] = true, [6] = true }):gsub("\n(%d)", "\n9%1")))
    script "{ budget = { per_file = 2 } }"
    must_end(0)
    script "{ budget = { per_file = { rejects = 1 } } }"
    must_end(4, "table 'item': file 'item_2.csv': 2 rejected so far, the budget of a file allows 1: stopped: nothing "
      .. "is published; `pghost rejects 2` lists them")
    script "{ budget = { per_file = '10%' } }"
    must_end(4, "table 'item': file 'item_2.csv': 2 of 10 records rejected, the budget of a file allows 10% "
      .. "(20% it is): nothing is published; `pghost rejects 3` lists them")
  end)

  it("of a rule, duplicates of the key among them", function()
    here:write("item.csv", "id,name\n1,a\n1,b\nx,c\ny,d\n5,\n")
    script "{ budget = { rejects = 3, rules = { type = 2, required = '20%', key = 1 } } }"
    must_end(0)
    script "{ budget = { rules = { type = 1 } } }"
    must_end(4, "table 'item': rule 'type': 2 rejected so far, its budget allows 1: stopped: nothing is published; "
      .. "`pghost rejects 2` lists them")
    script "{ budget = { rules = { key = 0 } } }"
    must_end(4, "table 'item': rule 'key': 1 of 5 records rejected, its budget allows 0: nothing is published; "
      .. "`pghost rejects 3` lists them")
  end)

  -- Loads half a million records, an eighth of them bad, most of those by rule `required`; the number of
  -- records until it stopped.
  local function stops_at(options, what)
    local lines = { "id,name" }
    for i = 1, 500000 do
      lines[i + 1] = i % 64 == 0 and "x,n" or i % 8 == 0 and i .. "," or i .. ",n"
    end
    here:write("item.csv", table.concat(lines, "\n") .. "\n")
    script(options)
    local err = must_end(4, false)
    local last = here:ask "SELECT max(line) FROM pghost.rejects"
    assert.matches(what, err)
    assert.matches(": stopped: nothing is published;", err, 1, true)
    return tonumber(last)
  end

  it("of a rule stops early, as number and as share", function()
    assert.is_true(stops_at("{ budget = { rules = { required = 100 } } }",
      "table 'item': rule 'required': [%d,]+ rejected so far, its budget allows 100: ") < 100000)
    assert.is_true(stops_at("{ budget = { rules = { type = 5000, required = '2%' } } }",
      "table 'item': rule 'required': %d+ of the first %d+ records rejected, its budget allows 2%%: ") < 300000)
  end)

  it("of a file's share stops early", function()
    assert.is_true(stops_at("{ budget = { per_file = '2%' } }",
      "table 'item': item.csv: %d+ of the first %d+ records rejected, its budget allows 2%%: ") < 300000)
  end)

  it("of a run counts all its tables", function()
    here:write("item.csv", items(10, { [2] = true }))
    here:write("more.csv", items(10, { [1] = true, [2] = true }))
    local both = [[run:load("item", "item.csv", rules) run:load("more", "more.csv", rules)]]
    script(nil, "max_rejects = 3", both)
    must_end(0)
    script(nil, "max_rejects = 2", both)
    must_end(4, "all tables: 3 rejected so far, max_rejects allows 2: stopped: nothing is published; "
      .. "`pghost rejects 2` lists them")
    must_end(0, nil, { "--max-rejects", "15%" })
    must_end(4, "all tables: 3 of 20 records rejected, max_rejects allows 14% (15% it is): nothing is published; "
      .. "`pghost rejects 4` lists them", { "--max-rejects", "14%" })
    must_end(2, "max_rejects: a number or a share such as 2% expected, got 'few'", { "--max-rejects", "few" })
  end)

  it("holds for rules that run over the raw table", function()
    here:write("item.csv", items(10, { [2] = true, [3] = true }) .. "11,a,b\n")
    script(nil, nil, [[run:stage("item", "item.csv", rules) run:clean("item", rules, { max_rejects = 3 })]])
    must_end(0)
    script(nil, nil, [[run:stage("item", "item.csv", rules) run:clean("item", rules, { max_rejects = 2 })]])
    must_end(4, "table 'item': 3 rejected so far, its budget allows 2: stopped: nothing is published; "
      .. "`pghost rejects 2` lists them")
    script(nil, nil, [[run:stage("item", "item.csv", rules, { max_rejects = 0 })]])
    must_end(4, "table 'item': 1 rejected so far, its budget allows 0: stopped: nothing is published; "
      .. "`pghost rejects 3` lists them")
  end)

  it("that makes no sense is refused", function()
    here:write("item.csv", items(1, {}))
    for options, message in pairs {
      ["{ max_rejects = -1 }"] = "max_rejects: whole number or share as '2%' expected, got '-1'",
      ["{ budget = { few = 1 } }"] = "budget: unknown budget 'few'",
      ["{ budget = 3 }"] = "budget: table of budgets expected, got number",
      ["{ budget = { rules = { type = 'x' } } }"] =
        "budget.rules.type: whole number or share as '2%' expected, got 'x'",
      ["{ budget = { rules = { typ = 1 } } }"] = "budget.rules: unknown rule 'typ': did you mean 'type'?",
    } do
      script(options)
      must_end(1, message)
    end
  end)

  it("is read the same everywhere", function()
    assert.same({ count = 12 }, budget_options.parse "12")
    assert.same({ percent = 0.5 }, budget_options.parse "0.5%")
    for _, bad in ipairs { "", "1.5", "-1", "101%", "%", "0x10", "1e3" } do
      assert.same({ nil, ("whole number or share as '2%%' expected, got '%s'"):format(bad) },
        { budget_options.parse(bad) })
    end
  end)
end)

describe("on_error = 'stop'", function()
  fixture.each(function(keep)
    here = keep(project.new { ["rules.lua"] = rules })
  end)

  it("ends with the first bad record as the error", function()
    here:write("item.csv", items(5000, { [40] = true, [41] = true, [4000] = true }))
    script "{ on_error = 'stop' }"
    must_end(1, "item.csv:41: id: not a bigint 'x40'")
    assert_nothing_published()
    script "{}"
    must_end(1, "item.csv:41: id: not a bigint 'x40'", { "--on-error", "stop" })
    must_end(0)
    script("{}", "on_error = 'stop'")
    must_end(1, "item.csv:41: id: not a bigint 'x40'")
    must_end(2, "on_error: 'reject' or 'stop' expected, got 'maybe'", { "--on-error", "maybe" })
  end)

  it("with a record that cannot be read, and over a raw table", function()
    here:write("item.csv", "id,name\n1,a\n2\n3,b\n")
    script "{ on_error = 'stop' }"
    must_end(1, "item.csv:3: too few fields: 1 of 2")
    here:write("item.csv", "id,name\n1,a\n3,\n")
    script(nil, nil, [[run:stage("item", "item.csv", rules) run:clean("item", rules, { on_error = "stop" })]])
    must_end(1, "item.csv:3: name: is required")
    here:write("item.csv", "id,name\n1,a\n")
    must_end(0)
  end)
end)
