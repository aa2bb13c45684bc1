-- Errors of the server in checks and analytics: the file or check, the line, and that line with a caret.
-- The oracle for lines and columns is the text itself: the marker that the spec puts into it.

local assert = require "luassert"
local fixture = require "support.fixture"
local project = require "support.project"

local script = [[
local pipeline = require "pghost.pipeline"
local check = require "pghost.check"
local r = require "pghost.rules"
local run <close> = pipeline.start("faults", { data = ".", retries = 0, parameters = { least = 3 } })
run:load("item", "item.csv", r.table("item", { { "id", r.bigint() }, { "name", r.text() } }))
%s
run:publish()
]]

local here

local function fail_with(body)
  here:write("pipeline.lua", script:format(body))
  local err, code = here:run "pipeline.lua"
  assert.equal(1, code, err)
  return err:match("pghost: (.*)$")
end

describe("an error of the server", function()
  fixture.each(function(keep)
    here = keep(project.new { ["item.csv"] = "id,name\n1,a\n2,b\n" })
    os.execute("mkdir " .. here.folder .. "/sql")
  end)

  it("in analytics names the file and the line, whatever stands before it", function()
    here:write("sql/q.sql", "-- what: 'ä' /* \n/* over\nlines */\nSELECT id, 'ä€' AS u, :as_of AS a, "
      .. ":least\t+ 1 AS b,\n  'ü', nmae AS c -- here\nFROM item;\n")
    assert.equal("sql/q.sql:5: column \"nmae\" does not exist\n    'ü', nmae AS c -- here\n         ^\n",
      (fail_with('run:analyse "sql"'):gsub("  hint: [^\n]*\n", "")))
  end)

  it("in analytics points at a syntax error, at the end too", function()
    here:write("sql/q.sql", "SELECT 1 AS a\nFORM item\n")
    assert.equal("sql/q.sql:2: syntax error at or near \"FORM\"\n  FORM item\n  ^\n", fail_with('run:analyse "sql"'))
  end)

  it("in analytics that fails only while it runs has no place but the file", function()
    here:write("sql/q.sql", "SELECT 1 / (id - 1) AS a FROM item")
    assert.equal("sql/q.sql: division by zero\n", fail_with('run:analyse "sql"'))
  end)

  it("in a check names the check and the line", function()
    assert.equal("check 'some':3: column \"nmae\" does not exist\n      AND nmae = 'x'\n          ^\n",
      (fail_with([=[run:check { { name = "some", sql = [[
SELECT id FROM item
WHERE :as_of > '2000-01-01'
    AND nmae = 'x']] } }]=]):gsub("  hint: [^\n]*\n", "")))
    assert.equal("check 'item: idd > 0':1: column \"idd\" does not exist\n"
      .. "  idd > 0\n  ^\n",
      (fail_with('run:check { check.holds("item", "idd > 0") }'):gsub("  hint: [^\n]*\n", "")))
  end)

  it("shows the part of a long line that it is about", function()
    here:write("sql/q.sql", ("SELECT %snmae + %s1 AS x FROM item"):format(("id + 1 + "):rep(200), ("id + "):rep(200)))
    local shown, caret = fail_with('run:analyse "sql"'):match("does not exist\n  ([^\n]*)\n  ([^\n]*)\n")
    assert.equal(100, #shown)
    assert.equal("nmae", shown:sub(#caret, #caret + 3))
  end)

  it("outside of them points into the statement", function()
    local message = fail_with 'run.conn:query("SELECT nope")'
    assert.equal("column \"nope\" does not exist\n  SELECT nope\n         ^\n", message)
  end)
end)

describe("an answer whose file is gone", function()
  fixture.each(function(keep)
    here = keep(project.new { ["item.csv"] = "id,name\n1,a\n2,b\n" })
    os.execute("mkdir " .. here.folder .. "/sql")
    here:write("sql/one.sql", "SELECT 1 AS a")
    here:write("sql/two.sql", "SELECT 2 AS a")
    here:write("pipeline.lua", script:format('run:analyse "sql"'))
  end)

  it("is told of at each run, until its table is gone or the file is back", function()
    local function warning()
      local err, code = here:run "pipeline.lua"
      assert.equal(0, code, err)
      return err:match("warn: ('sql[^\n]*)")
    end
    assert.is_nil(warning())
    os.remove(here.folder .. "/sql/two.sql")
    local expected = [['sql/two.sql' is gone, its table "public"."two" is still published but no longer updated: ]]
      .. "drop the table, or restore the file"
    assert.equal(expected, warning())
    assert.equal(expected, warning())
    here:write("sql/two.sql", "SELECT 2 AS a")
    assert.is_nil(warning())
    os.remove(here.folder .. "/sql/two.sql")
    assert.equal(expected, warning())
    here.conn:exec "DROP TABLE two"
    assert.is_nil(warning())
  end)

  it("of a run that published nothing is not told of", function()
    here:write("sql/three.sql", "SELECT nope")
    assert.equal(1, select(2, here:run "pipeline.lua"))
    os.remove(here.folder .. "/sql/three.sql")
    os.remove(here.folder .. "/sql/two.sql")
    local err = here:run "pipeline.lua"
    assert.falsy(err:find("is gone", 1, true), err)
  end)
end)
