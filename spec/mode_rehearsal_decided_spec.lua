-- Rejects that only writing into the published table has shown: waived, corrected, replayed, and in the accounts.

local fixture = require "support.fixture"
local project = require "support.project"

local here

local rules <const> = [[
  local r = require "pghost.rules"
  return r.table("item", {
    { "id", r.bigint():required() },
    { "name", r.text() },
    { "price", r.numeric(10, 2) },
  }, { key = "id" })
]]

local script <const> = [[
  local pipeline = require "pghost.pipeline"
  local run <close> = pipeline.start("shop", { data = ".", schema = "public" })
  run:load("item", "item*.csv", require "rules", { mode = "%s", max_rejects = %s, force = %s })
  run:publish()
]]

local function write_script(mode, most, force)
  here:write("pipeline.lua", script:format(mode, most or "nil", tostring(force or false)))
end

local function items()
  return here:ask "SELECT id, name, price FROM item ORDER BY id"
end

local function states(run)
  return here:ask(("SELECT line, state, note FROM pghost.rejects WHERE run_id = %d ORDER BY line"):format(run))
end

local function accounts(run)
  return here:ask(([[SELECT records, loaded, corrected, rejected, waived,
    records = loaded + corrected + rejected + waived + filtered + duplicates FROM pghost.files
    WHERE run_id = %d AND state <> 'skipped']]):format(run))
end

-- Run 1 publishes two rows, run 2 has four records, of which two are refused by the index.
local function begin(mode)
  write_script(mode)
  here:write("item1.csv", "id,name,price\n1,one,1\n2,two,2\n")
  here:must(0, "pipeline.lua")
  here:ask "CREATE UNIQUE INDEX lowered ON item (lower(name))"
  here:write("item2.csv", "id,name,price\n3,three,3\n4,TWO,4\n5,THREE,5\n6,six,6\n")
  here:must(0, "pipeline.lua")
  assert.equal("4|2|0|2|0|t", accounts(2))
end

-- Writes other names into the rejects file of a run, by id.
local function fix(run, names)
  here:must(0, "rejects", run, "--csv", "bad.csv", "--force")
  here:write("bad.csv", (here:read("bad.csv"):gsub("\n(%d+),[^,]+,", function(id)
    return names[tonumber(id)] and ("\n%s,%s,"):format(id, names[tonumber(id)]) or nil
  end)))
  return here:must(0, "fix", run, "bad.csv")
end

local taken <const> = 'duplicate key value violates unique constraint "lowered": Key (lower(name))=(%s) already exists.'

describe("rejects by what only writing shows", function()
  fixture.each(function(keep)
    here = keep(project.new { ["rules.lua"] = rules })
  end)

  for _, mode in ipairs { "append", "merge", "history" } do
    it("are corrected by a fix, but for what is refused again: mode " .. mode, function()
      begin(mode)
      fix("2", { [4] = "four", [5] = "SIX" })
      assert.equal("3|corrected|\n4|open|in run 3: " .. taken:format "six", states(2))
      assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00\n4|four|4.00\n6|six|6.00", items())
      fix("2", { [5] = "five" })
      assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00\n4|four|4.00\n5|five|5.00\n6|six|6.00", items())
    end)
  end

  it("are waived and corrected when the records come again, also with no reject allowed", function()
    begin "append"
    fix("2", { [4] = "four" })
    here:must(0, "rejects", "2", "--rule", "unique", "--waive", "known")
    here:ask "DELETE FROM item WHERE id > 2"
    write_script("append", 2, true)
    here:must(0, "pipeline.lua") -- item1.csv's keys are there: duplicates
    assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00\n4|four|4.00\n6|six|6.00", items())
    assert.equal("4|2|1|0|1|t", here:ask [[SELECT records, loaded, corrected, rejected, waived,
      records = loaded + corrected + rejected + waived + filtered + duplicates FROM pghost.files
      WHERE run_id = 4 AND name = 'item2.csv']])
  end)

  it("stay open where a correction made before is refused now, by a plain constraint too", function()
    begin "append"
    fix("2", { [4] = "four", [5] = "five" })
    here:ask "DELETE FROM item WHERE id > 2"
    here:ask "ALTER TABLE item ADD CONSTRAINT short CHECK (name <> 'five')"
    write_script("append", nil, true)
    here:must(0, "pipeline.lua")
    assert.equal("1|one|1.00\n2|two|2.00\n3|three|3.00\n4|four|4.00\n6|six|6.00", items())
    assert.matches('4|open|its correction does not pass in run 4: new row for relation "item" violates check '
      .. 'constraint "short"', states(4), 1, true)
  end)

  it("are replayed once the published table takes them", function()
    begin "merge"
    here:ask "UPDATE item SET name = 'deux' WHERE id = 2"
    here:must(0, "replay", "2")
    assert.equal("3|replayed|\n4|open|in run 3: " .. taken:format "three", states(2))
    assert.equal("1|one|1.00\n2|deux|2.00\n3|three|3.00\n4|TWO|4.00\n6|six|6.00", items())
  end)
end)
