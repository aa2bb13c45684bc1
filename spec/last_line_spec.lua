-- The last line of a run, and the error that ends it: what they say is what the rest of the log and the server say,
-- as text and with --log-format json. The order of keys is read by Python's json, which keeps it.

local cjson = require "cjson"
local fixture = require "support.fixture"
local pghost = require "support.pghost"
local projects = require "support.project"

local script = [[
local pipeline = require "pghost.pipeline"
local check = require "pghost.check"
local r = require "pghost.rules"
local run <close> = pipeline.start("shop", { data = ".", schema = "public", as_of = "2024-06-30 00:00:00" })
local rules = r.table("item", { { "id", r.bigint():required() }, { "price", r.numeric() } }, { key = "id" })
if os.getenv("STAGED") then
  run:stage("item", "item.csv")
  run:clean("item", rules)
else
  run:load("item", "item.csv", rules)
end
run:check { check.holds("item", "price < 100", { severity = "warn" }) }
if os.getenv("FAILS") then
  run:check { check.holds("item", "price < 3") }
end
if not os.getenv("UNPUBLISHED") then
  run:publish()
end
]]

local files = {
  ["shop.lua"] = script,
  ["item.csv"] = 'id,price\n1,1\n2,x\n2,2\n2,3\n,5\n6,"6\n7,700\n8,8,8\n',
}

local totals_query = [[
  SELECT sum(records) AS records, sum(loaded) AS loaded, sum(corrected) AS corrected, sum(rejected) AS rejected,
    sum(waived) AS waived, sum(filtered) AS filtered, sum(duplicates) AS duplicates
  FROM pghost.files WHERE run_id = %d]]

