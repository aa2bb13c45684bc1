-- pghost fix: a corrected rejects file comes back, and each of its records is loaded once.

local fixture = require "support.fixture"
local pghost = require "support.pghost"
local project = require "support.project"

local here

local function rules(key)
  return ([[
    local r = require "pghost.rules"
    return r.table("item", {
      { "id", r.bigint():required() },
      { "price", r.numeric(10, 2):required() },
      { "remark", r.text() },
    }%s)
  ]]):format(key and ', { key = "id" }' or "")
end

local script = [[
  local pipeline = require "pghost.pipeline"
  local check = require "pghost.check"
  local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
  run:load("item", "item*.csv", require "rules")
  run:check { check.holds("item", "price < 1000") }
  run:publish()
]]

local function items()
  return here:ask "SELECT id, price, remark FROM item ORDER BY 1, 2, 3"
end

local function states()
  return here:ask "SELECT line, state, replayed_by FROM pghost.rejects WHERE run_id = 1 ORDER BY line"
end

-- Writes the rejects of run 1, and changes the file as an editor would.
local function edit(changes, name)
  here:must(0, "rejects", "1", "--csv", name or "bad.csv", "--force")
  local text = here:read(name or "bad.csv")
  for from, to in pairs(changes) do
    local at, stop = text:find(from, 1, true)
    assert(at, from)
    text = text:sub(1, at - 1) .. to .. text:sub(stop + 1)
  end
  here:write(name or "bad.csv", text)
end

