-- Corrections and waivers hold whenever the same record comes again.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local here

local function rules(more)
  return ([[
    local r = require "pghost.rules"
    return r.table("item", {
      { "id", r.bigint():required() },
      { "price", r.numeric(10, 2)%s:required() },
    }, { key = "id" })
  ]]):format(more or "")
end

local function script(options)
  return ([[
    local pipeline = require "pghost.pipeline"
    local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
    run:load("item", "item*.csv", require "rules", { %s })
    run:publish()
  ]]):format(options or "")
end

local function last_run()
  return here:ask "SELECT max(run_id) FROM pghost.runs WHERE replay_of IS NULL"
end

-- Corrects prices of the open rejects of the last run: by id.
local function fix(prices)
  local run = last_run()
  here:must(0, "rejects", run, "--csv", "bad.csv", "--force")
  local text = here:read("bad.csv"):gsub("\n(%d+),[^,]+,", function(id)
    return prices[tonumber(id)] and ("\n%s,%s,"):format(id, prices[tonumber(id)]) or nil
  end)
  here:write("bad.csv", text)
  return here:must(0, "fix", run, "bad.csv")
end

local function items()
  return here:ask "SELECT id, price FROM item ORDER BY id"
end

-- The accounts of the files of the last run.
local function accounts()
  return here:ask(([[
    SELECT records, loaded, corrected, rejected, waived, filtered, duplicates,
      records = loaded + corrected + rejected + waived + filtered + duplicates
    FROM pghost.files WHERE run_id = %s ORDER BY file_id]]):format(last_run()))
end

local function states()
  return here:ask(("SELECT line, state FROM pghost.rejects WHERE run_id = %s ORDER BY file_id, line")
    :format(last_run()))
end