describe("the last line", function()
  local project

  fixture.each(function(keep)
    project = keep(projects.new(files))
  end)

  local function execute(env, ...)
    local _, err, code = pghost.run({ "--dsn", project.dsn, ... }, { cd = project.folder, env = env })
    return err, code
  end

  it("comes after a table of the tables, on a terminal", function()
    local function on_terminal(env, words)
      return (pghost.shell(("cd %s && env -u NO_COLOR %s TERM=dumb script -qec '%s --dsn \"%s\" %s shop.lua' /dev/null")
        :format(project.folder, env, pghost.path, project.dsn, words or ""))):gsub("\r", "")
    end
    for run, env in ipairs { "A=1", "STAGED=1" } do
      local seen = on_terminal(env):match("\n\n( table.-)\n\n")
      local sums = project:ask(totals_query:format(run))
      local records, loaded, rejected, duplicates = sums:match "^(%d+)|(%d+)|0|(%d+)|0|0|(%d+)$"
      assert.matches((" table | records | loaded | rejected | duplicates |   time\n"
        .. "-------+---------+--------+----------+------------+--------\n"
        .. " item  |       %s |      %s |        %s |          %s |"):format(records, loaded, rejected, duplicates),
        seen, 1, true)
    end
    assert.is_nil(on_terminal("A=1", "--log-format json"):find("table |", 1, true))
    assert.is_nil((execute("A=1", "shop.lua")):find("table |", 1, true))
  end)

  local function objects(err)
    local list = {}
    for line in err:gmatch("[^\n]+") do
      list[#list + 1] = cjson.decode(line)
      assert.is_string(list[#list].level, line)
    end
    return list
  end

  local function done_of(list)
    local found = {}
    for _, one in ipairs(list) do
      found[#found + 1] = one.event == "done" and one or nil
    end
    assert.equal(1, #found)
    return found[1]
  end

  local function count_level(list, level)
    local count = 0
    for _, one in ipairs(list) do
      count = count + (one.level == level and 1 or 0)
    end
    return count
  end

  local function totals_of(one)
    return ("%d|%d|%d|%d|%d|%d|%d"):format(one.records, one.loaded, one.corrected, one.rejected, one.waived,
      one.filtered, one.duplicates)
  end

  it("has the totals that the history has, and counts every warning", function()
    local err, code = execute(nil, "shop.lua")
    assert.equal(0, code, err)
    local _, warnings = err:gsub("[^\n]* warn: [^\n]*", "")
    local last = err:match("([^\n]+)\n?$")
    assert.matches("^done +shop +run 1: 8 records: 3 loaded, 4 rejected, 1 duplicate; 3 checks, %d+ warnings", last)
    assert.equal(warnings, tonumber(last:match("(%d+) warnings")))
    assert.is_true(warnings >= 4)
    assert.equal("8|3|0|4|0|0|1", project:ask(totals_query:format(1)))
  end)

  for _, env in ipairs { "", "STAGED=1" } do
    it("has them as JSON " .. env, function()
      local err, code = execute(env, "--log-format", "json", "shop.lua")
      assert.equal(0, code, err)
      local list = objects(err)
      local done = done_of(list)
      assert.equal("info", done.level)
      assert.equal("published", done.state)
      assert.equal("8|3|0|4|0|0|1", totals_of(done))
      assert.equal(count_level(list, "warn"), done.warnings)
      assert.equal(done, list[#list])
    end)
  end

  it("writes keys in one order and numbers that are short", function()
    local err = execute(nil, "--log-format", "json", "shop.lua")
    local out, problem, code = pghost.shell("python3 -c " .. pghost.quote([[
import json, re, sys
for line in filter(str.strip, sys.stdin):
    keys = list(json.loads(line))
    assert keys[:5] == ["time", "level", "event", "name", "message"], keys
    assert keys[5:] == sorted(keys[5:]), keys
    assert not re.search(r'"seconds":[0-9]*\.[0-9]{4}', line), line
print("ok")]]), err .. "\n")
    assert.equal("ok\n", out, problem)
    assert.equal(0, code)
  end)

  it("is an error of a run that fails, with reason and code, and so is the last word", function()
    local err, code = execute("FAILS=1", "--log-format", "json", "shop.lua")
    assert.equal(4, code)
    local list = objects(err)
    local done, last = done_of(list), list[#list]
    assert.same({ "error", "failed", "check" }, { done.level, done.state, done.code })
    assert.matches("^1 check failed, nothing is published: item: price < 3$", done.reason)
    assert.equal("8|3|0|4|0|0|1", totals_of(done))
    assert.same({ "error", "error", "pghost", done.reason, "check", 4 },
      { last.level, last.event, last.name, last.message, last.code, last.exit })
  end)

  it("is an error in text, too", function()
    local err, code = execute("FAILS=1", "shop.lua")
    assert.equal(4, code)
    assert.matches("\ndone +shop +error: run 1 failed, nothing published; until then 8 records: 3 loaded", err)
  end)

  it("is one of a dry run", function()
    local err, code = execute(nil, "--log-format", "json", "shop.lua", "--dry-run")
    assert.equal(0, code, err)
    local done = done_of(objects(err))
    assert.same({ "info", "unpublished", 3 }, { done.level, done.state, done.loaded })
    assert.matches("^run 1, a dry run, nothing published: 8 records", done.message)
  end)

  it("warns of a script that does not publish", function()
    local err, code = execute("UNPUBLISHED=1", "--log-format", "json", "shop.lua")
    assert.equal(0, code)
    local list = objects(err)
    assert.equal("warn", done_of(list).level)
    assert.equal(count_level(list, "warn"), done_of(list).warnings)
  end)

  it("tells corrected records of a fix, and of the run after it", function()
    execute(nil, "shop.lua")
    execute(nil, "rejects", "1", "--csv", "bad.csv")
    local bad = project:read("bad.csv"):gsub("\n2,x,", "\n20,2,")
    project:write("bad.csv", bad)
    local err, code = execute(nil, "--log-format", "json", "fix", "1", "bad.csv")
    assert.equal(0, code, err)
    local lines = err:gsub("\n[^{][^\n]*", "")
    local done = done_of(objects(lines))
    assert.same({ 1, 0 }, { done.corrected, done.loaded })
    assert.equal("4", project:ask "SELECT count(*) FROM item")
    done = done_of(objects((execute(nil, "--log-format", "json", "shop.lua"))))
    assert.equal("8|3|1|3|0|0|1", totals_of(done))
    assert.equal("8|3|1|3|0|0|1", project:ask(totals_query:format(3)))
    assert.equal("4", project:ask "SELECT count(*) FROM item")
  end)
end)

describe("an error as JSON", function()
  local function says(...)
    local _, err, code = pghost.run { "--log-format", "json", ... }
    return cjson.decode(err), code
  end

  it("is one object, whatever fails", function()
    local one, code = says("laod")
    assert.same({ 2, "error", "unknown command 'laod': did you mean 'load'?" }, { code, one.level, one.message })
    one, code = says("-e", [[error('x\n"\27y"\255\u{202e}', 0)]])
    assert.equal(1, code)
    assert.equal('x\n"\27y"\u{fffd}\u{202e}', one.message:match("^(.*)\nstack traceback"))
    one, code = says("load", "none.csv", "--into", "t")
    assert.same({ 1, "ENOENT", 1 }, { code, one.code, one.exit })
    one, code = says("load", "none.csv", "--into", "t", "--no-such")
    assert.same({ 2, "usage" }, { code, one.code })
  end)

  it("has code and exit whatever fails, and the place of a mistake in Lua", function()
    local folder = pghost.folder()
    pghost.write(folder .. "/bad.lua", "local x =\nlocal y = = 1\n")
    pghost.write(folder .. "/raises.lua", "\nlocal none\nprint(none.field)\n")
    for words, expected in pairs {
      ["laod"] = { code = "usage", exit = 2 },
      ["none.lua"] = { code = "usage", exit = 2 },
      ["data.csv"] = { code = "usage", exit = 2 },
      ["--no-such"] = { code = "usage", exit = 2 },
      ["--dsn"] = { code = "usage", exit = 2 },
      ["load f.csv --into t --workers 0"] = { code = "usage", exit = 2 },
      [folder .. "/bad.lua"] = { code = "lua", exit = 1, file = folder .. "/bad.lua", line = 2 },
      [folder .. "/raises.lua"] = { code = "lua", exit = 1, file = folder .. "/raises.lua", line = 3 },
      ["-e error({})"] = { code = "lua", exit = 1 },
      ["--dsn host=/none runs"] = { code = "08001", exit = 3 },
    } do
      local list = {}
      for word in words:gmatch "%S+" do
        list[#list + 1] = word
      end
      local one, code = says(table.unpack(list))
      assert.same(expected, { code = one.code, exit = one.exit, file = one.file, line = one.line }, words)
      assert.equal(one.exit, code, words)
    end
    pghost.remove(folder)
  end)
end)