describe("pghost fix", function()
  fixture.each(function(keep)
    here = keep(project.new { ["rules.lua"] = rules(true), ["pipeline.lua"] = script })
  end)

  it("loads what passes, once, and says what does not", function()
    here:write("item.csv", "id,price,remark\n1,1,a\n2,two,b\n3,x,c\n4,y,d\n")
    here:must(0, "pipeline.lua")
    edit { ["2,two"] = "2,2", ["3,x"] = "3,z" }
    local err = here:must(0, "fix", "1", "bad.csv")
    assert.truthy(err:find("bad.csv:3: in run 2: price: not a numeric 'z'", 1, true), err)
    assert.truthy(err:find("bad.csv:4: in run 2: price: not a numeric 'y'", 1, true), err)
    assert.truthy(err:find("bad.csv: 1 corrected, 0 passed as they were, 2 still open", 1, true), err)
    assert.equal("1|1.00|a\n2|2.00|b", items())
    assert.equal("3|corrected|2\n4|open|\n5|open|", states())
    err = here:must(0, "fix", "1", "bad.csv")
    assert.truthy(err:find("bad.csv:2: reject 1 was already corrected by run 2: not loaded", 1, true), err)
    assert.equal("1|1.00|a\n2|2.00|b", items())
    assert.equal("f", here:ask "SELECT count(*) > 1 FROM pghost.corrections")
  end)

  it("keeps who, when, the old bytes and the new fields", function()
    local text = "id,price,remark\n2,two,b\n"
    here:write("item.csv", text .. "1,1,\n")
    here:must(0, "pipeline.lua")
    edit { ["2,two,b"] = '2,2,"with ""quotes"",\nand a line"' }
    here:must(0, "fix", "1", "bad.csv")
    assert.equal("t|t|t|t|t|2|2|2,two,b", here:ask(([[
      SELECT file_sha256 = encode(sha256('%s'), 'hex'), original_sha256 = sha256('2,two,b'),
        fields = '["2", "2", "with \"quotes\",\nand a line"]', columns = '["id", "price", "remark"]',
        made_by <> '' AND made_at > now() - interval '5 min', made_in, line, convert_from(original, 'UTF8')
      FROM pghost.corrections]]):format(text .. "1,1,\n")))
    assert.equal("2|2.00|with \"quotes\",\nand a line", here:ask "SELECT * FROM item WHERE id = 2")
  end)

  it("leaves cells alone that nobody touched", function()
    here:write("item.csv", "id,price,remark\n1,x,=1+1\n2,x,'=1+1\n3,x,\"\"\n4,x,\n5,x,abc\n6,x,@a\n7,1,\n8,x,\" é \"\n")
    here:must(0, "pipeline.lua")
    edit { ["1,x"] = "1,1", ["2,x"] = "2,1", ["3,x"] = "3,1", ["4,x"] = "4,1", ["5,x,abc"] = "5,1,'=typed",
      ["6,x,'@a"] = "6,1,'@b", ["8,x"] = "8,1" }
    here:must(0, "fix", "1", "bad.csv")
    assert.equal("1|=1+1|f\n2|'=1+1|f\n3||f\n4||t\n5|'=typed|f\n6|@b|f\n7||t\n8| é |f",
      here:ask "SELECT id, remark, remark IS NULL FROM item ORDER BY id")
  end)

  it("takes original bytes that can be read now, and fields of what could not be taken apart", function()
    here:write("item.csv", "id,price,remark\n1,1,a\n2,2\n3,3,\"c\"x\n4,4\n")
    here:must(0, "pipeline.lua")
    here:must(0, "rejects", "1", "--csv", "bad.csv")
    local text = here:read "bad.csv"
    local lines = {}
    for line in text:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    lines[2] = lines[2]:gsub('"2,2"$', '"2,2,b"')
    lines[3] = lines[3]:gsub("^,,,", "3,3,c,")
    here:write("bad.csv", table.concat(lines, "\n") .. "\n")
    here:must(0, "fix", "1", "bad.csv")
    assert.equal("1|1.00|a\n2|2.00|b\n3|3.00|c", items())
    assert.equal("3|corrected|2\n4|corrected|2\n5|open|", states())
    assert.equal("1|1", here:ask "SELECT id, price FROM item_raw") -- says what the file says
  end)

  it("tells records that are not of the run, and loads the rest", function()
    here:write("item.csv", "id,price,remark\n1,1,a\n2,x,b\n")
    here:must(0, "pipeline.lua")
    edit { ["2,x"] = "2,2" }
    local text = here:read "bad.csv"
    here:write("bad.csv", text .. "9,9,z,99,item.csv,3,price,x,\n8,8,z,1,item.csv,7,price,x,\n7,7,z,1,item.csv,3,p,x,\n"
      .. "6,6,z,,,,,,\n")
    local err = here:must(1, "fix", "1", "bad.csv")
    for _, message in ipairs { "bad.csv:3: no reject '99' in run 1: not loaded",
      "bad.csv:4: reject 1 is of item.csv:3, not of item.csv:7: not loaded",
      "bad.csv:5: reject 1 is already at line 2: not loaded", "bad.csv:6: no reject '' in run 1: not loaded" } do
      assert.truthy(err:find(message, 1, true), err)
    end
    assert.equal("1|1.00|a\n2|2.00|b", items())
    err = here:must(1, "fix", "1", "item.csv")
    assert.truthy(err:find("'item.csv' is not a rejects file: `pghost rejects --csv FILE` writes one", 1, true), err)
    for name, message in pairs { ["none.csv"] = "no such file 'none.csv'",
      ["."] = "'.' is a folder, not a rejects file" } do
      assert.same({ "", ("pghost: %s\n"):format(message), 1 }, { here:pghost("fix", name) })
    end
  end)

  it("publishes nothing when a check fails", function()
    here:write("item.csv", "id,price,remark\n1,1,a\n2,x,b\n")
    here:must(0, "pipeline.lua")
    edit { ["2,x"] = "2,2000" }
    here:must(4, "fix", "1", "bad.csv")
    assert.equal("1|1.00|a", items())
    assert.equal("3|open|", states())
    assert.equal("0", here:ask "SELECT count(*) FROM pghost.corrections")
  end)

  it("is safe in a table without a key, two at once, and after a kill", function()
    here:write("rules.lua", rules(false))
    local lines = { "id,price,remark" }
    for i = 1, 200 do
      lines[#lines + 1] = i .. (i % 2 == 0 and ",x," or ",1,") .. "a"
    end
    here:write("item.csv", table.concat(lines, "\n") .. "\n")
    here:must(0, "pipeline.lua")
    here:must(0, "rejects", "1", "--csv", "bad.csv")
    here:write("bad.csv", (here:read("bad.csv"):gsub(",x,", ",1,")))
    local binary = ("%s --dsn '%s' fix 1 bad.csv"):format(pghost.path, here.dsn)
    for _, after in ipairs { 0.02, 0.05, 0.08, 0.1, 0.15 } do
      os.execute(("cd %s && timeout -s KILL %g %s >/dev/null 2>&1"):format(here.folder, after, binary))
      assert.truthy(("100 200"):find(here:ask "SELECT count(*) FROM item", 1, true))
    end
    os.execute(("cd %s && (%s >one 2>&1 & %s >two 2>&1 & wait)"):format(here.folder, binary, binary))
    assert.equal("200|200", here:ask "SELECT count(*), count(DISTINCT id) FROM item",
      here:read "one" .. here:read "two")
    assert.equal("100", here:ask "SELECT count(*) FROM pghost.corrections")
  end)

  it("is also what replay --with does", function()
    here:write("item.csv", "id,price,remark\n1,1,a\n2,x,b\n3,y,c\n")
    here:must(0, "pipeline.lua")
    edit { ["2,x"] = "2,2" }
    here:must(0, "replay", "1", "--with", "bad.csv")
    assert.equal("1|1.00|a\n2|2.00|b", items())
  end)

  it("is not needed for what pghost load takes in, which is taken in once", function()
    here:write("rules.lua", rules(false))
    here:write("item.csv", "id,price,remark\n1,1,a\n2,x,b\n3,y,c\n")
    here:must(0, "pipeline.lua")
    edit { ["2,x"] = "2,2" }
    here:must(0, "load", "bad.csv", "--into", "item", "--max-rejects", "9")
    assert.equal("1|1.00|a\n2|2.00|b", items())
    assert.equal("3|corrected|\n4|open|", states())
    local err = here:must(1, "load", "bad.csv", "--into", "item", "--max-rejects", "9")
    assert.truthy(err:find("bad.csv:2: reject 1 was already corrected: leave the record out", 1, true), err)
    err = here:must(0, "fix", "1", "bad.csv")
    assert.truthy(err:find("bad.csv:2: reject 1 was already corrected: not loaded", 1, true), err)
    here:must(0, "replay", "1")
    assert.equal("1|1.00|a\n2|2.00|b", items())
    here:must(0, "pipeline.lua") -- which applies it as a correction
    assert.equal("1|1.00|a\n2|2.00|b", items())
    here:must(0, "load", "bad.csv", "--into", "other", "--create") -- another table is another matter
  end)

  it("takes in what a load with --rejects table has refused by pghost load, once", function()
    here:write("item.csv", "id,price\n1,1\n2,x\n")
    here:ask "CREATE TABLE t (id int, price int)"
    here:must(0, "load", "item.csv", "--into", "t", "--rejects", "table", "--max-rejects", "9")
    edit { ["2,x"] = "2,2" }
    here:must(0, "load", "bad.csv", "--into", "t")
    here:must(1, "load", "bad.csv", "--into", "t")
    assert.equal("1|1\n2|2", here:ask "SELECT * FROM t ORDER BY 1")
    local err = here:must(0, "fix", "bad.csv")
    assert.truthy(err:find("bad.csv:2: reject 1 was already corrected: not loaded", 1, true), err)

  end)

  it("goes to the run that has rebuilt the table since, where that rejects the same records", function()
    here:write("item.csv", "id,price,remark\n1,1,a\n2,x,b\n3,y,c\n")
    here:must(0, "pipeline.lua")
    here:must(0, "rejects", "--csv", "old.csv")
    here:write("old.csv", (here:read("old.csv"):gsub("2,x", "2,2"):gsub("3,y", "3,3")))
    os.rename(here.folder .. "/item.csv", here.folder .. "/item2.csv")
    here:must(0, "pipeline.lua")
    local err = here:must(0, "fix", "old.csv")
    assert.truthy(err:find("run 2 has rebuilt item since run 1: the same records are fixed there", 1, true), err)
    assert.truthy(err:find("old.csv: 2 corrected", 1, true), err)
    assert.equal("1|1.00|a\n2|2.00|b\n3|3.00|c", items())
    assert.equal("2|corrected\n2|corrected", here:ask "SELECT run_id, state FROM pghost.rejects WHERE run_id = 2")
    assert.truthy(here:must(0, "fix", "old.csv"):find("reject 3 was already corrected by run 3: not loaded", 1, true))
    here:write("item2.csv", "id,price,remark\n1,1,a\n2,x,b\n4,z,c\n") -- another content
    here:must(0, "pipeline.lua")
    err = here:must(1, "fix", "old.csv")
    assert.truthy(err:find("reject '1' of run 1 is none of run 4, which has rebuilt the table: not loaded", 1, true),
      err)
    assert.equal("1|1.00|a", items())
  end)
end)