describe("corrections", function()
  fixture.each(function(keep)
    here = keep(project.new { ["rules.lua"] = rules(), ["pipeline.lua"] = script() })
  end)

  it("and waivers survive the next run, under another name too", function()
    here:write("item.csv", "id,price\n1,1\n2,x\n3,y\n4,z\n5\n")
    here:must(0, "pipeline.lua")
    fix { [2] = "2", [3] = "3" }
    here:must(0, "rejects", "1", "--rule", "fields", "--waive", "cut off")
    assert.equal("1|1.00\n2|2.00\n3|3.00", items())
    local err = here:must(0, "pipeline.lua")
    assert.truthy(err:find("5 records in 1 file: 1 loaded, 2 corrected, 1 rejected, 1 waived", 1, true), err)
    assert.equal("1|1.00\n2|2.00\n3|3.00", items())
    assert.equal("5|1|2|1|1|0|0|t", accounts())
    assert.equal("3|corrected\n4|corrected\n5|open\n6|waived", states())
    assert.equal("cut off", here:ask "SELECT DISTINCT note FROM pghost.rejects WHERE state = 'waived'")
    os.rename(here.folder .. "/item.csv", here.folder .. "/item_renamed.csv")
    here:must(0, "pipeline.lua")
    assert.equal("1|1.00\n2|2.00\n3|3.00", items())
    assert.equal("5|1|2|1|1|0|0|t", accounts())
    here:write("item_renamed.csv", "id,price\n1,1\n2,x\n3,y\n4,z\n5\n6,6\n") -- other content: nobody has looked at it
    here:must(0, "pipeline.lua")
    assert.equal("6|2|0|4|0|0|0|t", accounts())
  end)

  it("are not applied to a record that passes as it is, which is said", function()
    here:write("item.csv", "id,price\n1,1\n2,x\n")
    here:must(0, "pipeline.lua")
    fix { [2] = "2" }
    here:write("rules.lua", rules ":replace('x', '7')")
    local err = here:must(0, "pipeline.lua")
    assert.truthy(err:find("1 correction not applied: the record passes as it is", 1, true), err)
    assert.equal("1|1.00\n2|7.00", items())
    assert.equal("2|2|0|0|0|0|0|t", accounts())
  end)

  it("that do not pass any more leave the reject open, and say why", function()
    here:write("item.csv", "id,price\n1,1\n2,x\n")
    here:must(0, "pipeline.lua")
    fix { [2] = "500" }
    here:write("rules.lua", rules ":range(0, 100)")
    local err = here:must(0, "pipeline.lua")
    assert.truthy(err:find("1 record rejected although corrected before", 1, true), err)
    assert.equal("1|1.00", items())
    assert.equal("2|1|0|1|0|0|0|t", accounts())
    assert.truthy(here:ask("SELECT note FROM pghost.rejects WHERE state = 'open' ORDER BY reject_id DESC LIMIT 1")
      :find("^its correction does not pass in run 3: price: "))
  end)

  it("also of duplicates of a key", function()
    here:write("item.csv", "id,price\n1,1\n1,2\n1,3\n")
    here:must(0, "pipeline.lua")
    here:must(0, "rejects", "1", "--csv", "bad.csv")
    here:write("bad.csv", (here:read("bad.csv"):gsub("1,2,", "2,2,", 1)))
    here:must(0, "fix", "1", "bad.csv")
    here:must(0, "rejects", "1", "--waive")
    assert.equal("1|1.00\n2|2.00", items())
    here:must(0, "pipeline.lua")
    assert.equal("1|1.00\n2|2.00", items())
    assert.equal("3|1|1|0|1|0|0|t", accounts())
    here:write("item_0.csv", "id,price\n2,9\n") -- what the files say of a key comes first
    here:must(0, "pipeline.lua")
    assert.equal("1|1.00\n2|9.00", items())
    assert.equal("3|1|0|0|1|0|1|t\n1|1|0|0|0|0|0|t", accounts())
  end)

  it("do not count for budgets", function()
    here:write("item.csv", "id,price\n1,1\n2,x\n3,y\n")
    here:write("lax.lua", script())
    here:must(0, "lax.lua")
    here:write("pipeline.lua", script "max_rejects = 0")
    here:must(4, "pipeline.lua")
    here:must(0, "lax.lua")
    fix { [2] = "2" }
    here:must(0, "rejects", last_run(), "--waive")
    here:must(0, "pipeline.lua")
    assert.equal("3|1|1|0|1|0|0|t", accounts())
    here:write("pipeline.lua", script "on_error = 'stop'")
    here:must(0, "pipeline.lua")
    here:write("item_2.csv", "id,price\n8,x\n")
    local err = here:must(1, "pipeline.lua")
    assert.truthy(err:find("item_2.csv:2: price: not a numeric 'x'", 1, true), err)
    assert.equal("1|1.00\n2|2.00", items())
  end)

  it("are shown and reverted", function()
    here:write("item.csv", "id,price\n1,1\n2,x\n3,y\n")
    here:must(0, "pipeline.lua")
    fix { [2] = "2" }
    here:must(0, "rejects", "1", "--waive", "gone")
    assert.truthy(here:pghost("rejects", "1", "--corrected"):find("1 corrected reject", 1, true))
    assert.truthy(here:pghost("rejects", "1", "--waived"):find("not a numeric 'y' [gone]", 1, true))
    here:must(0, "pipeline.lua")
    local out = here:pghost("rejects", last_run(), "--revert")
    assert.equal("run 3: 1 waived reject open again, 1 correction reverted\n", out)
    assert.equal("1|1.00\n2|2.00", items()) -- what is published stays
    assert.equal("3|corrected\n4|open", states())
    assert.equal("run 3: 0 waived rejects open again, 0 corrections reverted\n",
      here:pghost("rejects", last_run(), "--revert"))
    here:must(0, "pipeline.lua")
    assert.equal("1|1.00", items())
    assert.equal("3|1|0|2|0|0|0|t", accounts())
    assert.equal("2", here:ask "SELECT count(*) FROM pghost.corrections WHERE reverted_by <> ''")
    here:must(2, "rejects", "--revert")
    here:must(2, "rejects", "1", "--revert", "--waive")
  end)

  it("of nulls, many columns and encodings come back as they were given", function()
    here:write("rules.lua", [[
      local r = require "pghost.rules"
      return r.table("item", { { "id", r.bigint():required() }, { "name", r.text() }, { "note", r.text() } })
    ]])
    here:write("item.csv", "id,name,note\nx,\"J\xf6rg\",\"\"\ny,,\"#a,\"\"b\"\"\"\n3,z,z\n")
    here:write("pipeline.lua", script "encoding = 'latin1', comment = '#'")
    here:must(0, "pipeline.lua")
    fix {}
    here:must(0, "rejects", "1", "--csv", "bad.csv", "--force")
    here:write("bad.csv", (here:read("bad.csv"):gsub("\nx,", "\n1,"):gsub("\ny,", "\n2,")))
    here:must(0, "fix", "1", "bad.csv")
    local wanted = "1|Jörg||f|f\n2||#a,\"b\"|t|f\n3|z|z|f|f"
    local ask = "SELECT *, name IS NULL, note IS NULL FROM item ORDER BY id"
    assert.equal(wanted, here:ask(ask))
    here:must(0, "pipeline.lua")
    assert.equal(wanted, here:ask(ask))
  end)

  it("hold in a run that goes on after a kill", function()
    local lines = { "id,price" }
    for i = 1, 400 do
      lines[#lines + 1] = ("%d,%s"):format(i, i % 2 == 0 and "x" or "1")
    end
    here:write("item.csv", table.concat(lines, "\n") .. "\n")
    here:write("pipeline.lua", (script():gsub('schema = "public"', 'schema = "public", resume = true')))
    here:must(0, "pipeline.lua")
    here:must(0, "rejects", "1", "--csv", "bad.csv")
    here:write("bad.csv", (here:read("bad.csv"):gsub("([048],)x,", "%12,")))
    here:must(0, "fix", "1", "bad.csv")
    here:must(0, "rejects", "1", "--waive")
    for _, after in ipairs { 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4 } do
      os.execute(("cd %s && timeout -s KILL %g %s --dsn '%s' pipeline.lua >/dev/null 2>&1"):format(here.folder, after,
        pghost.path, here.dsn))
      assert.equal("320|440", here:ask "SELECT count(*), sum(price)::int FROM item")
    end
    here:must(0, "pipeline.lua")
    assert.equal("320|440", here:ask "SELECT count(*), sum(price)::int FROM item")
    assert.equal("400|200|120|0|80|0|0|t", accounts())
  end)

  it("hold where run:stage and run:clean are two steps", function()
    here:write("pipeline.lua", [[
      local pipeline = require "pghost.pipeline"
      local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
      run:stage("item", "item*.csv", require "rules")
      run:clean("item", require "rules")
      run:publish()
    ]])
    here:write("item.csv", "id,price\n1,1\n2,x\n3,y\n4\n5\n")
    here:must(0, "pipeline.lua")
    fix { [2] = "2" }
    here:must(0, "rejects", "1", "--csv", "bad.csv", "--force")
    here:write("bad.csv", (here:read("bad.csv"):gsub('"4"', '"4,4"'):gsub(",4\n", ",\"4,4\"\n")))
    here:must(0, "fix", "1", "bad.csv")
    here:must(0, "rejects", "1", "--rule", "type", "--waive")
    local before = items()
    assert.equal("1|1.00\n2|2.00\n4|4.00", before)
    here:must(0, "pipeline.lua")
    assert.equal(before, items())
    assert.equal("5|1|2|1|1|0|0|t", accounts())
  end)
end)
